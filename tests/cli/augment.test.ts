/** `bneck augment`: the sheet is written, and shows what training sees. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RandomStream } from '../../src/base/random.ts';
import { sheetRow } from '../../src/cli/augment-command.ts';
import { BatchLoader } from '../../src/data/loader.ts';
import { chooseRecipe } from '../../src/train/choose-recipe.ts';
import { openTrainingData } from '../../src/train/training-data.node.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-augment-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  for (const [label, name] of ['a <b> & "c"', 'plain'].entries()) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    for (let index = 0; index < 5; index++) {
      const stream = new RandomStream(label, 'augment', index);
      const noise = Uint8Array.from({ length: 40 * 30 * 3 }, () => stream.integer(256));
      await sharp(noise, { raw: { width: 40, height: 30, channels: 3 } })
        .png()
        .toFile(join(folder, 'data', name, `${index}.png`));
    }
  }
});

function bneck(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

test('a sheet is written, and its ops are told', async () => {
  const made = await bneck('augment', 'data', '--augment', 'basic,erase', '--count', '3', '--out', 'out.png');
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toMatch(
    /^augmentation {2}random-resized-crop scale \[0\.6, 1\].*\n +flip probability 0\.5\n +erase .*\nsaved +out\.png \(3 pictures at 32 px, /,
  );
  const { format, width, height } = await sharp(join(folder, 'out.png')).metadata();
  expect([format, width]).toEqual(['png', 1280]);
  expect(height).toBeGreaterThan(3 * 160);
});

test.each<[string, string[], RegExp]>([
  ['another kind of file', ['--out', 'sheet.jpg'], /sheet\.jpg: the sheet is a PNG file/],
  ['a mistyped preset', ['--augment', 'strogn'], /did you mean strong\?/],
  ['a late crop', ['--augment', 'flip,basic'], /a crop has to be the first op/],
  ['no pictures', ['--count', '0'], /whole number from 1 to 64/],
])('refuses %s', async (_, args, message) => {
  const refused = await bneck('augment', 'data', ...args);
  expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
  expect(refused.err).toMatch(/^bneck: [^\n]*\n$/);
  expect(existsSync(join(folder, 'sheet.jpg'))).toBe(false);
});

test('training takes it, writes it down op by op, and goes on with it', async () => {
  const tiny = ['--width', '0.1', '--epochs', '1', '--batch', '4', '--threads', '1', '--out', 'run'];
  const trained = await bneck('train', 'data', '--augment', 'random-crop,erase', ...tiny);
  expect(trained).toMatchObject({ code: 0, err: '' });
  expect(trained.out).toMatch(/- augmentation random-crop,erase, as asked\n/);
  const { recipe } = JSON.parse(readFileSync(join(folder, 'run', 'config.json'), 'utf8'));
  expect(recipe.augmentation).toEqual([
    { kind: 'random-crop', padding: 0.125 },
    { kind: 'erase', probability: 0.2, scale: [0.02, 0.33], ratio: [0.3, 3.3] },
  ]);
  const other = await bneck('train', '--resume', 'run', '--augment', 'strong');
  expect(other).toMatchObject({ code: 2, err: expect.stringMatching(/augmentation cannot be given to a run/) });
});

test('the sheet shows the very bytes that training sees', async () => {
  const data = await openTrainingData(join(folder, 'data'), { seed: 7 });
  const { recipe } = chooseRecipe({ augmentation: 'strong', seed: 7, batch: 4 }, data.facts, null);
  const { train } = data.source;
  const { preprocessing, augmentation, seed, batch: batchSize } = recipe;
  const loader = new BatchLoader(train, { batchSize, preprocessing, augmentation, seed });
  const bytes = preprocessing.resolution ** 2 * 3;
  let compared = 0;
  for (const epoch of [0, 1, 2]) {
    for await (const { pictures, indices } of loader.epoch(epoch)) {
      for (const [place, index] of indices.entries()) {
        const { versions } = await sheetRow(train, index, recipe);
        expect(versions[epoch]?.picture.data).toEqual(pictures.subarray(place * bytes, (place + 1) * bytes));
        compared += 1;
      }
    }
  }
  expect(compared).toBe(24);
});
