/** CIFAR files that are cut, too long or of another kind, and lists of class names that are none. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { parseCifar } from '../../src/data/cifar.ts';
import { parseClassNames } from '../../src/data/class-names.ts';
import { readClassesFile } from '../../src/data/classes-file.node.ts';
import { findData } from '../../src/data/open-data.node.ts';
import { cifarBatch } from '../data/data-files.ts';
import { expectLittle } from './expect-little.ts';

const parent = mkdtempSync(join(tmpdir(), 'bneck-hostile-cifar-'));
afterAll(() => rmSync(parent, { recursive: true }));
let made = 0;
function folderWith(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(parent, `data-${made++}`);
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

const GOOD = cifarBatch(4, 4, 1);
const WRONG: [string, Readonly<Record<string, Uint8Array | string>>, RegExp][] = [
  ['empty', { 'data_batch_1.bin': '' }, /0 bytes are not a whole number of records of 3073/],
  ['cut', { 'data_batch_1.bin': GOOD.subarray(1) }, /data_batch_1\.bin: 12291 bytes are not a whole number/],
  ['a byte too many', { 'data_batch_1.bin': Buffer.concat([GOOD, GOOD.subarray(0, 1)]) }, /12293 bytes/],
  ['cut in the second file', { 'data_batch_1.bin': GOOD, 'data_batch_2.bin': 'x' }, /data_batch_2\.bin: 1 bytes/],
  ['records of CIFAR-100', { 'data_batch_1.bin': cifarBatch(4, 4, 2) }, /not a whole number/],
  [
    'a label without a name',
    { 'data_batch_1.bin': GOOD, 'batches.meta.txt': 'a\nb\nc\n' },
    /data_batch_1\.bin#3: label 3, but there are 3/,
  ],
  [
    'no names in their file',
    { 'data_batch_1.bin': GOOD, 'batches.meta.txt': '\n\n' },
    /batches\.meta\.txt: holds no names/,
  ],
  ['pickles', { data_batch_1: 'x', 'batches.meta': 'x' }, /Python version of CIFAR; get the binary version/],
  ['pickles of CIFAR-100', { train: 'x', test: 'x', meta: 'x' }, /Python version of CIFAR/],
  [
    'a fine label without a name',
    { 'train.bin': cifarBatch(3, 3, 2), 'fine_label_names.txt': 'a\nb' },
    /train\.bin#2: label 2/,
  ],
];

test.each(WRONG)('CIFAR, %s: refused', async (_, files, pattern) => {
  const folder = folderWith(files);
  await expectLittle(() => expect(findData(folder)).rejects.toThrow(pattern));
  await expect(findData(folder)).rejects.toThrow(BneckError);
});

test('CIFAR: sizes are judged before files are read', async () => {
  const folder = folderWith({ 'data_batch_1.bin': GOOD });
  truncateSync(join(folder, 'data_batch_1.bin'), 3073 * 700_000); // 2 GB with nothing in it
  await expectLittle(() => expect(findData(folder)).rejects.toThrow(/2151100000 bytes are more than the 1073741824/));
});

test('a file called train.bin that is none of CIFAR is left alone', async () => {
  await expect(findData(folderWith({ 'train.bin': 'x' }))).rejects.toThrow(/neither class folders nor pictures/);
  expect(parseCifar('cifar-10', [{ name: 'x', bytes: GOOD }]).numbers).toEqual(Uint8Array.of(0, 1, 2, 3));
});

test.each<[string, string, RegExp]>([
  ['nothing', '', /holds no names/],
  ['an empty line within', 'a\n\nb\n', /line 2 is empty/],
  ['a name twice', 'a\nb\r\na \n', /a stands in lines 1 and 3/],
  ['control characters', 'a\nb\x1b[31m\n', /line 2 holds characters that are no text/],
  ['bytes that are no UTF-8', 'a\n\ufffd\n', /line 2 holds characters that are no text/],
  ['a very long name', 'a'.repeat(2000), /line 1 has more than 1000/],
  ['very many names', Array.from({ length: 100_001 }, (_, i) => i).join('\n'), /100001 lines/],
])('class names, %s: refused', (_, text, pattern) => {
  expect(() => parseClassNames(text, 'classes.txt')).toThrow(pattern);
  expect(() => parseClassNames(text, 'classes.txt')).toThrow(BneckError);
});

test('class names: any line ends, a mark, spaces around', async () => {
  expect(parseClassNames('\ufeffb\r\n a \nc\r\n\n', 'x')).toEqual(['b', 'a', 'c']);
  await expect(readClassesFile(join(parent, 'nowhere.txt'))).rejects.toThrow(/nowhere\.txt: cannot be read \(ENOENT\)/);
  await expect(readClassesFile(parent)).rejects.toThrow(/is not a file/);
});
