/** The promise of size: what a page needs to load a model and ask it, under 100 KB gzipped, and all of it bneck's own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, type Part } from './bundle.ts';

const LIMIT_BYTES = 100_000;

let folder: string;
let parts: Part[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bneck-size-'));
  parts = await bundle(`export { Model } from 'bneck';`, folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a page takes at most 100 KB, gzipped', () => {
  const total = parts.reduce((sum, { gzippedBytes }) => sum + gzippedBytes, 0);
  const lines = parts.map(({ name, bytes, gzippedBytes }) => {
    return `${name.padEnd(30)} ${(bytes / 1000).toFixed(1).padStart(6)} KB, gzipped ${(gzippedBytes / 1000).toFixed(1).padStart(5)} KB`;
  });
  console.log([...lines, `all, gzipped: ${(total / 1000).toFixed(1)} KB`].join('\n'));
  expect(total).toBeLessThanOrEqual(LIMIT_BYTES);
});

test('nothing in it but bneck, and nothing of Node', () => {
  const files = parts.flatMap((part) => part.files);
  expect(files.length).toBeGreaterThan(20);
  // esbuild refuses node: modules for browsers; a package of npm would show up under node_modules.
  expect(files.filter((file) => !/^(dist\/[\w./-]+|wasm\/resample)\.js$/.test(file))).toEqual([]);
  expect(files.filter((file) => file.includes('.node.'))).toEqual([]);
});

test('no training code is in it', () => {
  const files = parts.flatMap((part) => part.files);
  const training = /^dist\/(train|cli|report)\/|(training|lower-optimizer|loader|augment)[\w-]*\.js$/;
  expect(files.filter((file) => training.test(file))).toEqual([]);
});
