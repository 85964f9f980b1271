/** Layouts and their errors, with real small PNG files in a temporary folder. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Dataset, pictureSize } from './dataset.ts';
import { folderTree } from './folder-tree.node.ts';
import { type DataPart, partOf } from './found-data.ts';
import { findData, openData } from './open-data.node.ts';

const root = mkdtempSync(join(tmpdir(), 'bneck-data-'));
afterAll(() => rmSync(root, { recursive: true }));
let png: Buffer;
beforeAll(async () => {
  png = await sharp({ create: { width: 6, height: 4, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
});

let made = 0;
/** A fresh folder with these files; names that end in '/' are folders, '.png' are pictures. */
function tree(files: string[]): string {
  const folder = join(root, `tree-${made++}`);
  mkdirSync(folder);
  for (const file of files) {
    const path = join(folder, file);
    mkdirSync(file.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!file.endsWith('/')) writeFileSync(path, file.endsWith('.png') ? png : 'text');
  }
  return folder;
}
const openPart = async (path: string, part?: DataPart, options = {}): Promise<Dataset> =>
  partOf(await findData(path, options), part, options);
const many = (folder: string, count: number) => Array.from({ length: count }, (_, i) => `${folder}/${i}.png`);

test('class folders: sorted as torchvision sorts, split by class, other files counted', async () => {
  const path = tree([
    ...many('b', 10),
    ...many('B', 5),
    'a/z.png',
    'a/x-1/q.png',
    'a/x/deep/p.png',
    'a/x/o.png',
    'a/notes.txt',
    'a/.hidden.png',
    '.git/x.png',
    'readme.md',
  ]);
  const data = await openData(path, { validation: 0.2, seed: 3 });
  expect([data.kind, data.classes, data.ignored]).toEqual(['class-folders', ['B', 'a', 'b'], 3]);
  expect([data.train.length, data.validation.length]).toEqual([15, 4]);
  const names = (set: typeof data.train) => Array.from({ length: set.length }, (_, i) => set.name(i));
  const both = [...names(data.train), ...names(data.validation)];
  expect(new Set(both).size).toBe(19);
  const whole = await openPart(path);
  // Folder by folder, folders in code-unit order of their paths: '-' comes before '/'.
  expect(names(whole).slice(5, 9)).toEqual(
    ['z.png', 'x/o.png', 'x-1/q.png', 'x/deep/p.png'].map((f) => join(path, 'a', f)),
  );
  expect(names(whole).length).toBe(19);
  const again = await openData(path, { validation: 0.2, seed: 3 });
  expect(names(again.validation)).toEqual(names(data.validation));
  expect(again.train.fingerprint).toBe(data.train.fingerprint);
  expect((await openData(path, { seed: 4 })).train.fingerprint).not.toBe(data.train.fingerprint);
  expect((await data.train.read(0)).width).toBe(6);
  expect(await pictureSize(data.train)).toBe(4);
  expect((await openPart(path, 'validation', { seed: 3 })).fingerprint).toBe(data.validation.fingerprint);
});

test.each(['val', 'valid', 'validation', 'test'])('train and %s folders', async (name) => {
  const path = tree([...many('train/a', 3), ...many('train/b', 1), ...many(`${name}/a`, 2), ...many(`${name}/b`, 1)]);
  const data = await openData(path);
  expect([data.kind, data.divided, data.train.length, data.validation.length]).toEqual(['class-folders', true, 4, 3]);
  expect((await openPart(path)).fingerprint).toBe(data.validation.fingerprint);
  expect((await openPart(path, 'train')).fingerprint).toBe(data.train.fingerprint);
  await expect(openPart(path, 'all')).rejects.toThrow(/ask for one/);
});

test('a train folder alone is split; a class may be called train', async () => {
  const alone = await openData(tree([...many('train/a', 5), ...many('train/b', 5)]));
  expect([alone.classes, alone.train.length]).toEqual([['a', 'b'], 8]);
  const vehicles = await openData(tree([...many('train', 2), ...many('test', 2), ...many('car', 2)]));
  expect(vehicles.classes).toEqual(['car', 'test', 'train']);
});

test("a model's classes fix the labels, and some may be absent", async () => {
  const path = tree([...many('dog', 2), ...many('cat', 1)]);
  const dataset = await openPart(path, 'all', { classes: ['horse', 'dog', 'cat'] });
  expect([dataset.classes, [...dataset.labels]]).toEqual([
    ['horse', 'dog', 'cat'],
    [2, 1, 1],
  ]);
  await expect(openPart(path, 'all', { classes: ['dog', 'horse'] })).rejects.toThrow(/no such class: cat/);
});

test('errors name what stands in the way', async () => {
  const flowers = join(root, 'flowers');
  mkdirSync(flowers);
  await expect(openData(join(root, 'flwers'))).rejects.toThrow(`did you mean ${flowers}?`);
  await expect(openData(join(root, 'nothing-like-it', 'x'))).rejects.toThrow(
    /no such folder.*nothing-like-it is missing/,
  );
  await expect(openData(flowers)).rejects.toThrow(/the folder is empty/);
  await expect(openData(join(tree(['a.txt']), 'a.txt'))).rejects.toThrow(/is a file of another kind; give the folder/);
  await expect(openData(tree(['a.txt']))).rejects.toThrow(/neither class folders nor pictures/);
  await expect(openData(tree(many('.', 3)))).rejects.toThrow(/holds 3 pictures but no class folders/);
  await expect(openData(tree([...many('a', 3), 'empty/', ...many('c', 3)]))).rejects.toThrow(/no pictures in empty/);
  await expect(openData(tree(many('only', 3)))).rejects.toThrow(/only one class \(only\)/);
  await expect(openData(tree([...many('a', 3), ...many('b', 1)]))).rejects.toThrow(/only 1 picture in b/);
  await expect(openData(tree([...many('val/a', 3), ...many('val/b', 3)]))).rejects.toThrow(
    /there is a validation part but no train part/,
  );
  const uneven = tree([...many('train/a', 2), ...many('train/b', 2), ...many('val/a', 2), ...many('val/c', 2)]);
  await expect(openData(uneven)).rejects.toThrow(/only in train: b; only in validation: c/);
  await expect(openData(tree([...many('a', 3), ...many('b', 3)]), { validation: 1 })).rejects.toThrow(/validation 1/);
  await expect(openData(join(root, 'flwers'))).rejects.toMatchObject({ name: 'BneckError', code: 'data' });
});

test('links are followed, circles and broken links come to an end', async () => {
  const path = tree(['a/1.png', 'a/sub/2.png', 'elsewhere/3.png']);
  symlinkSync(join(path, 'a'), join(path, 'a', 'sub', 'circle'));
  symlinkSync(join(path, 'elsewhere'), join(path, 'a', 'linked'));
  symlinkSync(join(path, 'nowhere.png'), join(path, 'a', 'broken.png'));
  const { files, folders, hidden } = await folderTree(join(path, 'a'));
  expect(files.map((file) => file.path)).toEqual(['1.png', 'linked/3.png', 'sub/2.png']);
  expect([folders, hidden, files[0]?.bytes]).toEqual([['linked', 'sub'], 1, png.length]);
});

/** An IDX file of unsigned bytes. */
function idx(shape: number[], body: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + shape.length * 4);
  header.writeUInt32BE(0x800 + shape.length, 0);
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + i * 4);
  });
  return Buffer.concat([header, body]);
}
const images = (count: number) =>
  idx(
    [count, 3, 2],
    Uint8Array.from({ length: count * 6 }, (_, i) => i % 251),
  );
const labels = (count: number) =>
  idx(
    [count],
    Uint8Array.from({ length: count }, (_, i) => i % 4),
  );

test('IDX folders: plain, gzipped, with and without t10k files', async () => {
  const path = tree([]);
  writeFileSync(join(path, 'train-images-idx3-ubyte.gz'), gzipSync(images(40)));
  writeFileSync(join(path, 'train-labels.idx1-ubyte'), labels(40));
  const split = await openData(path, { validation: 0.2 });
  expect([split.kind, split.classes, split.train.length, split.validation.length]).toEqual([
    'idx',
    ['0', '1', '2', '3'],
    32,
    8,
  ]);
  expect((await openPart(path)).length).toBe(40);

  writeFileSync(join(path, 't10k-images-idx3-ubyte'), images(8));
  writeFileSync(join(path, 't10k-labels-idx1-ubyte'), labels(8));
  const data = await openData(path, { classes: ['w', 'x', 'y', 'z'] });
  expect([data.train.length, data.validation.length, data.classes[3]]).toEqual([40, 8, 'z']);
  expect(data.validation.name(5)).toBe('t10k-images-idx3-ubyte#5');
  const picture = await data.train.read(1);
  expect([picture.width, picture.height]).toEqual([2, 3]);
  expect([...picture.data.subarray(0, 6)]).toEqual([6, 6, 6, 7, 7, 7]);
  expect(await pictureSize(data.train)).toBe(2);
  expect((await openPart(path)).length).toBe(8);
  expect((await openPart(path, 'train')).length).toBe(40);
  await expect(openData(path, { classes: ['w', 'x', 'y'] })).rejects.toThrow(/label 3, but there are 3 class names/);
});

test('IDX folders that lack a file say which', async () => {
  const testOnly = tree([]);
  writeFileSync(join(testOnly, 't10k-images-idx3-ubyte'), images(8));
  await expect(openData(testOnly)).rejects.toThrow(/the labels file that belongs to it/);
  writeFileSync(join(testOnly, 't10k-labels-idx1-ubyte'), labels(8));
  await expect(openData(testOnly)).rejects.toThrow(/there is a test part but no train part/);
  expect((await openPart(testOnly)).length).toBe(8);
});

test('the example opens and can be read', async () => {
  const data = await openData('examples/fashion');
  expect([data.classes.length, data.train.length, data.validation.length]).toEqual([10, 3000, 600]);
  expect(await pictureSize(data.train)).toBe(28);
});
