/**
 * Exported files, read back: their structure, and what their nodes compute by ONNX's definitions
 * (double precision, defaults and all) against the oracle. That onnxruntime agrees, tests/peers shows.
 */
import { describe, expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import type { StateDict } from '../base/tensor.ts';
import { defaultPreprocessing } from '../data/preprocess.ts';
import type { OnnxModel, OnnxNode } from '../formats/onnx.ts';
import { readOnnx } from '../formats/onnx-reader.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { initialWeights } from '../graph/initial-weights.ts';
import type { ReferenceTensor } from '../graph/op.ts';
import { add } from '../graph/ops/add.ts';
import { conv2d } from '../graph/ops/conv2d.ts';
import { globalAveragePool2d } from '../graph/ops/global-average-pool2d.ts';
import { linear } from '../graph/ops/linear.ts';
import { scaleChannels } from '../graph/ops/scale-channels.ts';
import { referenceForward } from '../graph/reference.ts';
import { dimension, referenceState, referenceTensor } from '../graph/reference-tensor.ts';
import type { Architecture } from '../models/architecture.ts';
import { mobilenetV2 } from '../models/mobilenet-v2.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { type ExportOnnxOptions, exportOnnx } from './export-onnx.ts';
import type { ModelFile } from './model-file.ts';

/** Batch norm and biases moved away from 0 and 1, and a classifier whose logits differ. */
function livelyWeights(architecture: Architecture): StateDict {
  const weights = initialWeights(buildGraph(architecture), 1);
  const stream = new RandomStream(2, 'initialWeights');
  for (const [name, { data, shape }] of weights) {
    if (!(data instanceof Float32Array)) continue;
    const scale = name.startsWith('classifier') && shape.length === 2 ? 10 : 1;
    const shift = (): number => (shape.length === 1 ? stream.uniform() - 0.5 : 0);
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * scale + shift();
  }
  return weights;
}

function modelFile(architecture: Architecture): ModelFile {
  const classNames = Array.from({ length: architecture.classes }, (_, index) => `größe "${index}"`);
  const weights = livelyWeights(architecture);
  return { architecture, classNames, preprocessing: defaultPreprocessing(96), weights, training: null };
}

function exported(file: ModelFile, options?: ExportOnnxOptions): OnnxModel {
  return readOnnx(exportOnnx(file, options), 'exported');
}

const SMALL = mobilenetV3('small', { width: 0.35, classes: 10 });
const NETWORKS: readonly (readonly [string, Architecture])[] = [
  ['Small 0.35', SMALL],
  [
    'Large 0.35, dilated, reduced tail',
    mobilenetV3('large', { width: 0.35, dilated: true, reducedTail: true, classes: 7 }),
  ],
  [
    'walkthrough variant',
    mobilenetV3('small', {
      width: 0.35,
      classes: 5,
      squeeze: { rounding: 'floor', bias: false, activation: 'relu6' },
      reluActivation: 'relu6',
      expandAlways: true,
    }),
  ],
  [
    'Small 0.35, SAME padding, dilated',
    mobilenetV3('small', { width: 0.35, classes: 4, padding: 'same', dilated: true }),
  ],
  [
    'timm minimal',
    mobilenetV3('large', { width: 0.35, classes: 4, minimal: true, scaling: 'timm', batchNormEpsilon: 1e-5 }),
  ],
  ['V2 0.35, reduction 16', mobilenetV2({ width: 0.35, classes: 1, reduction: 16 })],
];

type Values = readonly ReferenceTensor[];
const CONTEXT = { training: false, seed: 0, step: 0 } as const;
const AROUND = { name: 'test', inputs: [], output: '' } as const;

function elementwise(inputs: Values, each: (x: number) => number): ReferenceTensor {
  const [input] = inputs as [ReferenceTensor];
  return referenceTensor(input.shape, input.data.map(each));
}

/** The number or numbers of an attribute that is there. */
function attribute({ attributes, name }: OnnxNode, key: string): number[] {
  const found = attributes[key];
  if (!found || found.type === 'string') throw new Error(`${name} has no number ${key}`);
  return found.type === 'ints' ? [...found.value] : [found.value];
}

function conv(node: OnnxNode, [input, weight, bias]: Values): ReferenceTensor {
  const [kernel, stride, dilation] = ['kernel_shape', 'strides', 'dilations'].map((key) => {
    const [first, second] = attribute(node, key);
    expect(second).toBe(first);
    return first as number;
  }) as [number, number, number];
  const [groups] = attribute(node, 'group') as [number];
  const same = node.attributes.auto_pad?.value === 'SAME_UPPER';
  const pads = same ? [0] : attribute(node, 'pads');
  expect(new Set(pads).size).toBe(1);
  const [outChannels, inGroup] = (weight as ReferenceTensor).shape as [number, number];
  const channels = { inChannels: inGroup * groups, outChannels, groups, bias: bias !== undefined };
  const padding = { padding: pads[0] as number, ...(same ? { samePadding: true as const } : {}) };
  const attributes = { ...channels, kernel, stride, dilation, ...padding };
  const parameters = new Map([['weight', weight as ReferenceTensor]]);
  if (bias) parameters.set('bias', bias);
  return conv2d.forward({ ...AROUND, op: 'conv2d', attributes }, [input as ReferenceTensor], {
    ...CONTEXT,
    parameters,
  });
}

function gemm(node: OnnxNode, [input, weight, bias]: Values): ReferenceTensor {
  expect(attribute(node, 'transB')).toEqual([1]);
  const [outFeatures, inFeatures] = (weight as ReferenceTensor).shape as [number, number];
  expect(input?.shape.length).toBe(2);
  const parameters = new Map([
    ['weight', weight as ReferenceTensor],
    ['bias', bias as ReferenceTensor],
  ]);
  const attributes = { inFeatures, outFeatures };
  return linear.forward({ ...AROUND, op: 'linear', attributes }, [input as ReferenceTensor], {
    ...CONTEXT,
    parameters,
  });
}

/** [N, C, H, W] with a function of the channel and the value. */
function byChannel({ shape, data }: ReferenceTensor, each: (x: number, channel: number) => number): ReferenceTensor {
  const plane = dimension(shape, 2) * dimension(shape, 3);
  return referenceTensor(
    shape,
    data.map((x, index) => each(x, Math.floor(index / plane) % dimension(shape, 1))),
  );
}

function batchNorm(node: OnnxNode, [input, ...constants]: Values): ReferenceTensor {
  const [epsilon] = attribute(node, 'epsilon') as [number];
  const [scale, bias, mean, variance] = constants.map(({ data }) => data) as Float64Array[];
  const at = (data: Float64Array | undefined, channel: number): number => data?.[channel] as number;
  return byChannel(input as ReferenceTensor, (x, c) => {
    return ((x - at(mean, c)) / Math.sqrt(at(variance, c) + epsilon)) * at(scale, c) + at(bias, c);
  });
}

function channelsFirst(node: OnnxNode, [input]: Values): ReferenceTensor {
  expect(attribute(node, 'perm')).toEqual([0, 3, 1, 2]);
  const [n, h, w, c] = (input as ReferenceTensor).shape as [number, number, number, number];
  const output = referenceTensor([n, c, h, w]);
  output.data.forEach((_, index) => {
    const [pixel, channel] = [index % (h * w), Math.floor(index / (h * w)) % c];
    output.data[index] = input?.data[(Math.floor(index / (c * h * w)) * h * w + pixel) * c + channel] as number;
  });
  return output;
}

function softmax(node: OnnxNode, [input]: Values): ReferenceTensor {
  expect(attribute(node, 'axis')).toEqual([1]);
  const { shape, data } = input as ReferenceTensor;
  const classes = dimension(shape, 1);
  const powers = data.map(Math.exp);
  const sums = Array.from({ length: dimension(shape, 0) }, (_, n) =>
    powers.subarray(n * classes, (n + 1) * classes).reduce((sum, power) => sum + power, 0),
  );
  return referenceTensor(
    shape,
    powers.map((power, index) => power / (sums[Math.floor(index / classes)] as number)),
  );
}

/** The product or sum of maps, the second one maybe a value a channel. */
function combine(op: 'Mul' | 'Add', [first, second]: Values): ReferenceTensor {
  const [a, b] = [first as ReferenceTensor, second as ReferenceTensor];
  const plain = { ...CONTEXT, parameters: new Map() };
  if (b.shape[0] === 1 && b.data.length === 3) {
    return byChannel(a, (x, c) => (op === 'Mul' ? x * (b.data[c] as number) : x + (b.data[c] as number)));
  }
  if (op === 'Add') return add.forward({ ...AROUND, op: 'add', attributes: {} }, [a, b], plain);
  return scaleChannels.forward({ ...AROUND, op: 'scale_channels', attributes: {} }, [a, b], plain);
}

/** One node by ONNX's definition (https://onnx.ai/onnx/operators, opset 18). */
function compute(node: OnnxNode, inputs: Values): ReferenceTensor {
  const { opType, attributes } = node;
  const [first, low, high] = inputs as [ReferenceTensor, ...ReferenceTensor[]];
  if (opType === 'Conv') return conv(node, inputs);
  if (opType === 'Gemm') return gemm(node, inputs);
  if (opType === 'BatchNormalization') return batchNorm(node, inputs);
  if (opType === 'Mul' || opType === 'Add') return combine(opType, inputs);
  if (opType === 'Softmax') return softmax(node, inputs);
  if (opType === 'Transpose') return channelsFirst(node, inputs);
  if (opType === 'Cast') return first;
  if (opType === 'Relu') return elementwise(inputs, (x) => Math.max(x, 0));
  if (opType === 'Clip') {
    return elementwise(inputs, (x) => Math.min(Math.max(x, low?.data[0] as number), high?.data[0] as number));
  }
  if (opType === 'HardSwish') return elementwise(inputs, (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)));
  if (opType === 'HardSigmoid') {
    const alpha = (attributes.alpha?.value as number | undefined) ?? 0.2;
    const beta = (attributes.beta?.value as number | undefined) ?? 0.5;
    return elementwise(inputs, (x) => Math.max(0, Math.min(1, alpha * x + beta)));
  }
  if (opType === 'GlobalAveragePool') {
    const pool = { ...AROUND, op: 'global_average_pool2d', attributes: {} } as const;
    return globalAveragePool2d.forward(pool, [first], { ...CONTEXT, parameters: new Map() });
  }
  if (opType === 'Flatten') return referenceTensor([dimension(first.shape, 0), dimension(first.shape, 1)], first.data);
  throw new Error(`no ${opType}`);
}

function run({ graph }: OnnxModel, input: ReferenceTensor): ReferenceTensor {
  const tensors = referenceState(graph.initializers);
  tensors.set('pictures', input);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => tensors.get(name) as ReferenceTensor);
    tensors.set(node.outputs[0] as string, compute(node, inputs));
  }
  return tensors.get(graph.outputs[0]?.name as string) as ReferenceTensor;
}

function randomPictures(shape: number[]): ReferenceTensor {
  const stream = new RandomStream(3, 'augment');
  const input = referenceTensor(shape);
  input.data.forEach((_, index) => {
    input.data[index] = Math.fround(stream.normal());
  });
  return input;
}

function expectClose(found: ReferenceTensor, wanted: ReferenceTensor, tolerance: number): void {
  expect(found.shape).toEqual(wanted.shape);
  const largest = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = wanted.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (found.data[i] as number))),
    0,
  );
  expect(largest).toBeGreaterThan(0.01);
  expect(difference / largest).toBeLessThan(tolerance);
}

describe.each(NETWORKS)('%s', (_title, architecture) => {
  const file = modelFile(architecture);
  const state = referenceState(file.weights);

  test.each([false, true])('computes the logits, batch norm kept: %s', (keepBatchNorm) => {
    const input = randomPictures([2, 3, 37, 32]);
    const { logits } = referenceForward(buildGraph(architecture), state, input);
    // Folded weights are rounded to single precision once; kept ones are not.
    expectClose(run(exported(file, { keepBatchNorm }), input), logits, keepBatchNorm ? 1e-6 : 1e-5);
  });

  test('has one convolution for each, and batch norm only on request', () => {
    const { nodes } = buildGraph(architecture);
    const count = (op: string): number => nodes.filter((node) => node.op === op).length;
    const counted = (model: OnnxModel, opType: string): number =>
      model.graph.nodes.filter((node) => node.opType === opType).length;
    const [folded, kept] = [exported(file), exported(file, { keepBatchNorm: true })];
    for (const model of [folded, kept]) {
      expect(counted(model, 'Conv')).toBe(count('conv2d'));
      expect(counted(model, 'Gemm')).toBe(count('linear'));
      expect(counted(model, 'Mul')).toBe(count('scale_channels'));
      expect(counted(model, 'Add')).toBe(count('add'));
      expect(counted(model, 'Flatten')).toBe(1);
    }
    expect(counted(folded, 'BatchNormalization')).toBe(0);
    expect(counted(kept, 'BatchNormalization')).toBe(count('batch_norm2d'));
    expect(kept.graph.initializers.get('features.0.0.weight')?.data).toEqual(
      file.weights.get('features.0.0.weight')?.data,
    );
    const names = [...kept.graph.initializers.keys()].filter((name) => !name.startsWith('relu6.'));
    const wanted = [...file.weights.keys()].filter((name) => !name.endsWith('num_batches_tracked'));
    expect(names).toEqual(wanted);
  });
});

test('the file says what goes in, what comes out, and what it is', () => {
  const file = modelFile(SMALL);
  const model = exported(file);
  expect([model.irVersion, model.opset, model.producerName]).toEqual([8, 18, 'bneck']);
  expect(model.graph.inputs).toMatchObject([{ name: 'pictures', elementType: 'float32', shape: ['N', 3, 'H', 'W'] }]);
  expect(model.graph.outputs).toMatchObject([{ name: 'logits', elementType: 'float32', shape: ['N', 10] }]);
  expect(JSON.parse(model.metadata['bneck.class_names'] as string)).toEqual(file.classNames);
  expect(JSON.parse(model.metadata['bneck.architecture'] as string)).toEqual(SMALL);
  expect(JSON.parse(model.metadata['bneck.preprocessing'] as string)).toEqual(file.preprocessing);
  expect(model.metadata['bneck.input']).toMatch(
    /^pictures: RGB, \[N, 3, H, W\].* \(x \/ 255 - \[0\.485, 0\.456, 0\.406\]\)/,
  );
  const fixed = exported(file, { resolution: 160, withPreprocessing: true, softmax: true });
  expect(fixed.graph.inputs).toMatchObject([{ elementType: 'uint8', shape: ['N', 160, 160, 3] }]);
  expect(fixed.graph.outputs).toMatchObject([{ name: 'probabilities', shape: ['N', 10] }]);
  expect(fixed.metadata['bneck.input']).toMatch(/^pictures: RGB bytes .* normalised here$/);
});

test('bytes go in and probabilities come out on request', () => {
  const file = modelFile(SMALL);
  const stream = new RandomStream(5, 'augment');
  const [n, h, w] = [2, 33, 32];
  const bytes = referenceTensor(
    [n, h, w, 3],
    Array.from({ length: n * h * w * 3 }, () => stream.integer(256)),
  );
  const normalized = referenceTensor([n, 3, h, w]);
  normalized.data.forEach((_, index) => {
    const [channel, pixel] = [Math.floor(index / (h * w)) % 3, index % (h * w)];
    const byte = bytes.data[(Math.floor(index / (3 * h * w)) * h * w + pixel) * 3 + channel] as number;
    const { mean, std } = file.preprocessing;
    normalized.data[index] = (byte / 255 - (mean[channel] as number)) / (std[channel] as number);
  });
  const { logits } = referenceForward(buildGraph(SMALL), referenceState(file.weights), normalized);
  expectClose(run(exported(file, { withPreprocessing: true }), bytes), logits, 1e-5);
  const probabilities = run(exported(file, { withPreprocessing: true, softmax: true }), bytes);
  const largest = logits.data.reduce((most, logit) => Math.max(most, logit));
  const powers = logits.data.map((logit) => Math.exp(logit - largest));
  const sum = (row: number): number =>
    powers.subarray(row * 10, row * 10 + 10).reduce((total, power) => total + power, 0);
  const wanted = powers.map((power, index) => power / sum(Math.floor(index / 10)));
  expectClose(probabilities, referenceTensor([n, 10], wanted), 1e-5);
});

test('equal models give equal bytes, whatever the order of their options', () => {
  const file = modelFile(SMALL);
  const shuffled = {
    ...file,
    architecture: Object.fromEntries(Object.entries(SMALL).reverse()) as unknown as Architecture,
    weights: new Map([...file.weights].reverse()),
  };
  expect(Buffer.compare(exportOnnx(shuffled), exportOnnx(file))).toBe(0);
});

test('what would answer nonsense is not exported', () => {
  const file = modelFile(SMALL);
  const spoiled = (name: string, value: number, options?: ExportOnnxOptions) => () => {
    const weights = livelyWeights(SMALL);
    (weights.get('features.0.1.running_var')?.data as Float32Array)[3] = 0; // scales by 1 / sqrt(epsilon)
    (weights.get(name)?.data as Float32Array)[3] = value;
    exportOnnx({ ...file, weights }, options);
  };
  const kept = { keepBatchNorm: true };
  expect(spoiled('features.0.0.weight', Number.NaN)).toThrow(/features\.0\.0\.weight holds NaN \(element 3\)/);
  expect(spoiled('features.0.0.weight', Number.NaN, kept)).toThrow(BneckError);
  expect(spoiled('classifier.3.bias', Number.NEGATIVE_INFINITY)).toThrow(/classifier\.3\.bias holds -Infinity/);
  expect(spoiled('features.0.1.running_var', -1)).toThrow(/features\.0\.1\.running_var holds -1.* no variance/);
  expect(spoiled('features.0.1.running_var', -1, kept)).toThrow(BneckError);
  expect(spoiled('features.0.1.weight', 3e38)).toThrow(/made of features\.0\.0 and features\.0\.1/);
  expect(() => exportOnnx(file, { resolution: 0 })).toThrow(/resolution 0: give a whole number/);
  expect(() => exportOnnx({ ...file, classNames: ['a'] })).toThrow(/1 class names for 10 classes/);
  expect(() => exportOnnx({ ...file, weights: new Map() })).toThrow(/missing features\.0\.0\.weight/);
});
