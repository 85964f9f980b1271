/**
 * What a network is, as plain data: `Architecture` is the handful of options a person chooses (and
 * that a model file carries), `Network` is what they resolve to: typed rows with final channel
 * counts, strides and paddings. No tensor is touched here. `graph/build-graph.ts` turns a Network
 * into ops.
 */
export type ActivationName = 'relu' | 'relu6' | 'hard_swish' | 'hard_sigmoid';
export type Family = 'mobilenet_v3_large' | 'mobilenet_v3_small' | 'mobilenet_v2';

/** How squeeze-and-excite is built; the defaults are torchvision's. */
export interface SqueezeOptions {
  /** Squeeze channels: `makeDivisible(expanded / 4)`, or exp / 4 rounded down to an integer. */
  readonly rounding: 'divisible' | 'floor';
  readonly bias: boolean;
  /** Between the two layers. */
  readonly activation: 'relu' | 'relu6';
}

/** JSON-serialisable: stored in every model file and run. */
export interface Architecture {
  readonly family: Family;
  readonly classes: number;
  /** Channel multiplier, any number above 0. */
  readonly width: number;
  /** Probability of dropping a feature before the last linear layer. */
  readonly dropout: number;
  readonly reducedTail: boolean;
  readonly dilated: boolean;
  /** How many times smaller than the input the last map is. 16 and 8 are for small pictures. */
  readonly reduction: 32 | 16 | 8;
  readonly squeeze: SqueezeOptions;
  /** The activation of the blocks that the paper marks RE. */
  readonly reluActivation: 'relu' | 'relu6';
  /** Whether a block also has an expanding convolution where it expands to the channels that it already has. */
  readonly expandAlways: boolean;
  /** Whose rules give the channel counts of widths other than 1 (`resolve-network.ts`). */
  readonly scaling: 'torchvision' | 'timm';
  /** Zeros around a map: as many on every side (PyTorch), or TensorFlow's SAME, which may put one more after it. */
  readonly padding: 'symmetric' | 'same';
  /** Added to the variance before the square root. */
  readonly batchNormEpsilon: number;
  /** MobileNetV3 "minimalistic": no squeeze-and-excite, kernels of 3 only, `reluActivation` in place of hard-swish. */
  readonly minimal: boolean;
}

/** A convolution followed by batch norm and, unless null, an activation. */
export interface ConvRow {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  readonly activation: ActivationName | null;
}

export interface SqueezeRow {
  readonly channels: number;
  readonly squeezeChannels: number;
  readonly bias: boolean;
  readonly activation: 'relu' | 'relu6';
}

/** An inverted residual block (the paper's bneck). */
export interface BlockRow {
  /** Absent when the block does not expand. */
  readonly expand: ConvRow | null;
  readonly depthwise: ConvRow;
  readonly squeeze: SqueezeRow | null;
  readonly project: ConvRow;
  readonly residual: boolean;
}

export interface LinearRow {
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** V3: linear, activation, dropout, linear. V2 has no hidden layer. */
export interface HeadRow {
  readonly hidden: LinearRow | null;
  /** Of the hidden layer. */
  readonly activation: ActivationName;
  readonly dropout: number;
  readonly classifier: LinearRow;
}

export interface Network {
  readonly family: Family;
  readonly batchNorm: { readonly epsilon: number; readonly momentum: number };
  readonly padding: Architecture['padding'];
  readonly stem: ConvRow;
  readonly blocks: readonly BlockRow[];
  readonly lastConv: ConvRow;
  readonly head: HeadRow;
}
