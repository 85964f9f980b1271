/**
 * Every op's gradient against central differences of its own forward, and its forward where the values
 * can be told by hand or were taken from PyTorch.
 */
import { expect, test } from 'vitest';
import { RandomStream } from '../../base/random.ts';
import type { Shape } from '../../base/tensor.ts';
import type { ActivationName } from '../../models/architecture.ts';
import type { GraphNode } from '../graph.ts';
import type { ReferenceContext, ReferenceTensor } from '../op.ts';
import { referenceTensor } from '../reference-tensor.ts';
import { ACTIVATIONS } from './activation.ts';
import { dropoutScales } from './dropout.ts';
import { opOf } from './index.ts';
import { softmaxCrossEntropy } from './softmax-cross-entropy.ts';

let drawn = 0;
function randomTensor(shape: Shape, scale = 1, shift = 0): ReferenceTensor {
  const stream = new RandomStream(11, 'initialWeights', drawn++);
  const tensor = referenceTensor(shape);
  return referenceTensor(
    shape,
    tensor.data.map(() => shift + scale * stream.normal()),
  );
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** Compares every element of `analytic` with central differences of `value` over `tensor`. */
function expectGradient(tensor: ReferenceTensor, analytic: ReferenceTensor, value: () => number): void {
  const step = 1e-5;
  expect(analytic.shape).toEqual(tensor.shape);
  tensor.data.forEach((held, index) => {
    tensor.data[index] = held + step;
    const above = value();
    tensor.data[index] = held - step;
    const below = value();
    tensor.data[index] = held;
    const numeric = (above - below) / (2 * step);
    const found = analytic.data[index] as number;
    expect(Math.abs(found - numeric), `element ${index}: ${found} and ${numeric}`).toBeLessThan(
      1e-6 * (1 + Math.abs(numeric)),
    );
  });
}

function checkOp(
  node: GraphNode,
  inputs: readonly ReferenceTensor[],
  parameters: Record<string, ReferenceTensor> = {},
  training = false,
): void {
  const op = opOf(node);
  const context: ReferenceContext = { training, parameters: new Map(Object.entries(parameters)), seed: 3, step: 5 };
  const copies = (): ReferenceContext => ({
    ...context,
    parameters: new Map([...context.parameters].map(([name, { shape, data }]) => [name, referenceTensor(shape, data)])),
  });
  const output = op.forward(node, inputs, copies());
  const shapes = inputs.map(({ shape }) => shape);
  expect(op.outputShape(node, shapes)).toEqual(output.shape);
  const dOutput = randomTensor(output.shape);
  const value = (): number => dot(op.forward(node, inputs, copies()).data, dOutput.data);
  const gradients = op.gradient(node, inputs, output, dOutput, copies());
  expect(gradients.inputs.length).toBe(inputs.length);
  inputs.forEach((input, index) => {
    expectGradient(input, gradients.inputs[index] as ReferenceTensor, value);
  });
  const trained = op.parameters(node).filter(({ trainable }) => trainable);
  expect([...gradients.parameters.keys()]).toEqual(trained.map(({ name }) => name.slice(node.name.length + 1)));
  for (const [name, gradient] of gradients.parameters) {
    expectGradient(context.parameters.get(name) as ReferenceTensor, gradient, value);
  }
}

const base = { name: 'node', output: 'node', inputs: ['x'] } as const;

test.each([
  { kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1, bias: true },
  { kernel: 3, stride: 1, padding: 1, dilation: 1, groups: 1, bias: false },
  { kernel: 3, stride: 2, padding: 1, dilation: 1, groups: 4, bias: false },
  { kernel: 5, stride: 2, padding: 2, dilation: 1, groups: 4, bias: true },
  { kernel: 5, stride: 1, padding: 4, dilation: 2, groups: 4, bias: false },
  { kernel: 3, stride: 2, padding: 0, dilation: 1, groups: 2, bias: true },
])('conv2d gradient: $kernel /$stride, dilation $dilation, $groups groups', (attributes) => {
  const node: GraphNode = { ...base, op: 'conv2d', attributes: { inChannels: 4, outChannels: 4, ...attributes } };
  const { kernel, groups } = attributes;
  const bias = attributes.bias ? { bias: randomTensor([4]) } : {};
  checkOp(node, [randomTensor([2, 4, 5, 6])], { weight: randomTensor([4, 4 / groups, kernel, kernel]), ...bias });
});

test('conv2d by hand: a 3x3 kernel of ones counts the neighbours', () => {
  const attributes = {
    inChannels: 1,
    outChannels: 1,
    kernel: 3,
    stride: 1,
    padding: 1,
    dilation: 1,
    groups: 1,
    bias: false,
  };
  const node: GraphNode = { ...base, op: 'conv2d', attributes };
  const parameters = new Map([['weight', referenceTensor([1, 1, 3, 3], Array(9).fill(1))]]);
  const context = { training: false, parameters, seed: 0, step: 0 };
  const { data } = opOf(node).forward(node, [referenceTensor([1, 1, 3, 3], Array(9).fill(1))], context);
  expect([...data]).toEqual([4, 6, 4, 6, 9, 6, 4, 6, 4]);
});

const batchNormNode: GraphNode = {
  ...base,
  op: 'batch_norm2d',
  attributes: { channels: 3, epsilon: 1e-3, momentum: 0.1 },
};
const batchNormParameters = (): Record<string, ReferenceTensor> => ({
  weight: randomTensor([3], 0.3, 1),
  bias: randomTensor([3]),
  running_mean: randomTensor([3]),
  running_var: randomTensor([3], 0.1, 1),
  num_batches_tracked: referenceTensor([]),
});

test.each([true, false])('batch norm gradient, training %s', (training) => {
  checkOp(batchNormNode, [randomTensor([3, 3, 2, 3], 2, 1)], batchNormParameters(), training);
});

test('batch norm moves its running statistics, with the unbiased variance', () => {
  const parameters = new Map(
    Object.entries({
      ...batchNormParameters(),
      running_mean: referenceTensor([3], [0, 0, 0]),
      running_var: referenceTensor([3], [1, 1, 1]),
    }),
  );
  const input = referenceTensor([2, 3, 1, 2], [1, 2, 0, 0, 5, 5, 3, 6, 0, 0, 5, 9]);
  opOf(batchNormNode).forward(batchNormNode, [input], { training: true, parameters, seed: 0, step: 0 });
  // Channel 0 holds 1, 2, 3, 6: mean 3, sum of squares 14; channel 2 holds 5, 5, 5, 9: mean 6, squares 12.
  expect([...(parameters.get('running_mean')?.data ?? [])]).toEqual([0.1 * 3, 0, 0.1 * 6]);
  const variance = [...(parameters.get('running_var')?.data ?? [])];
  [0.9 + 0.1 * (14 / 3), 0.9, 0.9 + 0.1 * 4].forEach((expected, i) => {
    expect(variance[i]).toBeCloseTo(expected, 14);
  });
  expect(parameters.get('num_batches_tracked')?.data[0]).toBe(1);
  const single = referenceTensor([1, 3, 1, 1]);
  expect(() =>
    opOf(batchNormNode).forward(batchNormNode, [single], { training: true, parameters, seed: 0, step: 0 }),
  ).toThrow(expect.objectContaining({ code: 'shape' }));
});

test.each<ActivationName>(['relu', 'relu6', 'hard_swish', 'hard_sigmoid'])('%s gradient', (name) => {
  checkOp({ ...base, op: 'activation', attributes: { function: name } }, [randomTensor([2, 3, 4, 4], 4)]);
});

test('activations at their kinks agree with PyTorch', () => {
  const at = (name: ActivationName, of: 'value' | 'derivative'): number[] =>
    [-4, -3, -1.5, 0, 1.5, 3, 6, 7].map((x) => ACTIVATIONS[name][of](x) + 0);
  expect(at('relu', 'derivative')).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  expect(at('relu6', 'derivative')).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
  expect(at('hard_sigmoid', 'derivative')).toEqual([0, 0, 1 / 6, 1 / 6, 1 / 6, 0, 0, 0]);
  expect(at('hard_swish', 'derivative')).toEqual([0, -0.5, 0, 0.5, 1, 1, 1, 1]);
  expect(at('hard_swish', 'value')).toEqual([0, 0, -0.375, 0, 1.125, 3, 6, 7]);
  expect(at('hard_sigmoid', 'value')).toEqual([0, 0, 0.25, 0.5, 0.75, 1, 1, 1]);
});

test('the other gradients', () => {
  const two = { ...base, inputs: ['x', 'y'], attributes: {} } as const;
  checkOp({ ...base, op: 'global_average_pool2d', attributes: {} }, [randomTensor([2, 3, 3, 4])]);
  checkOp({ ...two, op: 'scale_channels' }, [randomTensor([2, 3, 3, 4]), randomTensor([2, 3, 1, 1])]);
  checkOp({ ...two, op: 'add' }, [randomTensor([2, 3, 3, 4]), randomTensor([2, 3, 3, 4])]);
  const linear: GraphNode = { ...base, op: 'linear', attributes: { inFeatures: 5, outFeatures: 4 } };
  checkOp(linear, [randomTensor([3, 5])], { weight: randomTensor([4, 5]), bias: randomTensor([4]) });
  checkOp(linear, [randomTensor([3, 5, 1, 1])], { weight: randomTensor([4, 5]), bias: randomTensor([4]) });
  const dropout: GraphNode = { ...base, op: 'dropout', attributes: { probability: 0.4 } };
  checkOp(dropout, [randomTensor([3, 7])], {}, true);
  checkOp(dropout, [randomTensor([3, 7])], {}, false);
});

test('dropout keeps its share, by seed and step, and its first words are pinned', () => {
  const scales = dropoutScales(40000, 0.2, 1, 0);
  const kept = scales.filter((scale) => scale > 0).length;
  expect(Math.abs(kept / 40000 - 0.8)).toBeLessThan(0.01);
  expect(scales.every((scale) => scale === 0 || scale === 1.25)).toBe(true);
  expect(dropoutScales(64, 0.2, 1, 0)).toEqual(scales.slice(0, 64));
  expect(dropoutScales(64, 0.2, 1, 1)).not.toEqual(scales.slice(0, 64));
  expect(dropoutScales(64, 0.2, 2, 0)).not.toEqual(scales.slice(0, 64));
  expect([...dropoutScales(3, 0, 1, 0)]).toEqual([1, 1, 1]);
  expect(dropoutScales(200, 0.3, 1, 0).find((scale) => scale > 0)).toBe(Math.fround(1 / 0.7));
});

test('softmax cross-entropy: gradient, smoothing, and logits of any size', () => {
  const logits = randomTensor([4, 5], 2);
  const labels = [0, 4, 2, 2];
  for (const smoothing of [0, 0.1]) {
    const { dLogits } = softmaxCrossEntropy(logits, labels, smoothing);
    const mean = (): number =>
      softmaxCrossEntropy(logits, labels, smoothing).losses.data.reduce((sum, loss) => sum + loss / 4, 0);
    expectGradient(logits, dLogits, mean);
  }
  const even = softmaxCrossEntropy(referenceTensor([1, 4]), [1], 0.1);
  expect(even.losses.data[0]).toBeCloseTo(Math.log(4), 14);
  const huge = softmaxCrossEntropy(referenceTensor([1, 2], [1e6, -1e6]), [0]);
  expect([huge.losses.data[0], ...huge.dLogits.data]).toEqual([0, 0, 0]);
  for (const label of [5, -1, 0.5, Number.NaN]) {
    expect(() => softmaxCrossEntropy(logits, [0, 1, 2, label])).toThrow(expect.objectContaining({ code: 'data' }));
  }
  expect(() => softmaxCrossEntropy(logits, [0])).toThrow(expect.objectContaining({ code: 'shape' }));
});

test('ops refuse shapes that do not fit', () => {
  const refuse = (node: GraphNode, ...shapes: Shape[]): void => {
    expect(() => opOf(node).outputShape(node, shapes)).toThrow(expect.objectContaining({ code: 'shape' }));
  };
  const two = { ...base, inputs: ['x', 'y'], attributes: {} } as const;
  refuse({ ...base, op: 'linear', attributes: { inFeatures: 5, outFeatures: 4 } }, [2, 5, 2, 2]);
  refuse({ ...base, op: 'linear', attributes: { inFeatures: 5, outFeatures: 4 } }, [2, 6]);
  refuse({ ...two, op: 'add' }, [1, 2, 3, 4], [1, 2, 4, 3]);
  refuse({ ...two, op: 'scale_channels' }, [1, 2, 3, 4], [1, 2]);
  refuse({ ...base, op: 'global_average_pool2d', attributes: {} }, [1, 2]);
  refuse(batchNormNode, [1, 2, 3, 3]);
  const conv = { inChannels: 1, outChannels: 1, kernel: 3, stride: 1, padding: 0, dilation: 1, groups: 1, bias: false };
  refuse({ ...base, op: 'conv2d', attributes: conv }, [1, 1, 2, 2]);
  refuse({ ...base, op: 'conv2d', attributes: conv }, [1, 2, 8, 8]);
});
