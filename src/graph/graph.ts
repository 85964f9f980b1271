/**
 * A network as a list of ops on named tensors, in execution order, NCHW in its shapes as in
 * PyTorch's documentation. A node's name is its module path in torchvision; its parameters are
 * `NAME.weight`, `NAME.bias`, ... Invariant: a node's inputs are produced before it, and a tensor
 * is produced once. What each op means (shape rule, parameters, cost, forward and gradient) stands
 * in its file in `ops/`.
 */
import type { Shape } from '../base/tensor.ts';
import type { ActivationName } from '../models/architecture.ts';

/** The name of a tensor that flows between nodes. */
export type TensorName = string;

export interface Conv2dAttributes {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride: number;
  /** Zeros on each side of both axes. */
  readonly padding: number;
  /**
   * TensorFlow's SAME in place of `padding`: what makes the output ceil(size / stride) long, the smaller half
   * before the map. It depends on the map's size: `paddingBefore` in `ops/conv2d.ts`. `padding` is then the one
   * that gives an output of the same size, but whoever reads it has to ask here first.
   */
  readonly samePadding?: true;
  readonly dilation: number;
  readonly groups: number;
  readonly bias: boolean;
}

interface NodeOf<Op extends string, Attributes> {
  readonly op: Op;
  readonly name: string;
  readonly inputs: readonly TensorName[];
  readonly output: TensorName;
  readonly attributes: Attributes;
}

/** weight [O, I / groups, K, K], bias [O] if it has one. */
export type Conv2dNode = NodeOf<'conv2d', Conv2dAttributes>;
/** weight [C], bias [C]; running_mean [C], running_var [C], num_batches_tracked []. */
export type BatchNorm2dNode = NodeOf<
  'batch_norm2d',
  { readonly channels: number; readonly epsilon: number; readonly momentum: number }
>;
export type ActivationNode = NodeOf<'activation', { readonly function: ActivationName }>;
/** [N, C, H, W] -> [N, C, 1, 1]. */
export type GlobalAveragePoolNode = NodeOf<'global_average_pool2d', Record<never, never>>;
/** inputs: values [N, C, H, W], gate [N, C, 1, 1]. */
export type ScaleChannelsNode = NodeOf<'scale_channels', Record<never, never>>;
/** Two tensors of one shape. */
export type AddNode = NodeOf<'add', Record<never, never>>;
/** [N, C] or [N, C, 1, 1] -> [N, O]; weight [O, I], bias [O]. */
export type LinearNode = NodeOf<'linear', { readonly inFeatures: number; readonly outFeatures: number }>;
export type DropoutNode = NodeOf<'dropout', { readonly probability: number }>;

export type GraphNode =
  | Conv2dNode
  | BatchNorm2dNode
  | ActivationNode
  | GlobalAveragePoolNode
  | ScaleChannelsNode
  | AddNode
  | LinearNode
  | DropoutNode;

export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly deviation: number };

/** A named array of the network: trained, or (`trainable: false`) kept by batch norm. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: 'float32' | 'int64';
  readonly trainable: boolean;
  readonly initializer: Initializer;
}

export interface Graph {
  /** The name of the tensor that takes pictures, [N, 3, H, W]. */
  readonly input: TensorName;
  /** The name of the tensor that holds the logits, [N, K]. */
  readonly output: TensorName;
  readonly nodes: readonly GraphNode[];
  /** In the order of torchvision's state_dict. */
  readonly parameters: readonly ParameterSpec[];
}
