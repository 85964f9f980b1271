/**
 * Recognising whose weights a state dict holds, from names and shapes: torchvision's at any width and with
 * every option that a shape shows, wrapped, old, broken and hostile ones; and exchanging a head.
 */
import { expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { type Shape, type StateDict, sameShape } from '../../src/base/tensor.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import type { Architecture } from '../../src/models/architecture.ts';
import { convertStateDict, headTensors, replaceHead } from '../../src/models/convert-state-dict.ts';
import { type RecognizeOptions, recognize } from '../../src/models/lineages.ts';
import { mobilenetV2 } from '../../src/models/mobilenet-v2.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { weightNames } from '../../src/models/weight-names.ts';

const WALKTHROUGH = { squeeze: { rounding: 'floor', bias: false }, expandAlways: true } as const;

/** torchvision's state dict of an architecture, as shapes: what a file would show. */
function shapesOf(architecture: Architecture): Map<string, Shape> {
  return new Map(buildGraph(architecture).parameters.map(({ name, shape }) => [name, shape]));
}

function failure(shapes: ReadonlyMap<string, Shape>, options: RecognizeOptions = { fileName: 'net.pth' }): BneckError {
  try {
    recognize(shapes, options);
  } catch (error) {
    expect(error).toBeInstanceOf(BneckError);
    expect((error as BneckError).message).not.toContain('\n');
    expect((error as BneckError).message.length).toBeLessThan(1200);
    return error as BneckError;
  }
  throw new Error('nothing was thrown');
}

test('the names are those of the graph, in order and shape', () => {
  const architectures = [0.05, 0.1, 0.35, 0.5, 0.62, 1, 1.4].flatMap((width) => [
    mobilenetV3('large', { width, classes: 7 }),
    mobilenetV3('large', { width, reducedTail: true, dilated: true }),
    mobilenetV3('small', { width, ...WALKTHROUGH }),
    mobilenetV3('small', { width, scaling: 'timm', padding: 'same' }),
    mobilenetV3('large', { width, minimal: true, scaling: 'timm' }),
    mobilenetV2({ width }),
  ]);
  for (const architecture of architectures) {
    const names = weightNames(architecture);
    expect(names.map(({ name, shape }) => [name, shape])).toEqual(
      buildGraph(architecture).parameters.map(({ name, shape }) => [name, shape]),
    );
    expect(new Set(names.map(({ timm }) => timm)).size).toBe(names.length);
  }
});

test.each([0.05, 0.1, 0.12, 0.2, 0.3, 0.35, 0.4, 0.5, 0.55, 0.62, 0.75, 0.77, 0.9, 1, 1.1, 1.25, 1.33, 1.4, 2, 3, 8])(
  "torchvision's networks at width %d are recognised",
  (width) => {
    const architectures = [
      mobilenetV3('large', { width, classes: 7 }),
      mobilenetV3('large', { width, reducedTail: true }),
      mobilenetV3('small', { width }),
      mobilenetV3('small', { width, reducedTail: true, classes: 1 }),
      mobilenetV3('small', { width, minimal: true }),
      mobilenetV3('large', { width, ...WALKTHROUGH }),
      mobilenetV3('small', { width, squeeze: { bias: false } }),
      mobilenetV2({ width, classes: 21 }),
    ];
    for (const architecture of architectures) {
      const shapes = shapesOf(architecture);
      const found = recognize(shapes);
      expect([...shapesOf(found.architecture)], JSON.stringify(architecture)).toEqual([...shapes]);
      expect(found).toMatchObject({ naming: 'torchvision', lineage: 'torchvision', assumptions: [] });
      expect([...found.sources]).toEqual([...shapes.keys()].map((name) => [name, name]));
      // Another width may give the same channels, but the published ones come back as they are.
      if ([0.35, 0.5, 0.75, 1, 1.25].includes(width)) expect(found.architecture).toEqual(architecture);
    }
  },
);

test('0.62 comes back as 0.62, not as what floats make of it', () => {
  expect(recognize(shapesOf(mobilenetV3('large', { width: 0.62 }))).architecture.width).toBe(0.62);
  const { width } = recognize(shapesOf(mobilenetV3('large', { width: Math.PI }))).architecture;
  expect([...shapesOf(mobilenetV3('large', { width }))]).toEqual([
    ...shapesOf(mobilenetV3('large', { width: Math.PI })),
  ]);
  expect(String(width).length).toBeLessThan(6);
});

test("timm's widths under torchvision's names: the scaling is found", () => {
  const architecture = mobilenetV3('large', { width: 0.5, scaling: 'timm', batchNormEpsilon: 1e-5 });
  const found = recognize(shapesOf(architecture), { lineage: 'timm' });
  expect(found.architecture).toEqual(architecture);
  expect(recognize(shapesOf(architecture)).architecture).toMatchObject({ scaling: 'timm', batchNormEpsilon: 1e-3 });
});

test('the lineage: asked for, told by the file name, or by what is published', () => {
  const timm = (architecture: Architecture): Map<string, Shape> =>
    new Map(weightNames(architecture).map((entry) => [entry.timm, entry.timmShape]));
  const plain = timm(mobilenetV3('large', { scaling: 'timm' }));
  const padding = (shapes: Map<string, Shape>, options: RecognizeOptions): string => {
    const { architecture, lineage, assumptions } = recognize(shapes, options);
    return `${lineage} ${architecture.padding} ${architecture.batchNormEpsilon} ${assumptions.length}`;
  };
  expect(padding(plain, {})).toBe('timm symmetric 0.00001 1');
  expect(padding(plain, { fileName: 'cache/tf_mobilenetv3_large_100-427764d5.pth' })).toBe('tf same 0.001 1');
  expect(padding(plain, { fileName: 'cache/tf_mobilenetv3.pth', lineage: 'timm' })).toBe('timm symmetric 0.00001 0');
  expect(padding(plain, { fileName: 'halftf_net.pth' })).toBe('timm symmetric 0.00001 1');
  expect(padding(timm(mobilenetV3('small', { minimal: true, scaling: 'timm' })), {})).toBe('tf same 0.001 1');
  expect(() => recognize(plain, { lineage: 'keras' as 'tf' })).toThrow(/lineage keras: give torchvision, timm, tf/);
  expect(padding(shapesOf(mobilenetV2()), { lineage: 'tf' })).toBe('tf same 0.001 0');
});

test('wrappers: a common prefix and the counter of averaged weights', () => {
  const shapes = shapesOf(mobilenetV3('small', { classes: 3 }));
  const wrapped = new Map<string, Shape>([['n_averaged', []]]);
  for (const [name, shape] of shapes) wrapped.set(`module.${name}`, shape);
  const found = recognize(wrapped);
  expect(found.architecture).toEqual(mobilenetV3('small', { classes: 3 }));
  expect(found.rename('module.classifier.3.bias')).toBe('classifier.3.bias');
  expect(found.rename('n_averaged')).toBeUndefined();
  expect(found.rename('classifier.3.bias')).toBeUndefined();
  wrapped.set('features.1.block.0.0.weight', [9]);
  expect(failure(wrapped).message).toContain('unexpected features.1.block.0.0.weight');
});

test('what does not fit is listed, a few of each', () => {
  const shapes = shapesOf(mobilenetV3('large', { width: 0.75, classes: 10 }));
  shapes.delete('classifier.3.bias');
  shapes.set('features.4.block.1.0.weight', [56, 1, 3, 3]);
  for (let extra = 0; extra < 5; extra++) shapes.set(`extra\n${extra}`, [1]);
  const error = failure(shapes);
  expect(error.code).toBe('file');
  expect(error.message).toBe(
    'net.pth: nearest to MobileNetV3-Large, width 0.75, 10 classes, but missing classifier.3.bias; unexpected "extra\\n0", "extra\\n1", "extra\\n2" and 2 more; wrongly shaped features.4.block.1.0.weight (56x1x3x3 instead of 56x1x5x5). Give the unchanged weights of torchvision\'s or timm\'s MobileNetV3 or MobileNetV2.',
  );
  const pruned = shapesOf(mobilenetV3('small'));
  pruned.set('features.5.block.0.0.weight', [200, 40, 1, 1]);
  expect(failure(pruned).message).toContain('MobileNetV3-Small, 1000 classes, but wrongly shaped features.5');
});

test('other networks are refused', () => {
  expect(failure(new Map([['conv1.weight', [64, 3, 7, 7]]])).message).toMatch(
    /^net.pth: not the weights .*conv1.weight/,
  );
  expect(failure(new Map()).code).toBe('unsupported');
  const efficientNet = new Map<string, Shape>([
    ['conv_stem.weight', [32, 3, 3, 3]],
    ['blocks.0.0.conv_dw.weight', [32, 1, 3, 3]],
    ['blocks.0.0.se.conv_reduce.weight', [8, 32, 1, 1]],
  ]);
  expect(failure(efficientNet).message).toContain('missing');
});

test('hostile shapes end in an error, quickly', () => {
  const base = shapesOf(mobilenetV3('small', { classes: 3 }));
  const huge: Shape[] = [[], [0], [-1, 5], [1e15, 3, 3, 3], [Number.NaN], [2 ** 53], Array<number>(64).fill(9)];
  const begin = performance.now();
  for (const name of ['features.0.0.weight', 'classifier.3.weight', 'features.1.block.1.fc1.weight']) {
    for (const shape of huge)
      expect(['file', 'unsupported']).toContain(failure(new Map([...base, [name, shape]])).code);
  }
  for (const key of ['__proto__', 'constructor', 'x'.repeat(1e6)]) failure(new Map([...base, [key, [1]]]));
  failure(new Map([...base].map(([name, shape]) => [name, shape.map((size) => size * 1000)])));
  failure(new Map([...base].map(([name]) => [name, []])));
  expect(performance.now() - begin).toBeLessThan(30_000);
});

test('conversion: shapes of ours, the same arrays, counters filled in', () => {
  const architecture = mobilenetV3('small', { width: 0.35, classes: 4, scaling: 'timm', batchNormEpsilon: 1e-5 });
  const state = initialWeights(buildGraph(architecture), 3);
  const file: StateDict = new Map();
  for (const { name, timm, timmShape, counter } of weightNames(architecture)) {
    const tensor = state.get(name);
    if (tensor === undefined) throw new Error(name);
    if (!counter) file.set(timm, { ...tensor, shape: timmShape });
    else if (timm.startsWith('blocks.0')) file.set(timm, { dtype: 'float32', shape: [1], data: Float32Array.of(41.6) });
  }
  const recognition = recognize(new Map([...file].map(([name, { shape }]) => [name, shape])));
  const weights = convertStateDict(file, recognition);
  expect([...weights.keys()]).toEqual([...state.keys()]);
  for (const { name, shape, dtype } of buildGraph(architecture).parameters) {
    const tensor = weights.get(name);
    expect(tensor && tensor.dtype === dtype && sameShape(tensor.shape, shape), name).toBe(true);
    if (dtype === 'float32') expect(tensor?.data).toBe(state.get(name)?.data);
  }
  expect(weights.get('features.0.1.num_batches_tracked')?.data).toEqual(new BigInt64Array(1));
  expect(weights.get('features.1.block.0.1.num_batches_tracked')?.data).toEqual(BigInt64Array.of(42n));
  file.set('classifier.bias', { dtype: 'int64', shape: [4], data: new BigInt64Array(4) });
  expect(() => convertStateDict(file, recognition)).toThrow(expect.objectContaining({ code: 'file' }));
});

test('a new head on an old backbone', () => {
  for (const make of [(classes: number) => mobilenetV3('small', { width: 0.1, classes }), mobilenetV2WithClasses]) {
    const old = initialWeights(buildGraph(make(3)), 1);
    const architecture = make(5);
    const fresh = initialWeights(buildGraph(architecture), 2);
    const { weights, replaced } = replaceHead(old, fresh, architecture);
    expect(replaced).toEqual(headTensors(architecture));
    for (const [name, tensor] of weights) {
      expect(tensor).toBe(replaced.includes(name) ? fresh.get(name) : old.get(name));
    }
    expect(recognize(new Map([...weights].map(([name, { shape }]) => [name, shape]))).architecture.classes).toBe(5);
    old.delete('features.0.0.weight');
    expect(() => replaceHead(old, fresh, architecture)).toThrow(/features.0.0.weight is missing/);
  }
});

function mobilenetV2WithClasses(classes: number): Architecture {
  return mobilenetV2({ width: 0.1, classes });
}
