/** `bneck evaluate`: figures class by class, as text and as JSON, straight and with mirror images. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RandomStream } from '../../src/base/random.ts';
import { defaultPreprocessing } from '../../src/data/preprocess.ts';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bneck(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const NAMES = ['one', 'three', 'two'];

beforeAll(async () => {
  const stream = new RandomStream(5, 'augment');
  for (const name of NAMES) {
    for (const root of ['data', 'mirrored']) mkdirSync(join(folder, root, name), { recursive: true });
    for (let index = 0; index < 5; index++) {
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => stream.integer(256));
      const png = () => sharp(data, { raw: { width: 32, height: 32, channels: 3 } });
      await png()
        .png()
        .toFile(join(folder, 'data', name, `${index}.png`));
      await png()
        .flop()
        .png()
        .toFile(join(folder, 'mirrored', name, `${index}.png`));
    }
  }
  const model = Model.create(mobilenetV3('small', { classes: 3, width: 0.25, reduction: 8 }), {
    seed: 4,
    classNames: NAMES,
    preprocessing: defaultPreprocessing(32),
  });
  // A classifier that tells noise apart.
  const weight = model.file.weights.get('classifier.3.weight')?.data as Float32Array;
  weight.forEach((value, at) => {
    weight[at] = 3e7 * value;
  });
  await model.save(join(folder, 'net.safetensors'));
});

test('the text has the figures, the classes and the matrix; the file has the same numbers', async () => {
  const { code, out, err } = await bneck('evaluate', 'net.safetensors', 'data', '--json', 'out.json', '--threads', '1');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/\ndata, its pictures: 15\n\ntop-1 accuracy {5}[\d.]+%\n/);
  expect(out).toMatch(/\nclass +precision +recall +F1 +pictures\n[-\s]+\none .* 5\nthree .* 5\ntwo .* 5\n/);
  expect(out).toMatch(/\n0 one( +[\d.]+){3}\n1 three( +[\d.]+){3}\n2 two( +[\d.]+){3}\n\nsaved {2}out\.json\n$/);
  const { confusion, classes, top1, pictures, flip } = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'));
  expect([pictures, flip]).toEqual([15, false]);
  expect(confusion.flat().reduce((sum: number, count: number) => sum + count)).toBe(15);
  expect(top1).toBeCloseTo((confusion[0][0] + confusion[1][1] + confusion[2][2]) / 15, 12);
  expect(classes.map(({ name, support }: { name: string; support: number }) => [name, support])).toEqual(
    NAMES.map((name) => [name, 5]),
  );
  expect(classes[1].recall).toBe(confusion[1][1] / 5);
});

test('with --flip a data set and its mirror image are judged alike, without it they are not', async () => {
  const losses: number[] = [];
  for (const args of [['data'], ['mirrored'], ['data', '--flip'], ['mirrored', '--flip']]) {
    losses.push(JSON.parse((await bneck('evaluate', 'net.safetensors', ...args, '--json', '--threads', '1')).out).loss);
  }
  const [straight, mirrored, both, others] = losses as [number, number, number, number];
  expect(Math.abs(straight - mirrored)).toBeGreaterThan(1e-3);
  expect(both).toBeCloseTo(others, 6);
  expect(both).toBeLessThan((straight + mirrored) / 2);
});

test('a file that cannot be written is told', async () => {
  const { code, err } = await bneck('evaluate', 'net.safetensors', 'data', '--json', 'no/where.json', '--threads', '1');
  expect(code).toBe(1);
  expect(err).toMatch(/^bneck: [^\n]*where\.json[^\n]*\n$/);
  expect(existsSync(join(folder, 'no'))).toBe(false);
});

test('pictures that cannot be read stop it, or are named and not counted', async () => {
  const model = 'net.safetensors';
  for (const name of NAMES) cpSync(join(folder, 'data', name), join(folder, 'spoilt', name), { recursive: true });
  writeFileSync(join(folder, 'spoilt/two/bad.png'), 'no picture');
  const stopped = await bneck('evaluate', model, 'spoilt', '--split', 'all');
  expect(stopped.code).toBe(1);
  expect(stopped.err).toMatch(
    /two\/bad\.png: [^;]*\. Replace or remove it, or judge the model on the others with --skip-bad\./,
  );
  const { code, out } = await bneck(
    'evaluate',
    model,
    'spoilt',
    '--split',
    'all',
    '--skip-bad',
    '--json',
    'spoilt.json',
  );
  expect(code).toBe(0);
  expect(out).toMatch(/Not counted, since they cannot be read: 1\n.*two\/bad\.png/s);
  const { pictures, badPictures } = JSON.parse(readFileSync(join(folder, 'spoilt.json'), 'utf8'));
  expect([pictures, badPictures.length]).toEqual([15, 1]);
});
