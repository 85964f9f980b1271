import { expect, test } from 'vitest';
import { formatTable, type TableColumn } from './table.ts';

const COLUMNS: TableColumn[] = [
  { title: 'class', align: 'left' },
  { title: 'images', align: 'right' },
  { title: 'note', align: 'left' },
];

test('aligns columns, without spaces at the ends of lines', () => {
  const text = formatTable(COLUMNS, [
    ['cat', '1,200', ''],
    ['dog with a long name', '7', 'few'],
  ]);
  expect(text).toBe(
    [
      'class                 images  note',
      '--------------------  ------  ----',
      'cat                    1,200',
      'dog with a long name       7  few',
    ].join('\n'),
  );
});

test('counts terminal cells, not characters', () => {
  const rows = ['猫', 'ねこ', 'Cafe\u0301', '🐈', 'ab'].map((name) => [name, '1', '|']);
  const lines = formatTable(COLUMNS, rows).split('\n');
  expect(lines.slice(2)).toEqual([
    '猫          1  |',
    'ねこ        1  |',
    'Cafe\u0301        1  |',
    '🐈          1  |',
    'ab          1  |',
  ]);
});

test('an empty table has its head; control characters are not passed on; a row must fit', () => {
  expect(formatTable(COLUMNS, [])).toBe('class  images  note\n-----  ------  ----');
  expect(formatTable([{ title: 'a', align: 'left' }], [['x\u001b[31m\ny']])).toContain('x\ufffd[31m\ufffdy');
  expect(() => formatTable(COLUMNS, [['one']])).toThrow();
});
