/**
 * What the file of an op declares. The forward and gradient here are the oracle: double precision,
 * plain loops, no cleverness. Kernels and programs are judged against them; the engine
 * never calls them.
 */
import type { Shape } from '../base/tensor.ts';
import type { GraphNode, ParameterSpec } from './graph.ts';

/** A tensor of the reference executor, NCHW, row-major. */
export interface ReferenceTensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export interface ReferenceContext {
  /** Training: batch norm uses batch statistics and dropout drops. */
  readonly training: boolean;
  /** The node's parameters by their short name ('weight', 'running_mean', ...). Batch norm in training updates the running ones in place. */
  readonly parameters: ReadonlyMap<string, ReferenceTensor>;
  /** The seed and step that dropout's stream is keyed by. */
  readonly seed: number;
  readonly step: number;
}

export interface ReferenceGradients {
  /** One for each input, in order. */
  readonly inputs: readonly ReferenceTensor[];
  /** By short parameter name; trainable ones only. */
  readonly parameters: ReadonlyMap<string, ReferenceTensor>;
}

export interface Op<Node extends GraphNode = GraphNode> {
  readonly op: Node['op'];
  /** Throws a BneckError('shape') where the inputs do not fit. */
  outputShape(node: Node, inputs: readonly Shape[]): Shape;
  /** Full names, in torchvision's order. */
  parameters(node: Node): readonly ParameterSpec[];
  /** Multiply-adds for the whole batch; 0 for what is not a convolution or linear layer (as the paper counts). */
  multiplyAdds(node: Node, inputs: readonly Shape[], output: Shape): number;
  forward(node: Node, inputs: readonly ReferenceTensor[], context: ReferenceContext): ReferenceTensor;
  /** Gradients of a scalar with respect to the inputs and parameters, given its gradient with respect to the output. */
  gradient(
    node: Node,
    inputs: readonly ReferenceTensor[],
    output: ReferenceTensor,
    dOutput: ReferenceTensor,
    context: ReferenceContext,
  ): ReferenceGradients;
}
