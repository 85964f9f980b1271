/** Weights from elsewhere on the command line: what is told of them, `--lineage`, and what becomes of their head. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StateDict, Tensor } from '../../src/base/tensor.ts';
import { writePytorch } from '../../src/formats/pytorch.ts';
import { Model } from '../../src/model/model.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { weightNames } from '../../src/models/weight-names.ts';
import { goldenParameter } from '../golden/golden-values.ts';

const BNECK = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bneck-weights-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bneck(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BNECK, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const NAMES = ['ant', 'bee', 'cow'];
const PICTURE = join('data', 'bee', '0.png');
const architecture = mobilenetV3('small', { width: 0.35, classes: 3, scaling: 'timm', padding: 'same' });
const preprocessing = { resolution: 224, resize: 256, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const model = Model.create(architecture, { seed: 6, classNames: NAMES, preprocessing, threads: 1 });
afterAll(() => model.dispose());

/** Fresh weights say much the same of every picture; with these, a padding of another kind shows. */
function enliven({ weights }: { weights: StateDict }): void {
  [...weights].forEach(([name, { dtype, shape, data }], stream) => {
    if (dtype === 'float32') (data as Float32Array).set(goldenParameter(name, shape, stream));
  });
}

beforeAll(async () => {
  enliven(model.file);
  for (const [shade, name] of NAMES.entries()) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    for (let index = 0; index < 4; index++) {
      const data = Uint8Array.from({ length: 48 * 48 * 3 }, (_, at) => Math.imul(at * (shade + 2), index + 7) & 255);
      const picture = sharp(data, { raw: { width: 48, height: 48, channels: 3 } });
      await picture.png().toFile(join(folder, 'data', name, `${index}.png`));
    }
  }
  await model.save(join(folder, 'named.safetensors'));
  const timm: StateDict = new Map();
  for (const entry of weightNames(architecture)) {
    timm.set(`module.${entry.timm}`, { ...(model.file.weights.get(entry.name) as Tensor), shape: entry.timmShape });
  }
  writeFileSync(join(folder, 'net.pth'), writePytorch(timm));
});

const top = async (...args: string[]) => {
  const { out, err } = await bneck('predict', 'net.pth', PICTURE, '--json', '--threads', '1', ...args);
  return { err, probability: JSON.parse(out)[0].predictions[0].probability as number };
};

test('predict: what was assumed of bare weights is told, and --lineage sets it right', async () => {
  const [wanted] = await model.classify(join(folder, PICTURE));
  const assumed = await top();
  expect(assumed.err).toMatch(/^bneck: net\.pth: weights under the names of timm; .*give lineage tf; .*no names\.\n$/);
  expect(Math.abs(assumed.probability - (wanted?.probability ?? 0))).toBeGreaterThan(1e-3);
  const told = await top('--lineage', 'tf');
  expect(told.err).not.toMatch(/lineage/);
  expect(told.probability).toBe(wanted?.probability);
});

test('evaluate: weights without names take the class folders in their order, or refuse', async () => {
  const named = await bneck('evaluate', 'named.safetensors', 'data', '--json', '--threads', '1');
  const bare = await bneck('evaluate', 'net.pth', 'data', '--json', '--threads', '1', '--lineage', 'tf');
  const { top1, loss, pictures } = JSON.parse(named.out);
  expect(named.err).toBe('');
  expect(JSON.parse(bare.out)).toMatchObject({ top1, loss, pictures });
  expect(bare.err).toMatch(/\nbneck: data: the class folders, in their order, are taken for the classes/);
  mkdirSync(join(folder, 'fewer'));
  for (const name of ['ant', 'bee']) {
    mkdirSync(join(folder, 'fewer', name));
    writeFileSync(join(folder, 'fewer', name, '0.png'), await sharp(join(folder, PICTURE)).toBuffer());
  }
  const refused = await bneck('evaluate', 'net.pth', 'fewer');
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(/2 class folders for weights of 3 classes without names/);
});

test('train: the log tells of backbone and head; the lineage reaches the model that comes out', async () => {
  const short = ['--epochs', '1', '--batch', '4', '--resolution', '32', '--threads', '1'];
  const three = await bneck('train', 'data', '--weights', 'net.pth', '--lineage', 'tf', ...short, '--out', 'three');
  expect(three, three.err).toMatchObject({ code: 0, err: '' });
  expect(three.out).toMatch(/backbone from the given model \(242 of 244 tensors\), last layer new: .* without names/);
  expect((await Model.load(join(folder, 'three', 'best.safetensors'))).architecture.padding).toBe('same');
  const two = await bneck(
    'train',
    'fewer',
    '--weights',
    'net.pth',
    ...short,
    '--batch',
    '2',
    '--val',
    '0',
    '--out',
    'two',
  );
  expect(two.out, two.err).toMatch(/last layer new: 2 classes in place of 3\n/);
  expect(two.out).toMatch(/give lineage tf\n/);
});

test('summary shows the network of a file', async () => {
  const { out, err } = await bneck('summary', 'net.pth', '--lineage', 'tf');
  expect(out).toMatch(/^MobileNetV3-Small, width 0.35, timm scaling, SAME padding, 3 classes, at 224x224\n/);
  expect(err).toMatch(/^bneck: net\.pth: weights under the names of timm/);
});

test('export tells which options a .pth file loses', async () => {
  const { out } = await bneck('export', 'named.safetensors', '--to', 'pth', '--out', 'lossy.pth');
  expect(out).toMatch(/none shows padding same; \.safetensors keeps it\n/);
  const onnx = await bneck('export', 'net.pth', '--to', 'onnx', '--lineage', 'tf');
  expect(onnx.out).toMatch(/^model {2}MobileNetV3-Small, .*SAME padding/);
});

test.each([
  [['predict', 'net.pth', PICTURE, '--lineage', 'tff'], 2, /torchvision, timm or tf \(did you mean tf\?\)/],
  [['predict', 'named.safetensors', PICTURE, '--lineage', 'tf'], 2, /named\.safetensors: says itself how it is built/],
  [['train', 'data', '--lineage', 'tf'], 2, /lineage tf says who trained a file of bare weights/],
  [['train', 'data', '--weights', 'imagenet', '--lineage', 'tf'], 2, /lineage tf says who trained a file/],
  [['summary', 'small', '--lineage', 'tf'], 2, /--lineage is for weights/],
  [['summary', 'net.pth', '--width', '2'], 2, /--width is for large, small and v2/],
  [['summary', 'nothing.pth'], 1, /nothing\.pth: there is no such file/],
])('%j is refused in one line', async (args, code, message) => {
  const { err, ...outcome } = await bneck(...args);
  expect(outcome).toEqual({ code, out: '' });
  expect(err).toMatch(message);
  expect(err).toMatch(/^bneck: [^\n]*\n$/);
});
