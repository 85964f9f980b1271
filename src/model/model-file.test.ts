import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { float32Tensor } from '../base/tensor.ts';
import { defaultPreprocessing } from '../data/preprocess.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { initialWeights } from '../graph/initial-weights.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { BNECK_VERSION, decodeModelFile, encodeModelFile, type ModelFile } from './model-file.ts';

const architecture = mobilenetV3('small', { width: 0.01, classes: 3, reduction: 8 });
const MODEL: ModelFile = {
  architecture,
  classNames: ['Käse', 'crane', 'crane'],
  preprocessing: defaultPreprocessing(32),
  weights: initialWeights(buildGraph(architecture), 4),
  training: { epoch: 3, recipe: { seed: 4 } },
};
const BYTES = encodeModelFile(MODEL);

test('the version is that of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(BNECK_VERSION).toBe(manifest.version);
});

test('what is written is read again, and equal models give equal bytes', () => {
  expect(decodeModelFile(BYTES, 'model')).toEqual(MODEL);
  expect([...decodeModelFile(BYTES, 'model').weights.keys()]).toEqual([...MODEL.weights.keys()]);
  const shuffled = { ...MODEL, weights: new Map([...MODEL.weights].reverse()) };
  expect(encodeModelFile(shuffled)).toEqual(BYTES);
  expect(decodeModelFile(encodeModelFile({ ...MODEL, training: null }), 'm').training).toBeNull();
  expect(readSafetensors(BYTES, 'm').metadata.format).toBe('pt');
});

function message(act: () => unknown, code: string): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(BneckError);
    expect((error as BneckError).code).toBe(code);
    expect((error as BneckError).message).not.toContain('\n');
    return (error as BneckError).message;
  }
  throw new Error('nothing was thrown');
}

test('tensors that do not fit are listed, a few of each kind', () => {
  const { tensors, metadata } = readSafetensors(BYTES, 'm');
  const weights = new Map(tensors);
  for (const name of [...weights.keys()].slice(0, 5)) weights.delete(name);
  weights.set('classifier.3.bias', float32Tensor([4]));
  weights.set('features.1.block.0.1.num_batches_tracked', float32Tensor([]));
  weights.set('evil\u001b[31m', float32Tensor([1]));
  const text = message(() => decodeModelFile(writeSafetensors(weights, metadata), 'm.safetensors'), 'file');
  expect(text).toMatch(/^m\.safetensors: its tensors do not fit its network \(MobileNetV3-Small/);
  expect(text).toMatch(/missing features\.0\.0\.weight, .* and 2 more; wrongly shaped .*float32 instead of int64/);
  expect(text).toContain('classifier.3.bias (4 instead of 3)');
  expect(text).toContain('unexpected "evil\\u001b[31m"');
  expect(message(() => encodeModelFile({ ...MODEL, weights }), 'shape')).toMatch(/do not fit/);
  expect(message(() => encodeModelFile({ ...MODEL, classNames: ['a'] }), 'shape')).toMatch(/1 class names for 3/);
});

test('a safetensors file of another kind is told from a damaged one', () => {
  const { tensors } = readSafetensors(BYTES, 'm');
  expect(message(() => decodeModelFile(writeSafetensors(tensors, { format: 'pt' }), 'm'), 'unsupported')).toMatch(
    /not one that bneck saved/,
  );
  expect(message(() => decodeModelFile(new TextEncoder().encode('PK is a zip file'), 'm.pth'), 'file')).toMatch(
    /^m\.pth/,
  );
});

test.each<[string, string, string]>([
  ['no JSON', 'bneck.architecture', '{'],
  ['no network', 'bneck.architecture', '{"family":"resnet"}'],
  ['an endless network', 'bneck.architecture', '{"family":"mobilenet_v3_small","width":1e9}'],
  ['another network', 'bneck.architecture', '{"family":"mobilenet_v3_large"}'],
  ['null', 'bneck.architecture', 'null'],
  ['a text of names', 'bneck.class_names', '"abc"'],
  ['too few names', 'bneck.class_names', '["a","b"]'],
  ['numbers for names', 'bneck.class_names', '[1,2,3]'],
  ['an endless name', 'bneck.class_names', JSON.stringify(['a', 'b', 'c'.repeat(1001)])],
  ['no preprocessing', 'bneck.preprocessing', 'null'],
  ['no resolution', 'bneck.preprocessing', '{"resize":32,"mean":[0,0,0],"std":[1,1,1]}'],
  ['a negative resolution', 'bneck.preprocessing', '{"resolution":-1,"resize":32,"mean":[0,0,0],"std":[1,1,1]}'],
  ['a huge resolution', 'bneck.preprocessing', '{"resolution":1e9,"resize":1e9,"mean":[0,0,0],"std":[1,1,1]}'],
  ['two means', 'bneck.preprocessing', '{"resolution":32,"resize":32,"mean":[0,0],"std":[1,1,1]}'],
  ['no deviation', 'bneck.preprocessing', '{"resolution":32,"resize":32,"mean":[0,0,0],"std":[1,0,1]}'],
  ['a text of means', 'bneck.preprocessing', '{"resolution":32,"resize":32,"mean":"abc","std":[1,1,1]}'],
  ['a list of training', 'bneck.training', '[1]'],
  ['deep training', 'bneck.training', `${'['.repeat(100000)}${']'.repeat(100000)}`],
])('metadata with %s are refused by their key', (_, key, text) => {
  const { tensors, metadata } = readSafetensors(BYTES, 'm');
  const bytes = writeSafetensors(tensors, { ...metadata, [key]: text });
  const refusal = message(() => decodeModelFile(bytes, 'm'), 'file');
  expect(refusal.length).toBeLessThan(600);
  if (text !== '{"family":"mobilenet_v3_large"}') expect(refusal).toContain(key);
});

test('missing metadata are refused, and no bytes whatsoever do more than throw a BneckError', () => {
  const { tensors, metadata } = readSafetensors(BYTES, 'm');
  const { 'bneck.class_names': _, ...rest } = metadata;
  expect(message(() => decodeModelFile(writeSafetensors(tensors, rest), 'm'), 'file')).toMatch(/it is missing/);
  const texts = fc.oneof(fc.json(), fc.string());
  const keys = fc.constantFrom(...Object.keys(metadata).filter((key) => key.startsWith('bneck.')));
  fc.assert(
    fc.property(keys, texts, (key, text) => {
      try {
        decodeModelFile(writeSafetensors(tensors, { ...metadata, [key]: text.toWellFormed() }), 'm');
      } catch (error) {
        expect(error).toBeInstanceOf(BneckError);
      }
    }),
    { numRuns: 300 },
  );
});
