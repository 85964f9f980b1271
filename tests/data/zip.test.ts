/** Archives as data: class folders and CSV lists in place of a folder, with the same pictures and the same mark. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { partOf } from '../../src/data/found-data.ts';
import { findData, openData } from '../../src/data/open-data.node.ts';
import { ferCsv, png, writeFiles } from './data-files.ts';
import { makeZip, type ZipPart } from './zip-files.ts';

const root = mkdtempSync(join(tmpdir(), 'bneck-zip-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
function zipFile(parts: readonly ZipPart[]): string {
  const path = join(root, `data-${made++}.zip`);
  writeFileSync(path, makeZip(parts));
  return path;
}
const asParts = (files: Readonly<Record<string, Uint8Array | string>>): ZipPart[] =>
  Object.entries(files).map(([name, data], index) => ({ name, data, method: index % 2 === 0 ? 8 : 0 }));

async function classFiles(): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const part of ['train', 'val']) {
    for (const [label, name] of ['cat', 'dog', 'été'].entries()) {
      for (let index = 0; index < 3; index++) files[`${part}/${name}/${index}.png`] = await png(label, index);
    }
  }
  return files;
}

test('class folders in an archive are those of the folder, to the fingerprint and the pixels', async () => {
  const files = await classFiles();
  const folder = join(root, 'folder');
  writeFiles(folder, files);
  const fromFolder = await openData(folder);
  const shuffled = asParts(files).reverse();
  const rubbish = [
    { name: '__MACOSX/photos/._1.png', data: 'x' },
    { name: 'photos/train/cat/.DS_Store', data: 'x' },
  ];
  const wrapped = shuffled.map((part) => ({ ...part, name: `photos/${part.name}` }));
  for (const parts of [shuffled, [{ name: 'train/' }, ...shuffled], [...rubbish, ...wrapped]]) {
    const path = zipFile(parts);
    const data = await openData(path);
    expect([data.kind, data.path, data.classes]).toEqual(['class-folders', path, ['cat', 'dog', 'été']]);
    expect([data.train.fingerprint, data.validation.fingerprint]).toEqual([
      fromFolder.train.fingerprint,
      fromFolder.validation.fingerprint,
    ]);
    for (let index = 0; index < data.train.length; index++) {
      expect(await data.train.read(index)).toEqual(await fromFolder.train.read(index));
    }
    expect(await data.train.size?.(0)).toEqual({ width: 32, height: 32 });
    expect(data.train.file?.(0).diskPath).toBeNull();
  }
  expect((await openData(zipFile([...rubbish, ...wrapped]))).ignored).toBe(2);
  expect((await openData(zipFile(wrapped))).train.name(0)).toMatch(/data-\d+\.zip\/photos\/train\/cat\/0\.png$/);
  // Nothing was unpacked.
  expect(readdirSync(root).filter((name) => !name.endsWith('.zip'))).toEqual(['folder']);
});

test('a CSV list in an archive', async () => {
  const files = { 'set/images/a.png': await png(0, 0), 'set/images/b.png': await png(1, 1) };
  const rows = 'path,label\nimages/a.png,cat\n./images/b.png,dog\n';
  const path = zipFile(asParts({ 'set/labels.csv': rows, ...files }));
  const found = await findData(path);
  const whole = partOf(found, 'all');
  expect([found.kind, found.classes, whole.length]).toEqual(['csv', ['cat', 'dog'], 2]);
  expect(found.notes).toEqual([`labels from ${path}/set/labels.csv`]);
  expect((await whole.read(1)).width).toBe(32);
  const outside = zipFile(asParts({ 'labels.csv': 'path,label\n../secret.png,cat\n' }));
  await expect(findData(outside)).rejects.toThrow(/line 2: \.\.\/secret\.png lies outside of/);
  await expect(findData(path, { root })).rejects.toThrow(/root is for the paths in a CSV file/);
  await expect(findData(path, { allowOutside: true })).rejects.toThrow(/allowOutside is for/);
});

test('FER-2013 in an archive', async () => {
  const data = await openData(zipFile(asParts({ 'fer2013/fer2013.csv': ferCsv(), 'fer2013/README': 'x' })));
  expect([data.kind, data.train.length, data.validation.length]).toEqual(['fer2013', 21, 7]);
});

test('IDX and CIFAR files in an archive: said what to do', async () => {
  for (const name of ['MNIST/train-images-idx3-ubyte.gz', 'data_batch_1.bin', 'x/test_batch.bin']) {
    await expect(openData(zipFile([{ name, data: 'x' }]))).rejects.toThrow(/are read from a folder; unpack it/);
  }
});
