/**
 * The elementwise nonlinearities of the MobileNet family (MobileNetV3 paper, section 5.2):
 *
 *   relu(x) = max(x, 0)            hard_sigmoid(x) = relu6(x + 3) / 6
 *   relu6(x) = min(max(x, 0), 6)   hard_swish(x) = x hard_sigmoid(x)
 *
 * At the kinks, where no derivative exists, the gradients are those of PyTorch's vectorised CPU
 * kernels; its scalar tail differs from them at hard_swish'(3), 1.5 instead of 1.
 */
import type { ActivationName } from '../../models/architecture.ts';
import type { ActivationNode } from '../graph.ts';
import type { Op } from '../op.ts';
import { only, referenceTensor } from '../reference-tensor.ts';

interface ScalarFunction {
  readonly value: (x: number) => number;
  readonly derivative: (x: number) => number;
}

const relu6 = (x: number): number => Math.min(Math.max(x, 0), 6);

export const ACTIVATIONS: Readonly<Record<ActivationName, ScalarFunction>> = {
  relu: { value: (x) => Math.max(x, 0), derivative: (x) => (x > 0 ? 1 : 0) },
  relu6: { value: relu6, derivative: (x) => (x > 0 && x < 6 ? 1 : 0) },
  hard_sigmoid: { value: (x) => relu6(x + 3) / 6, derivative: (x) => (x > -3 && x < 3 ? 1 / 6 : 0) },
  hard_swish: {
    value: (x) => (x * relu6(x + 3)) / 6,
    derivative: (x) => {
      if (x < -3) return 0;
      return x < 3 ? x / 3 + 0.5 : 1;
    },
  },
};

/** Any shape to the same shape. */
export const activation: Op<ActivationNode> = {
  op: 'activation',
  outputShape: (_node, inputs) => only(inputs),
  parameters: () => [],
  multiplyAdds: () => 0,

  forward({ attributes }, inputs) {
    const { shape, data } = only(inputs);
    return referenceTensor(shape, data.map(ACTIVATIONS[attributes.function].value));
  },

  gradient({ attributes }, inputs, _output, dOutput) {
    const { shape, data } = only(inputs);
    const { derivative } = ACTIVATIONS[attributes.function];
    const dInput = dOutput.data.map((dy, index) => dy * derivative(data[index] as number));
    return { inputs: [referenceTensor(shape, dInput)], parameters: new Map() };
  },
};
