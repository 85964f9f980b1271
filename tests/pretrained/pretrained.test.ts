/** The table of published weights, the names that lead to them, ImageNet's classes, and models from bare weights. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import type { StateDict } from '../../src/base/tensor.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import { IMAGENET_CLASSES } from '../../src/model/imagenet-classes.ts';
import { decodeModelFile, encodeModelFile } from '../../src/model/model-file.ts';
import { modelFromStateDict } from '../../src/model/pretrained-model-file.ts';
import {
  isPretrainedName,
  PRETRAINED_NAMES,
  PRETRAINED_WEIGHTS,
  pretrainedByFile,
  resolvePretrained,
} from '../../src/model/pretrained-weights.ts';
import { mobilenetV2 } from '../../src/models/mobilenet-v2.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { weightNames } from '../../src/models/weight-names.ts';

test("ImageNet's classes", () => {
  expect(IMAGENET_CLASSES.length).toBe(1000);
  expect(new Set(IMAGENET_CLASSES).size).toBe(1000);
  const at = [0, 1, 134, 281, 517, 999];
  expect(at.map((index) => IMAGENET_CLASSES[index])).toEqual([
    ...['tench', 'goldfish', 'crane bird', 'tabby', 'crane', 'toilet tissue'],
  ]);
  // Of torchvision's list, joined by newlines.
  const digest = createHash('sha256').update(IMAGENET_CLASSES.join('\n')).digest('hex');
  expect(digest).toBe('0b0f9fee7c952f257418d62aa701f023a9da13b443a14f5c4291e5724d92967c');
});

test('the table: names, sizes that the networks have, presets', () => {
  for (const { family, file, sha256Prefix, mebibytes, version, preprocessing } of PRETRAINED_WEIGHTS) {
    expect(file).toBe(`${family}-${sha256Prefix}.pth`);
    expect(sha256Prefix).toMatch(/^[0-9a-f]{8}$/);
    const architecture =
      family === 'mobilenet_v2' ? mobilenetV2() : mobilenetV3(family.endsWith('e') ? 'large' : 'small');
    const elements = weightNames(architecture).map(({ shape }) => shape.reduce((product, size) => product * size, 1));
    const tensorBytes = 4 * elements.reduce((sum, count) => sum + count, 0);
    expect(mebibytes * 2 ** 20).toBeGreaterThan(tensorBytes);
    expect(mebibytes * 2 ** 20).toBeLessThan(1.03 * tensorBytes);
    expect(preprocessing).toMatchObject({ resolution: 224, resize: version === 'v2' ? 232 : 256 });
  }
});

test.each([
  ['imagenet', 'mobilenet_v3_large', 'mobilenet_v3_large-5c1a4163.pth'],
  ['imagenet', 'mobilenet_v3_small', 'mobilenet_v3_small-047dcff4.pth'],
  ['imagenet-v1', 'mobilenet_v3_large', 'mobilenet_v3_large-8738ca79.pth'],
  ['imagenet-v2', 'mobilenet_v2', 'mobilenet_v2-7ebf99e0.pth'],
  ['mobilenet_v3_large', undefined, 'mobilenet_v3_large-5c1a4163.pth'],
  ['mobilenet_v2-v1', undefined, 'mobilenet_v2-b0353104.pth'],
  ['mobilenet_v3_small-v1', 'mobilenet_v3_small', 'mobilenet_v3_small-047dcff4.pth'],
] as const)('%s for %s is %s', (name, family, file) => {
  expect(resolvePretrained(name, family).file).toBe(file);
  expect(isPretrainedName(name)).toBe(true);
});

test('names that lead nowhere', () => {
  for (const [name, family, message] of [
    ['imagenet', undefined, 'say for which'],
    ['mobilenet_v3_large', 'mobilenet_v2', 'do not fit'],
    ['imagenet-v2', 'mobilenet_v3_small', 'has no v2 weights, only v1'],
    ['toString', undefined, 'no weights named'],
    ['best.safetensors', undefined, 'no weights named'],
    ['x'.repeat(1e5), undefined, 'no weights named'],
  ] as const) {
    expect(() => resolvePretrained(name, family)).toThrow(BneckError);
    expect(() => resolvePretrained(name, family)).toThrow(message);
  }
  expect(PRETRAINED_NAMES.length).toBe(11);
  expect(['best.safetensors', 'constructor', ''].some(isPretrainedName)).toBe(false);
  expect(pretrainedByFile('/some/folder/mobilenet_v2-b0353104.pth')?.version).toBe('v1');
  expect(pretrainedByFile('mobilenet_v2.pth')).toBeUndefined();
});

test('a model from bare weights: classes, preset, notes; it can be saved and read again', () => {
  const architecture = mobilenetV3('small', { width: 0.1 });
  const state = initialWeights(buildGraph(architecture), 1);
  const { file, notes } = modelFromStateDict(state, 'some/small.pth');
  expect(file.architecture).toEqual(architecture);
  expect(file.classNames).toBe(IMAGENET_CLASSES);
  expect(file.preprocessing).toMatchObject({ resolution: 224, resize: 256 });
  expect(notes.join('; ')).toContain("ImageNet's");
  expect(decodeModelFile(encodeModelFile(file), 'x').weights.get('classifier.3.bias')).toEqual(
    state.get('classifier.3.bias'),
  );
  const five = mobilenetV3('small', { width: 0.1, classes: 5, scaling: 'timm' });
  const timm: StateDict = new Map();
  const weights = initialWeights(buildGraph(five), 2);
  for (const entry of weightNames(five)) {
    const tensor = weights.get(entry.name);
    if (tensor) timm.set(entry.timm, { ...tensor, shape: entry.timmShape });
  }
  const other = modelFromStateDict(timm, 'net.pth', 'tf').file;
  expect(other.classNames).toEqual(['0', '1', '2', '3', '4']);
  expect(other.architecture).toEqual({ ...five, padding: 'same' });
  expect(other.preprocessing.mean).toEqual([0.5, 0.5, 0.5]);
});

test('the preset of published weights is told by the file name', () => {
  const state = initialWeights(buildGraph(mobilenetV3('large')), 1);
  const { file } = modelFromStateDict(state, '/cache/mobilenet_v3_large-5c1a4163.pth');
  expect(file.preprocessing.resize).toBe(232);
});
