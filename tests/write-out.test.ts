/** Loops that are written out before AssemblyScript reads them (scripts/write-out.js). */
import { expect, test } from 'vitest';
import { writeOut } from '../scripts/write-out.js';

test('a turn becomes text, with its number in place of the name, inner loops as well', () => {
  const source = [
    'function f(at: usize): void {',
    '  for (let row: usize = 0; row < 2; row++) { // written out',
    '    for (let tap: usize = 0; tap < 2; tap++) { // written out',
    '      x = v128.load(at, 64 * row + 16 * tap);',
    '    }',
    '',
    '    rows += at;',
    '  }',
    '  for (let i = 0; i < 2; i++) { rest(i); }',
    '}',
    '',
  ].join('\n');
  expect(writeOut(source).split('\n')).toEqual([
    'function f(at: usize): void {',
    '      x = v128.load(at, 64 * 0 + 16 * 0);',
    '      x = v128.load(at, 64 * 0 + 16 * 1);',
    '',
    '    rows += at;',
    '      x = v128.load(at, 64 * 1 + 16 * 0);',
    '      x = v128.load(at, 64 * 1 + 16 * 1);',
    '',
    '    rows += at;',
    '  for (let i = 0; i < 2; i++) { rest(i); }',
    '}',
    '',
  ]);
});

test.each([
  'for (let i = 0; i < 2; i++) {',
  'for (let i: usize = 0; i < n; i++) {',
  'for (let i: usize = 0; i < 2; i += 1) {',
])('refuses %s', (head) => {
  expect(() => writeOut(`${head} // written out\n  f(i);\n}\n`)).toThrow('counts a usize');
});
