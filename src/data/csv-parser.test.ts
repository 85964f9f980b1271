/** The CSV parser: RFC 4180's rules, in pieces of any size. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { CsvParser } from './csv-parser.ts';

/** Rows of a text that comes in pieces of `size`. */
function parse(text: string, size = text.length + 1): [number, ...string[]][] {
  const parser = new CsvParser('x.csv');
  const rows: [number, ...string[]][] = [];
  for (let at = 0; at <= text.length; at += size) {
    const isLast = at + size > text.length;
    for (const { fields, line } of parser.rows(text.slice(at, at + size), isLast)) rows.push([line, ...fields]);
  }
  return rows;
}

test.each<[string, string, [number, ...string[]][]]>([
  [
    'plain',
    'a,b\n1,2\n',
    [
      [1, 'a', 'b'],
      [2, '1', '2'],
    ],
  ],
  [
    'without a last line end',
    'a,b\n1,2',
    [
      [1, 'a', 'b'],
      [2, '1', '2'],
    ],
  ],
  [
    'three line ends',
    'a\r\nb\rc\nd',
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ],
  ],
  [
    'empty lines',
    '\n\r\n\ra,b\n\n\n1,2\n\n',
    [
      [4, 'a', 'b'],
      [7, '1', '2'],
    ],
  ],
  [
    'empty fields',
    ',\n,x\n',
    [
      [1, '', ''],
      [2, '', 'x'],
    ],
  ],
  [
    'an empty field in quotes is a row',
    'a\n""\n',
    [
      [1, 'a'],
      [2, ''],
    ],
  ],
  [
    'quotes',
    '"a,b","c ""d"""\n"","e"',
    [
      [1, 'a,b', 'c "d"'],
      [2, '', 'e'],
    ],
  ],
  ['quotes alone', '"""",""""""\n', [[1, '"', '""']]],
  [
    'line ends in quotes',
    '"a\nb\r\nc",d\ne,f\n',
    [
      [1, 'a\nb\r\nc', 'd'],
      [4, 'e', 'f'],
    ],
  ],
  ['spaces are kept', ' a , b \n', [[1, ' a ', ' b ']]],
  [
    'other characters',
    'é,😀\n!,#$%\n',
    [
      [1, 'é', '😀'],
      [2, '!', '#$%'],
    ],
  ],
])('%s', (_, text, rows) => {
  for (let size = 1; size <= text.length + 1; size++) expect(parse(text, size)).toEqual(rows);
});

const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', '😀'), maxLength: 5 });

test('what is written by the rules is read back, whatever the pieces', () => {
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 4 }));
  fc.assert(
    fc.property(table, fc.integer({ min: 1, max: 9 }), fc.constantFrom('\n', '\r\n', '\r'), (rows, size, end) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = rows.map((row) => row.map(quote).join(',')).join(end);
      expect(parse(text, size).map(([, ...fields]) => fields)).toEqual(rows);
    }),
  );
});

test.each<[string, string, RegExp]>([
  ['an open quote', 'a,b\n\n"x,y\nz', /^x\.csv, line 3: a quote is not closed/],
  ['text behind a quote', '"a"b\n', /line 1: something stands behind a closing quote/],
  ['a quote inside a field', 'a\nb"c\n', /line 2: a quote stands inside a field/],
  ['a column too many', 'a,b\n1,2,3\n', /line 2: the row has 3 columns, the first has 2/],
  ['a column too few', 'a,b\n"x\ny",2\n1\n', /line 4: the row has 1 columns, the first has 2/],
  ['a NUL', 'a,b\n1,\0\n', /line 2: holds a NUL/],
  ['a long row', `a,b\n${'x'.repeat(40_000)},${'y'.repeat(40_000)}\n`, /line 2: a row has more than 65536/],
  ['a long quote', `a,b\n"${'x,y\n'.repeat(20_000)}`, /line 2: a (row has more than 65536|quote is not closed)/],
])('%s: refused', (_, text, pattern) => {
  for (const size of [1000, text.length + 1]) {
    expect(() => parse(text, size)).toThrow(pattern);
    expect(() => parse(text, size)).toThrow(BneckError);
  }
});
