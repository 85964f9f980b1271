/** A convolution of inference with the nodes that its kernel does at its end: batch norm, activation, residual sum. */
import type { ActivationNode, AddNode, BatchNorm2dNode, Conv2dNode, TensorName } from '../graph/graph.ts';
import { ACTIVATION_CODE, SCALED_HARD_SWISH } from '../kernels/activation-code.ts';

/** What is fused with a convolution: the nodes that follow it alone. */
export interface ConvUnit {
  readonly conv: Conv2dNode;
  readonly norm: BatchNorm2dNode;
  readonly activation: ActivationNode | null;
  readonly add: AddNode | null;
  readonly output: TensorName;
}

/** The activation that ends a convolution as its kernel has it, and the factor that goes into its weights and bias for that. */
export function endOf({ activation }: ConvUnit): { code: number; factor: number } {
  const name = activation?.attributes.function ?? 'none';
  return name === 'hard_swish'
    ? { code: SCALED_HARD_SWISH, factor: 1 / Math.sqrt(6) }
    : { code: ACTIVATION_CODE[name], factor: 1 };
}
