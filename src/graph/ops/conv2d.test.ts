/** SAME padding of the convolution: TensorFlow's rule by hand, and gradients against differences. */
import { expect, test } from 'vitest';
import { RandomStream } from '../../base/random.ts';
import type { Conv2dNode } from '../graph.ts';
import type { ReferenceContext } from '../op.ts';
import { referenceTensor } from '../reference-tensor.ts';
import { conv2d, convOutputSize, paddingBefore } from './conv2d.ts';

function axis(kernel: number, stride: number, dilation = 1) {
  return { kernel, stride, dilation, padding: ((kernel - 1) / 2) * dilation, samePadding: true } as const;
}

function node(kernel: number, stride: number, groups: number, channels: number): Conv2dNode {
  const sizes = { inChannels: channels, outChannels: channels, groups, bias: false };
  const attributes = { ...axis(kernel, stride), ...sizes };
  return { op: 'conv2d', name: 'node', inputs: ['x'], output: 'node', attributes };
}

test.each([
  // size, kernel, stride, dilation: output, zeros before; all zeros are what the last output needs
  [224, 3, 2, 1, 112, 0],
  [113, 3, 2, 1, 57, 1],
  [56, 5, 2, 1, 28, 1],
  [7, 5, 2, 1, 4, 2],
  [14, 5, 1, 1, 14, 2],
  [1, 5, 2, 1, 1, 2],
  [2, 3, 2, 1, 1, 0],
  [9, 5, 1, 2, 9, 4],
  [8, 1, 2, 1, 4, 0],
])('SAME on %d with kernel %d, stride %d, dilation %d', (size, kernel, stride, dilation, output, before) => {
  expect(convOutputSize(size, axis(kernel, stride, dilation))).toBe(output);
  expect(paddingBefore(size, axis(kernel, stride, dilation))).toBe(before);
  // Symmetric padding gives as many outputs, so shapes don't depend on the rule.
  const { padding } = axis(kernel, stride, dilation);
  expect(convOutputSize(size, { kernel, stride, dilation, padding })).toBe(output);
});

test('an even row under a kernel of stride 2: the odd zero stands behind', () => {
  const weight = referenceTensor([1, 1, 3, 3], [0, 0, 0, 1, 10, 100, 0, 0, 0]);
  const context = { training: false, parameters: new Map([['weight', weight]]), seed: 0, step: 0 };
  const x = referenceTensor([1, 1, 3, 4], [0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
  // Three rows get one zero row above, so outputs look at rows 0 and 2; the middle row is never at a kernel's centre.
  expect([...conv2d.forward(node(3, 2, 1, 1), [x], context).data]).toEqual([0, 0, 0, 0]);
  const y = referenceTensor([1, 1, 2, 4], [0, 0, 0, 0, 1, 2, 3, 4]);
  // Two rows get none above and one below: the single output row is centred on the second.
  expect([...conv2d.forward(node(3, 2, 1, 1), [y], context).data]).toEqual([321, 43]);
});

test('gradients under SAME padding are the differences of the forward', () => {
  const stream = new RandomStream(5, 'initialWeights');
  const random = (shape: number[]) => {
    const tensor = referenceTensor(shape);
    tensor.data.forEach((_, index) => {
      tensor.data[index] = stream.normal();
    });
    return tensor;
  };
  for (const [height, width, kernel, stride] of [
    [6, 5, 3, 2],
    [4, 4, 5, 2],
    [5, 6, 5, 1],
  ] as const) {
    const conv = node(kernel, stride, 2, 2);
    const [x, weight] = [random([2, 2, height, width]), random([2, 1, kernel, kernel])];
    const context: ReferenceContext = { training: false, parameters: new Map([['weight', weight]]), seed: 0, step: 0 };
    const output = conv2d.forward(conv, [x], context);
    const dOutput = random([...output.shape]);
    const value = (): number =>
      conv2d.forward(conv, [x], context).data.reduce((sum, y, index) => sum + y * (dOutput.data[index] as number), 0);
    const { inputs, parameters } = conv2d.gradient(conv, [x], output, dOutput, context);
    for (const [tensor, gradient] of [
      [x, inputs[0]],
      [weight, parameters.get('weight')],
    ] as const) {
      tensor.data.forEach((held, index) => {
        tensor.data[index] = held + 1e-5;
        const above = value();
        tensor.data[index] = held - 1e-5;
        const numeric = (above - value()) / 2e-5;
        tensor.data[index] = held;
        expect(Math.abs((gradient?.data[index] as number) - numeric)).toBeLessThan(1e-6 * (1 + Math.abs(numeric)));
      });
    }
  }
});
