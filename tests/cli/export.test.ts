/** `bneck export` as a person runs it: every format, and back. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOnnx } from '../../src/formats/onnx-reader.ts';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const architecture = mobilenetV3('small', { classes: 3, width: 0.35 });
let folder = '';
let saved = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bneck-export-'));
  saved = join(folder, 'model.safetensors');
  await Model.create(architecture, { seed: 4, classNames: ['a', 'b', 'c'] }).save(saved);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function bneck(...args: string[]) {
  return promisify(execFile)(process.execPath, [BNECK, ...args]).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { code: number; stderr: string }) => ({ code: error.code, output: error.stderr }),
  );
}

test('a .pth file holds the same weights, and its network is recognised', async () => {
  const { code, output } = await bneck('export', saved, '--to', 'pth');
  expect(code, output).toBe(0);
  const [before, after] = [await Model.load(saved), await Model.load(join(folder, 'model.pth'))];
  expect(after.architecture).toEqual(before.architecture);
  expect(after.file.weights).toEqual(before.file.weights);
});

test('an .onnx file has the options that were asked for', async () => {
  const out = join(folder, 'for-server.onnx');
  const { code, output } = await bneck(
    'export',
    saved,
    '--to',
    'onnx',
    '--softmax',
    '--with-preprocessing',
    '--out',
    out,
  );
  expect(code, output).toBe(0);
  const { graph } = readOnnx(await readFile(out), out);
  expect(graph.nodes.map(({ opType }) => opType)).toEqual(expect.arrayContaining(['Cast', 'HardSwish', 'Softmax']));
});

test.each([
  [['--to', 'pth', '--softmax'], /--softmax is for --to onnx/],
  [['--to', 'safetensors'], /is the model itself/],
  [['--to', 'onxx'], /did you mean onnx\?/],
  [[], /--to/],
])('%j is refused in one line', async (args, message) => {
  const { code, output } = await bneck('export', saved, ...args);
  expect(code).not.toBe(0);
  expect(output).toMatch(message);
  expect(output.trim().split('\n')).toHaveLength(1);
});
