/** Pictures in both parts: found by bytes or pixels, and told, dropped or refused. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { type DataSource, memoryDataset } from '../../src/data/dataset.ts';
import { findDuplicates } from '../../src/data/find-duplicates.node.ts';
import { openData } from '../../src/data/open-data.node.ts';
import { settleDuplicates } from '../../src/data/settle-duplicates.node.ts';
import { cifarBatch, png, writeFiles } from './data-files.ts';
import { makeZip } from './zip-files.ts';

const root = mkdtempSync(join(tmpdir(), 'bneck-duplicates-'));
afterAll(() => rmSync(root, { recursive: true }));

/** train/{a,b}/0..4, val/{a,b}/5,6 where val/a/6 is train/a/1, and val/b/6 is train/a/1 and train/b/3 in other places. */
async function makeFiles(): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const [label, name] of ['a', 'b'].entries()) {
    for (let index = 0; index < 5; index++) files[`train/${name}/${index}.png`] = await png(label, index);
    for (let index = 5; index < 7; index++) files[`val/${name}/${index}.png`] = await png(label, index);
  }
  files['val/a/6.png'] = files['train/a/1.png'] as Buffer;
  files['val/b/6.png'] = files['train/b/3.png'] as Buffer;
  files['train/b/4.png'] = files['train/b/3.png'] as Buffer;
  return files;
}
const PAIRS = [
  { train: 1, validation: 1 },
  { train: 8, validation: 3 },
  { train: 9, validation: 3 },
];

test('files: found by their bytes, in folders and archives, and only those of equal size are read', async () => {
  const files = await makeFiles();
  const folder = join(root, 'folder');
  writeFiles(folder, { ...files, 'train/a/0.png': Buffer.alloc(7) });
  const archive = join(root, 'data.zip');
  writeFileSync(archive, makeZip(Object.entries(files).map(([name, data]) => ({ name, data }))));
  for (const path of [folder, archive]) {
    const { train, validation } = await openData(path);
    const calls: number[] = [];
    const seen = await findDuplicates(train, validation, { onProgress: (done, total) => calls.push(done, total) });
    expect(seen).toEqual(PAIRS);
    expect(calls.slice(-2)[0]).toBe(calls.slice(-2)[1]);
    if (path === folder) expect(calls.at(-1)).toBeLessThan(14); // a/0 has a size of its own
  }
});

test('pictures in memory: found by their pixels', async () => {
  const folder = join(root, 'cifar');
  mkdirSync(folder);
  writeFileSync(join(folder, 'data_batch_1.bin'), cifarBatch(10, 5, 1));
  writeFileSync(join(folder, 'test_batch.bin'), cifarBatch(10, 5, 1, 7));
  const { train, validation } = await openData(folder);
  expect(await findDuplicates(train, validation)).toEqual([
    { train: 7, validation: 0 },
    { train: 8, validation: 1 },
    { train: 9, validation: 2 },
  ]);
  // Equal bytes of another shape are another picture; one that cannot be read is none.
  const data = Uint8Array.from({ length: 18 }, (_, at) => at);
  const wide = memoryDataset(['a'], [{ width: 3, height: 2, data }], [0]);
  const high = memoryDataset(['a'], [{ width: 2, height: 3, data }], [0]);
  expect(await findDuplicates(wide, high)).toEqual([]);
  expect(await findDuplicates(wide, wide)).toEqual([{ train: 0, validation: 0 }]);
  const bad = { ...wide, read: () => Promise.reject(new BneckError('image', 'bad')) };
  expect(await findDuplicates(bad, wide)).toEqual([]);
});

test('warn, drop, error', async () => {
  const folder = join(root, 'policies');
  writeFiles(folder, await makeFiles());
  const source = await openData(folder);
  const warned = await settleDuplicates(source, 'warn');
  expect(warned.source).toBe(source);
  const [first, second] = [
    `${folder}/train/a/1.png = ${folder}/val/a/6.png`,
    `${folder}/train/b/3.png = ${folder}/val/b/6.png`,
  ];
  expect(warned.note).toMatch(/^warning: 3 training pictures are in the validation part too \(/);
  for (const pair of [first, second]) expect(warned.note).toContain(pair);
  const dropped = await settleDuplicates(source, 'drop');
  const names = Array.from({ length: dropped.source.train.length }, (_, index) => dropped.source.train.name(index));
  expect(names.map((name) => name.slice(-5))).toEqual(['0.png', '2.png', '3.png', '4.png', '0.png', '1.png', '2.png']);
  expect([...dropped.source.train.labels]).toEqual([0, 0, 0, 0, 1, 1, 1]);
  expect([dropped.source.train.fingerprint, dropped.source.validation]).toEqual([
    source.train.fingerprint,
    source.validation,
  ]);
  expect(dropped.note).toMatch(/and left out of training$/);
  await expect(settleDuplicates(source, 'error')).rejects.toThrow(/3 training pictures are .*; remove them/);
  await expect(settleDuplicates(source, 'error')).rejects.toMatchObject({ name: 'BneckError', code: 'data' });
  const same: DataSource = { ...source, validation: source.train };
  await expect(settleDuplicates(same, 'drop')).rejects.toThrow(/none are left of a, b; add pictures/);
  const clean = await settleDuplicates({ ...source, validation: (await openData(folder, {})).validation }, 'warn');
  expect(clean.note).not.toBeNull();
  const none: DataSource = { ...source, validation: memoryDataset(source.classes, [], []) };
  expect(await settleDuplicates(none, 'error')).toEqual({ source: none, note: null });
});
