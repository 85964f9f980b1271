/**
 * The graph against torchvision: names and shapes of every variant (tests/golden/graph/names.json,
 * made by scripts/make-graph-goldens.py from a live library), and the published counts.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { elementCount, formatShape } from '../base/tensor.ts';
import type { Architecture } from '../models/architecture.ts';
import { mobilenetV2 } from '../models/mobilenet-v2.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { parseArchitecture } from '../models/parse-architecture.ts';
import { buildGraph } from './build-graph.ts';
import type { Graph } from './graph.ts';
import { countMultiplyAdds, inferShapes } from './infer-shapes.ts';
import { initialWeights } from './initial-weights.ts';
import { validateGraph } from './validate-graph.ts';

interface Names {
  readonly hashes: readonly { readonly architecture: unknown; readonly keys: number; readonly sha256: string }[];
  readonly lists: Readonly<Record<string, readonly string[]>>;
}
const golden = JSON.parse(
  readFileSync(new URL('../../tests/golden/graph/names.json', import.meta.url), 'utf8'),
) as Names;

const parameterLines = (graph: Graph): string[] =>
  graph.parameters.map(({ name, shape }) => `${name}:${formatShape(shape)}`);

function countParameters(architecture: Architecture): number {
  const trained = buildGraph(architecture).parameters.filter(({ trainable }) => trainable);
  return trained.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function totalMultiplyAdds(architecture: Architecture, resolution: number): number {
  const counts = countMultiplyAdds(buildGraph(architecture), [1, 3, resolution, resolution]);
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

test.each(Object.entries(golden.lists))("%s has torchvision's state_dict, name by name", (family, lines) => {
  expect(parameterLines(buildGraph(parseArchitecture({ family })))).toEqual(lines);
});

test('every variant has the names, order and shapes of torchvision', () => {
  expect(golden.hashes.length).toBe(35);
  for (const { architecture, keys, sha256 } of golden.hashes) {
    const graph = buildGraph(parseArchitecture(architecture));
    validateGraph(graph);
    expect(graph.parameters.length).toBe(keys);
    const digest = createHash('sha256').update(parameterLines(graph).join('\n')).digest('hex');
    expect(digest, JSON.stringify(architecture)).toBe(sha256);
  }
});

test('key totals: Large 312, Small 244', () => {
  const count = (size: 'large' | 'small', end: string): number =>
    buildGraph(mobilenetV3(size)).parameters.filter(({ name }) => name.endsWith(end)).length;
  expect([count('large', ''), count('large', 'running_mean'), count('large', 'fc1.weight')]).toEqual([312, 46, 8]);
  expect([count('small', ''), count('small', 'running_mean'), count('small', 'fc1.weight')]).toEqual([244, 34, 9]);
});

test.each([
  ['large', 0.35, 997064, 552554, 491320],
  ['large', 0.5, 1734576, 1099986, 842224],
  ['large', 0.75, 3377576, 2426186, 1620728],
  ['large', 1, 5483032, 4214842, 2569352],
  ['large', 1.25, 8164744, 6579754, 3844568],
  ['small', 0.35, 558744, 201354, 262608],
  ['small', 0.5, 917264, 409394, 426080],
  ['small', 0.75, 1653920, 892610, 752848],
  ['small', 1, 2542856, 1528106, 1099672],
  ['small', 1.25, 3644912, 2376722, 1567008],
] as const)('V3 %s at width %d counts its parameters', (size, width, thousand, ten, reducedTail) => {
  expect(countParameters(mobilenetV3(size, { width }))).toBe(thousand);
  expect(countParameters(mobilenetV3(size, { width, classes: 10 }))).toBe(ten);
  expect(countParameters(mobilenetV3(size, { width, reducedTail: true }))).toBe(reducedTail);
});

test('options that change no shape change no count', () => {
  for (const options of [{ dilated: true }, { reduction: 16 }, { reduction: 8 }] as const) {
    expect(countParameters(mobilenetV3('large', options))).toBe(5483032);
  }
});

test('the from-scratch walkthrough variant has 5,476,416 parameters', () => {
  const options = {
    squeeze: { rounding: 'floor', bias: false, activation: 'relu6' },
    reluActivation: 'relu6',
    expandAlways: true,
  } as const;
  expect(countParameters(mobilenetV3('large', options))).toBe(5476416);
  // Without the expanding convolution of the first block: 16 x 16 weights and a batch norm less.
  expect(countParameters(mobilenetV3('large', { ...options, expandAlways: false }))).toBe(5476416 - 288);
});

test('V2 has 3,504,872 parameters and 300.8 M multiply-adds', () => {
  expect(countParameters(mobilenetV2())).toBe(3504872);
  expect(totalMultiplyAdds(mobilenetV2(), 224)).toBe(300774272);
});

test.each([
  [96, 43.1, 12.1],
  [128, 73.4, 19.8],
  [160, 112.5, 29.8],
  [192, 160.2, 42.1],
  [224, 216.59, 56.51],
  [256, 281.7, 73.2],
])('multiply-adds at %d pixels: Large %d M, Small %d M', (resolution, large, small) => {
  const digits = resolution === 224 ? 100 : 10;
  const millions = (size: 'large' | 'small'): number =>
    Math.round((totalMultiplyAdds(mobilenetV3(size), resolution) / 1e6) * digits) / digits;
  expect([millions('large'), millions('small')]).toEqual([large, small]);
});

test.each([
  [32, 7],
  [16, 14],
  [8, 28],
] as const)('reduction %d leaves a map of %d pixels at 224', (reduction, pixels) => {
  for (const architecture of [
    mobilenetV3('large', { reduction }),
    mobilenetV3('small', { reduction }),
    mobilenetV2({ reduction }),
  ]) {
    const graph = buildGraph(architecture);
    const shapes = inferShapes(graph, [2, 3, 224, 224]);
    const pool = graph.nodes.find(({ name }) => name === 'avgpool');
    expect(shapes.get(pool?.inputs[0] ?? '')?.slice(2)).toEqual([pixels, pixels]);
    expect(shapes.get(graph.output)).toEqual([2, 1000]);
  }
});

test('shapes: odd pictures fit, others are refused with their shape', () => {
  const graph = buildGraph(mobilenetV3('small'));
  expect(inferShapes(graph, [1, 3, 1, 97]).get(graph.output)).toEqual([1, 1000]);
  for (const shape of [
    [1, 4, 32, 32],
    [3, 32, 32],
    [1, 3, 0, 32],
    [1, 3, 1.5, 32],
    [2 ** 40, 3, 2 ** 20, 32],
  ]) {
    expect(() => inferShapes(graph, shape)).toThrow(expect.objectContaining({ code: 'shape' }));
  }
});

test('a network beyond what can be held is refused', () => {
  expect(() => buildGraph(mobilenetV3('large', { width: 16, classes: 1_000_000 }))).toThrow(
    expect.objectContaining({ code: 'option' }),
  );
});

test('initial weights: the right spread, equal bits for equal seeds', () => {
  const graph = buildGraph(mobilenetV3('small', { width: 0.5, classes: 10 }));
  const state = initialWeights(graph, 7);
  expect([...state.keys()]).toEqual(graph.parameters.map(({ name }) => name));
  expect(initialWeights(graph, 7)).toEqual(state);
  const other = initialWeights(graph, 8).get('classifier.0.weight')?.data;
  expect(other).not.toEqual(state.get('classifier.0.weight')?.data);
  const deviation = (name: string): number => {
    const data = Array.from(state.get(name)?.data ?? [], Number);
    return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
  };
  expect(deviation('classifier.0.weight') / 0.01).toBeCloseTo(1, 1);
  // Features.10's expansion: 288 outputs, kernel 1; the depthwise counts its outputs too, not its groups.
  expect(deviation('features.10.block.0.0.weight') / Math.sqrt(2 / 288)).toBeCloseTo(1, 1);
  expect(deviation('features.10.block.1.0.weight') / Math.sqrt(2 / (288 * 25))).toBeCloseTo(1, 1);
  expect(deviation('classifier.0.bias')).toBe(0);
  expect(deviation('features.0.1.weight')).toBe(1);
  expect(state.get('features.0.1.num_batches_tracked')).toEqual({
    dtype: 'int64',
    shape: [],
    data: new BigInt64Array([0n]),
  });
});
