/** CIFAR, FER-2013 and CSV lists, as they are found, read and numbered. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DataSource, Dataset } from '../../src/data/dataset.ts';
import { partOf } from '../../src/data/found-data.ts';
import { findData, openData } from '../../src/data/open-data.node.ts';
import { CIFAR_10_NAMES, cifarBatch, ferCsv, pixel, png, writeCifar10, writeFiles } from './data-files.ts';

const root = mkdtempSync(join(tmpdir(), 'bneck-formats-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
function fresh(): string {
  const folder = join(root, `data-${made++}`);
  mkdirSync(folder);
  return folder;
}
const names = (set: Dataset) => Array.from({ length: set.length }, (_, index) => set.name(index));

test('CIFAR-10: batches in order, names from beside them, planes become pixels', async () => {
  const folder = join(fresh(), 'cifar-10-batches-bin');
  writeCifar10(folder);
  const data = await openData(folder);
  expect([data.kind, data.divided, data.classes]).toEqual(['cifar-10', true, CIFAR_10_NAMES]);
  expect([data.train.length, data.validation.length]).toEqual([40, 10]);
  expect([data.train.name(21), data.train.labels[21]]).toEqual(['data_batch_2.bin#1', 1]);
  const { width, height, data: bytes } = await data.train.read(23);
  expect([width, height]).toEqual([32, 32]);
  // Red, green and blue of the second pixel come from the three planes.
  expect([...bytes.subarray(3, 6)]).toEqual([1, 1025, 2049].map((at) => pixel(3, 23, at)));
  expect((await openData(join(folder, '..'))).train.fingerprint).toBe(data.train.fingerprint);
  const found = await findData(folder);
  expect(partOf(found, 'test').fingerprint).toBe(data.validation.fingerprint);
});

test('CIFAR-100: fine labels', async () => {
  const folder = fresh();
  writeFileSync(join(folder, 'train.bin'), cifarBatch(12, 6, 2));
  writeFileSync(join(folder, 'test.bin'), cifarBatch(6, 6, 2));
  const numbered = await openData(folder);
  expect([numbered.kind, numbered.classes]).toEqual(['cifar-100', ['0', '1', '2', '3', '4', '5']]);
  writeFileSync(join(folder, 'fine_label_names.txt'), 'apple\nbear\ncan\ndog\nelm\nfox\n');
  const data = await openData(folder);
  expect([data.classes[5], [...data.validation.labels]]).toEqual(['fox', [0, 1, 2, 3, 4, 5]]);
});

test('CIFAR: a class list fixes the order of names, or names numbers', async () => {
  const folder = fresh();
  writeCifar10(folder);
  const reversed = CIFAR_10_NAMES.toReversed();
  const data = await openData(folder, { classes: reversed });
  expect([data.classes, [...data.train.labels.subarray(0, 3)]]).toEqual([reversed, [9, 8, 7]]);
  await expect(openData(folder, { classes: reversed.slice(1) })).rejects.toThrow(/no such class: truck; the classes/);
  rmSync(join(folder, 'batches.meta.txt'));
  const named = await openData(folder, { classes: reversed });
  expect([named.classes, [...named.train.labels.subarray(0, 3)]]).toEqual([reversed, [0, 1, 2]]);
  await expect(openData(folder, { classes: reversed, namedOnly: true })).rejects.toThrow(/number their classes/);
});

test('FER-2013: the usage is the part, emotions have names', async () => {
  const path = join(fresh(), 'fer2013.csv');
  writeFileSync(path, ferCsv());
  const data = await openData(path);
  const emotions = ['Angry', 'Disgust', 'Fear', 'Happy', 'Sad', 'Surprise', 'Neutral'];
  expect([data.kind, data.path, data.classes]).toEqual(['fer2013', path, emotions]);
  expect([data.train.length, data.validation.length]).toEqual([21, 7]);
  expect([data.train.name(2), data.train.labels[8]]).toEqual([`${path}, line 4`, 1]);
  const { width, height, data: bytes } = await data.train.read(8);
  expect([width, height, ...bytes.subarray(3, 6)]).toEqual([48, 48, ...Array(3).fill(pixel(1, 8, 1))]);
  const found = await findData(join(path, '..'));
  expect([partOf(found, 'test').length, partOf(found, 'test').name(0)]).toEqual([7, `${path}, line 30`]);
  // Columns in another order, spaces in their names, quotes: as another copy in circulation has them.
  const copy = join(fresh(), 'icml_face_data.csv');
  const rows = ferCsv()
    .trim()
    .split('\n')
    .map((row) => row.split(','));
  writeFileSync(
    copy,
    rows.map(([a, b, c], i) => (i === 0 ? 'emotion, Usage, pixels' : `${a},${c},"${b}"`)).join('\r\n'),
  );
  expect((await openData(copy)).train.fingerprint).toBe(data.train.fingerprint);
  // Without usage there is one part.
  writeFileSync(copy, rows.map(([a, b]) => `${a},${b}`).join('\n'));
  expect((await openData(copy, { validation: 0.2 })).train.length).toBe(28);
});

test('fingerprints stay as they are, or runs of earlier versions could not be resumed', async () => {
  const marks = ({ train, validation }: DataSource) => [train.fingerprint, validation.fingerprint];
  expect(marks(await openData('examples/fashion'))).toEqual(['bec9f6d9bb3991b8', '22a9246362045b7f']);
  expect(marks(await openData('examples/fashion/train'))).toEqual(['389e29f8de50940c', '947baf34074eb471']);
  const folder = fresh();
  writeCifar10(folder);
  expect(marks(await openData(folder))).toEqual(['8649714dbcbdffe2', 'fe6664dbd3ff1343']);
  const csv = join(fresh(), 'fer2013.csv');
  writeFileSync(csv, ferCsv());
  expect(marks(await openData(csv))).toEqual(['d378007b93920a1d', '7adfdf8dadbae9ec']);
  const list = join(fresh(), 'list.csv');
  writeFiles(join(list, '..'), {
    'list.csv': 'path,label,split\na.png,x,train\nb.png,y,train\nc.png,x,val\n',
    'a.png': 'a',
    'b.png': 'bb',
    'c.png': 'c',
  });
  expect(marks(await openData(list))).toEqual(['01b8c9d5ba6e9b22', '284798c88e9f6980']);
});

let pictures: Record<string, Buffer>;
beforeAll(async () => {
  pictures = {};
  for (const [index, name] of ['a.png', 'sub/b.png', 'c, d.png', 'e.png'].entries())
    pictures[name] = await png(0, index);
});

test('CSV: tolerant names of columns, rows in their order, sorted classes', async () => {
  const folder = fresh();
  writeFiles(folder, pictures);
  const path = join(folder, 'labels.csv');
  const body = 'cat,ignored,a.png\ndog,,sub/b.png\r\n\ncat,"x ""y""","c, d.png"\n dog ,,./e.png\n';
  let fingerprint: string | undefined;
  for (const [label, file] of [
    ['label', 'path'],
    ['Class', 'File Name'],
    ['target', 'image_file'],
    ['class_id', 'FILEPATH'],
  ]) {
    writeFileSync(path, `\ufeff${label},note,${file}\n${body}`);
    const found = await findData(path);
    const whole = partOf(found, 'all');
    expect([found.kind, found.classes, [...whole.labels]]).toEqual(['csv', ['cat', 'dog'], [0, 1, 0, 1]]);
    expect(names(whole)).toEqual(['a.png', 'sub/b.png', 'c, d.png', 'e.png'].map((name) => join(folder, name)));
    fingerprint ??= whole.fingerprint;
    expect(whole.fingerprint).toBe(fingerprint);
  }
  expect((await (await openData(path)).train.read(0)).width).toBe(32);
  // The folder itself says the same, since it has no class folders.
  const through = await findData(folder);
  expect([partOf(through, 'all').fingerprint, through.notes]).toEqual([fingerprint, [`labels from ${path}`]]);
  // A root elsewhere.
  const other = join(fresh(), 'labels.csv');
  writeFileSync(other, `label,note,path\n${body}`);
  await expect(findData(other)).rejects.toThrow(/4 of 4 pictures are not in .*first of them a.png \(line 2\)/);
  expect(partOf(await findData(other, { root: folder }), 'all').fingerprint).toBe(fingerprint);
});

test('CSV: parts', async () => {
  const folder = fresh();
  const files = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.png`);
  writeFiles(folder, Object.fromEntries(files.map((name) => [name, pictures['a.png'] as Buffer])));
  const path = join(folder, 'labels.csv');
  writeFileSync(path, 'file,class,subset\na.png,x,Train\nb.png,y,training\nc.png,x,val\nd.png,y,valid\ne.png,x,test\n');
  const data = await openData(path);
  expect([data.divided, names(data.train).length, names(data.validation).length]).toEqual([true, 2, 2]);
  expect(names(partOf(await findData(path), 'test'))).toEqual([join(folder, 'e.png')]);
  writeFileSync(path, 'file,class,usage\na.png,x,train\nb.png,y,train\nc.png,z,val\n');
  await expect(openData(path)).rejects.toThrow(/no training pictures of z/);
  writeFileSync(path, 'file,class,split\na.png,x,train\nb.png,y,train\nc.png,x,train\nd.png,y,train\n');
  const whole = await openData(path, { validation: 0.5 });
  expect([whole.divided, whole.train.length, whole.validation.length]).toEqual([false, 2, 2]);
});

test('CSV: labels as numbers', async () => {
  const folder = fresh();
  writeFiles(folder, pictures);
  const path = join(folder, 'labels.csv');
  writeFileSync(path, 'path,label\na.png,10\nsub/b.png,2\n"c, d.png",10\ne.png,2\n');
  const data = await findData(path);
  expect([data.classes, [...partOf(data, 'all').labels]]).toEqual([
    ['2', '10'],
    [1, 0, 1, 0],
  ]);
  writeFileSync(path, 'path,label\na.png,1\nsub/b.png,0\n"c, d.png",1\ne.png,0\n');
  const named = await findData(path, { classes: ['off', 'on'] });
  expect([named.classes, [...partOf(named, 'all').labels]]).toEqual([
    ['off', 'on'],
    [1, 0, 1, 0],
  ]);
  await expect(openData(path, { classes: ['off'] })).rejects.toThrow(/label 1, but there are 1 class names/);
  await expect(findData(path, { classes: ['off', 'on'], namedOnly: true })).rejects.toThrow(/no such class: 1, 0/);
  // A model whose own classes are numbers.
  const same = await findData(path, { classes: ['0', '1', '2'], namedOnly: true });
  expect([...partOf(same, 'all').labels]).toEqual([1, 0, 1, 0]);
});

test('what could be meant in two ways is refused', async () => {
  const folder = fresh();
  writeFiles(folder, { 'a.csv': 'path,label\n1.png,x\n', 'b.csv': 'path,label\n1.png,x\n', 'notes.csv': 'a,b\n1,2\n' });
  await expect(openData(folder)).rejects.toThrow(/several CSV files could be meant \(a\.csv, b\.csv\)/);
  const both = fresh();
  writeFiles(both, { 'labels.csv': 'path,label\nx/1.png,x\n', 'x/1.png': 'x', 'y/1.png': 'y' });
  await expect(openData(both)).rejects.toThrow(
    /holds class folders, and labels in labels\.csv; give .*labels\.csv itself/,
  );
  // Parts are no classes.
  const parts = fresh();
  writeFiles(parts, {
    'labels.csv': 'path,label\ntrain/1.png,x\ntest/1.png,y\n',
    'train/1.png': 'x',
    'test/1.png': 'y',
  });
  expect((await findData(parts)).classes).toEqual(['x', 'y']);
  await expect(findData(parts, { root: root })).rejects.toThrow(/root is for the paths in a CSV file/);
});
