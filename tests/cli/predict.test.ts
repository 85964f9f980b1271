/** `bneck predict` on many pictures: folders, patterns, bad ones among them, lines of JSON as they come. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPictures } from '../../src/cli/predict/find-pictures.ts';
import { type Answer, type PredictingModel, predictPictures } from '../../src/cli/predict/predict-pictures.ts';
import { defaultPreprocessing } from '../../src/data/preprocess.ts';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-predict-'));
const at = (...names: string[]) => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function bneck(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

async function picture(path: string, level: number): Promise<void> {
  await sharp({ create: { width: 20, height: 16, channels: 3, background: { r: level, g: 3 * level, b: 90 } } })
    .png()
    .toFile(path);
}

const GOOD = ['photos/10.png', 'photos/2.png', 'photos/in/3.png', 'photos/in/deep/[x].png'];

beforeAll(async () => {
  mkdirSync(at('photos', 'in', 'deep'), { recursive: true });
  mkdirSync(at('empty'));
  for (const [level, name] of GOOD.entries()) await picture(at(name), 10 + 20 * level);
  writeFileSync(at('photos', 'in', '1-torn.png'), Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
  writeFileSync(at('photos', 'notes.txt'), 'no picture');
  const model = Model.create(mobilenetV3('small', { classes: 4, width: 0.1 }), {
    seed: 2,
    preprocessing: defaultPreprocessing(32),
  });
  await model.save(at('net.safetensors'));
});

function lines(out: string): { image: string; predictions?: object[]; ms?: number; error?: string }[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('a folder with a bad picture: all answered in order, a summary, exit code 1', async () => {
  const { code, out, err } = await bneck(
    'predict',
    'net.safetensors',
    'photos',
    '--jsonl',
    '--top',
    '2',
    '--batch',
    '2',
  );
  expect(code).toBe(1);
  const answers = lines(out);
  const order = ['photos/10.png', 'photos/2.png', 'photos/in/1-torn.png', 'photos/in/3.png', 'photos/in/deep/[x].png'];
  expect(answers.map(({ image }) => image)).toEqual(order);
  for (const { image, predictions, ms, error } of answers) {
    if (image.includes('torn'))
      expect([predictions, error]).toEqual([undefined, expect.stringMatching(/1-torn\.png: /)]);
    else {
      expect(predictions).toHaveLength(2);
      expect(predictions?.[0]).toEqual({
        label: expect.any(String),
        index: expect.any(Number),
        probability: expect.any(Number),
      });
      expect(ms).toBeGreaterThan(0);
    }
  }
  expect(err).toMatch(/^bneck: photos\/in\/1-torn\.png: .*\nbneck: 1 of 5 pictures failed: photos\/in\/1-torn\.png\n$/);
});

test('patterns, files whose names look like patterns, and what leads nowhere', async () => {
  const found = async (...names: string[]) =>
    (await findPictures(names.map((name) => at(name)))).map(({ image, error }) => [
      image.slice(folder.length + 1),
      error?.slice(folder.length + 1),
    ]);
  expect(await found('photos/**/*.png')).toEqual(
    ['photos/10.png', 'photos/2.png', 'photos/in/1-torn.png', 'photos/in/3.png', 'photos/in/deep/[x].png'].map(
      (name) => [name, undefined],
    ),
  );
  expect(await found('photos/*', 'photos/in/deep/[x].png')).toEqual([
    ['photos/10.png', undefined],
    ['photos/2.png', undefined],
    ['photos/in/deep/[x].png', undefined],
  ]);
  expect(await found('empty', 'photos/*.jpg', 'photos/notes.txt')).toEqual([
    ['empty', 'empty: there are no pictures in this folder'],
    ['photos/*.jpg', "photos/*.jpg: no picture's name is like this"],
    ['photos/notes.txt', undefined],
  ]);
  const { code, out, err } = await bneck('predict', 'net.safetensors', 'photos/*.png', 'empty', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out).map(({ image, error }: Answer & { error?: string }) => [image, error !== undefined])).toEqual([
    ['photos/10.png', false],
    ['photos/2.png', false],
    ['empty', true],
  ]);
  expect(err).toMatch(/1 of 3 pictures failed: empty\n$/);
});

test('only good pictures: nothing on the error stream, exit code 0; two formats at once are refused', async () => {
  expect(await bneck('predict', 'net.safetensors', 'photos/10.png', 'photos/2.png', '--jsonl')).toMatchObject({
    code: 0,
    err: '',
  });
  const refused = await bneck('predict', 'net.safetensors', 'photos', '--jsonl', '--json');
  expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/cannot be used with/) });
  expect((await bneck('predict', '--help')).out.replace(/\s+/g, ' ')).toContain('the exit code is 1');
});

/** Says class (green / 60, rounded) and writes down what it was asked. */
function fakeModel(calls: number[]): PredictingModel {
  const preprocessing = defaultPreprocessing(16);
  return {
    classNames: ['0', '1', '2', '3', '4'],
    preprocessing,
    compile: async () => {},
    forwardBytes: async (pixels: Uint8Array, count: number) => {
      calls.push(count);
      return Float32Array.from({ length: 5 * count }, (_, i) =>
        Math.round((pixels[Math.floor(i / 5) * 768 + 1] as number) / 60) === i % 5 ? 9 : 0,
      );
    },
  };
}

test('answers belong to their pictures whatever the batch, and come while later pictures wait', async () => {
  const bad = at('photos', 'in', '1-torn.png');
  const [a, b, c, d] = GOOD.map((name) => at(name));
  const named = [bad, a, bad, b, c, bad, d, bad, a, a, b].map((image) => ({ image: image as string }));
  const expected = [null, '1', null, '2', '3', null, '4', null, '1', '1', '2'];
  for (const batch of [1, 2, 3, 7, 100]) {
    const calls: number[] = [];
    const labels: (string | null)[] = [];
    let callsAtFirstLabel = 0;
    for await (const answer of predictPictures(named, fakeModel(calls), { top: 1, batch })) {
      if (labels.every((label) => label === null)) callsAtFirstLabel = calls.length;
      labels.push('error' in answer ? null : (answer.predictions[0]?.label as string));
    }
    expect(labels).toEqual(expected);
    expect(calls).toEqual(new Array(Math.ceil(7 / batch)).fill(batch));
    expect(callsAtFirstLabel).toBe(1);
  }
});

test('a reader that has seen enough is no error', async () => {
  const child = spawn(
    process.execPath,
    [BNECK, 'predict', 'net.safetensors', ...new Array(300).fill('photos/2.png'), '--jsonl', '--batch', '1'],
    { cwd: folder },
  );
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
});
