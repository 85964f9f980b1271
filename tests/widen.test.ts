/** The second form of loops over channels (scripts/widen.js): what becomes of each kind of statement, and what is refused. */
import { expect, test } from 'vitest';
import { widen } from '../scripts/widen.js';

const wide = (...lines: string[]) =>
  widen(
    `import { VECTOR } from './vector';\nimport { pack_rows } from './gemm';\n\nfunction f(at: usize, last: v128): void {\n${lines.join('\n')}\n}\n`,
  )
    .split('\n')
    .slice(4, -2);

test('loads, sums and stores get an upper half; addresses and constants do not', () => {
  expect(
    wide(
      '  const three = held(3.0);',
      '  const x = v128.load(at), y = v128.load(at, 2 * VECTOR);',
      '  let sum = f32x4.splat(0.0), other = sum;',
      '  sum = f32x4.add(sum, hard_swish(f32x4.mul(x, y), three));',
      '  if (at == 0) other = f32x4.add(last, v128.load(at + load<usize>(at, 4)));',
      '  for (; at < 8; at += VECTOR) v128.store(at, sum, VECTOR);',
      '  at += VECTOR; next += VECTOR;',
      '  add_vector(at, other);',
    ),
  ).toEqual([
    '  const three = held(3.0);',
    '  const x = v128.load(at), y = v128.load(at, 2 * VECTOR), x_upper = v128.load(at, 16), y_upper = v128.load(at, 2 * VECTOR + 16);',
    '  let sum = f32x4.splat(0.0), other = sum, sum_upper = f32x4.splat(0.0), other_upper = sum_upper;',
    '  sum = f32x4.add(sum, hard_swish(f32x4.mul(x, y), three)); sum_upper = f32x4.add(sum_upper, hard_swish(f32x4.mul(x_upper, y_upper), three));',
    '  if (at == 0) { other = f32x4.add(last, v128.load(at + load<usize>(at, 4))); other_upper = f32x4.add(last_upper, v128.load(at + load<usize>(at, 4), 16)); }',
    '  for (; at < 8; at += VECTOR) { { const lower = sum, upper = sum_upper; v128.store(at, upper, VECTOR + 16); v128.store(at, lower, VECTOR); } }',
    '  at += VECTOR; next += VECTOR;',
    '  add_vector(at, other, other_upper);',
  ]);
});

test('imports lead to wide forms where there are some, and vectors of parameters are two', () => {
  const [first, second, , head] = widen(
    "import { VECTOR } from './vector';\nimport { pack_rows } from './gemm';\n\nexport function f(at: usize, x: v128): void {\n}\n",
  ).split('\n');
  expect([first, second]).toEqual([
    "import { VECTOR } from './vector';",
    "import { pack_rows } from '../../kernels/gemm';",
  ]);
  expect(head).toBe('export function f(at: usize, x: v128, x_upper: v128): void {');
});

test.each([
  '  const x = at == 0 ? f32x4.splat(0.0) : v128.load(at);',
  '  let x = v128.load(at); v128.store(at, x);',
  '  else last = v128.load(at);',
  '  last = f32x4.add(last,',
  '  return last;',
])('refused, since half of it would be lost: %s', (line) => {
  expect(() => wide(line)).toThrow();
});
