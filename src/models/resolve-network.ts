/**
 * From options to rows: scales the tables by the width, applies the variants, and gives every
 * convolution its final channels, stride and dilation. This is the only place where the rules of
 * torchvision's and timm's builders live; what comes after (graph, summary, export) only reads the rows.
 * Invariant: each row's input channels are the output channels of the row before it.
 */

import type {
  ActivationName,
  Architecture,
  BlockRow,
  ConvRow,
  HeadRow,
  LinearRow,
  Network,
  SqueezeRow,
} from './architecture.ts';
import { makeDivisible } from './make-divisible.ts';
import { MOBILENET_V2 } from './mobilenet-v2.ts';
import {
  type BottleneckRow,
  MOBILENET_V3_LARGE,
  MOBILENET_V3_SMALL,
  type MobileNetV3Table,
  TAIL_BLOCKS,
} from './mobilenet-v3.ts';
import { parseArchitecture } from './parse-architecture.ts';

/** One inverted residual with channels final, before it is laid out as convolutions. */
interface Bottleneck {
  readonly inChannels: number;
  readonly expanded: number;
  readonly outChannels: number;
  readonly kernel: number;
  /** The table's, which decides the residual: a block whose stride was taken away has none. */
  readonly configuredStride: number;
  readonly stride: number;
  readonly dilation: number;
  readonly activation: ActivationName;
  readonly squeeze: SqueezeRow | null;
  readonly expandAlways: boolean;
}

function convRow(
  inChannels: number,
  outChannels: number,
  activation: ConvRow['activation'],
  options: Partial<Pick<ConvRow, 'kernel' | 'stride' | 'dilation' | 'groups'>> = {},
): ConvRow {
  return { inChannels, outChannels, kernel: 1, stride: 1, dilation: 1, groups: 1, activation, ...options };
}

function blockRow(block: Bottleneck): BlockRow {
  const { inChannels, expanded, outChannels, kernel, stride, dilation, activation } = block;
  const expands = block.expandAlways || expanded !== inChannels;
  return {
    expand: expands ? convRow(inChannels, expanded, activation) : null,
    depthwise: convRow(expanded, expanded, activation, { kernel, stride, dilation, groups: expanded }),
    squeeze: block.squeeze,
    project: convRow(expanded, outChannels, null),
    residual: block.configuredStride === 1 && inChannels === outChannels,
  };
}

function squeezeRow(expanded: number, { squeeze }: Architecture): SqueezeRow {
  const quarter = Math.max(1, Math.floor(expanded / 4));
  return {
    channels: expanded,
    squeezeChannels: squeeze.rounding === 'divisible' ? makeDivisible(quarter) : quarter,
    bias: squeeze.bias,
    activation: squeeze.activation,
  };
}

/** The position of the block whose stride `reduction: 8` takes away, or -1. */
function loweredBlock(strides: readonly number[], { reduction }: Architecture): number {
  return reduction === 8 ? strides.indexOf(2) : -1;
}

/** The channel counts of a V3 at a width. Each count never falls as the width grows; `recover-width.ts` relies on it. */
interface Scaling {
  readonly stem: number;
  /** Of the block at `index`, whose input has `inChannels`. */
  expanded(index: number, inChannels: number): number;
  out(index: number): number;
  /** Of the last convolution, after a block of `channels`. */
  last(channels: number): number;
  readonly hidden: number;
}

/** torchvision: every count of the table is scaled, and the tail is halved where that is asked for. */
function torchvisionScaling(table: MobileNetV3Table, { width, reducedTail }: Architecture): Scaling {
  const scaled = (channels: number): number => makeDivisible(channels * width);
  const divider = reducedTail ? 2 : 1;
  const tailStart = table.rows.length - TAIL_BLOCKS;
  const row = (index: number): BottleneckRow => table.rows[index] as BottleneckRow;
  return {
    stem: scaled(table.stem),
    // The tail's first block expands from the stage before it, which keeps its width.
    expanded: (index) => scaled(row(index).expanded / (index > tailStart ? divider : 1)),
    out: (index) => scaled(row(index).out / (index >= tailStart ? divider : 1)),
    last: (channels) => 6 * channels,
    hidden: scaled(table.lastLinear / divider),
  };
}

/** timm: blocks expand by a ratio of their actual input; thin stems and the hidden layer keep the table's channels. */
function timmScaling(table: MobileNetV3Table, { width }: Architecture): Scaling {
  const scaled = (channels: number): number => makeDivisible(channels * width);
  const row = (index: number): BottleneckRow => table.rows[index] as BottleneckRow;
  const tableIn = (index: number): number => (index === 0 ? table.stem : row(index - 1).out);
  return {
    stem: width < 0.75 ? table.stem : scaled(table.stem),
    expanded: (index, inChannels) => makeDivisible(inChannels * (row(index).expanded / tableIn(index))),
    out: (index) => scaled(row(index).out),
    last: () => scaled(6 * row(table.rows.length - 1).out),
    hidden: table.lastLinear,
  };
}

function resolveV3(architecture: Architecture): Network {
  const { family, dilated, reduction, classes, dropout, reluActivation, padding, minimal } = architecture;
  const table = family === 'mobilenet_v3_large' ? MOBILENET_V3_LARGE : MOBILENET_V3_SMALL;
  const scaling = (architecture.scaling === 'timm' ? timmScaling : torchvisionScaling)(table, architecture);
  const tailStart = table.rows.length - TAIL_BLOCKS;
  const lowered = loweredBlock(
    table.rows.map((row) => row.stride),
    architecture,
  );
  const swish: ActivationName = minimal ? reluActivation : 'hard_swish';
  const stem = convRow(3, scaling.stem, swish, { kernel: 3, stride: reduction === 32 ? 2 : 1 });

  let channels = stem.outChannels;
  const blocks = table.rows.map((row, index) => {
    const expanded = scaling.expanded(index, channels);
    const outChannels = scaling.out(index);
    const dilation = index >= tailStart && dilated ? 2 : 1;
    const block = blockRow({
      inChannels: channels,
      expanded,
      outChannels,
      kernel: minimal ? 3 : row.kernel,
      configuredStride: row.stride,
      stride: dilation > 1 || index === lowered ? 1 : row.stride,
      dilation,
      activation: row.activation === 'HS' ? swish : reluActivation,
      squeeze: row.squeeze && !minimal ? squeezeRow(expanded, architecture) : null,
      expandAlways: architecture.expandAlways,
    });
    channels = outChannels;
    return block;
  });

  const lastConv = convRow(channels, scaling.last(channels), swish);
  const hidden: LinearRow = { inFeatures: lastConv.outChannels, outFeatures: scaling.hidden };
  const classifier: LinearRow = { inFeatures: hidden.outFeatures, outFeatures: classes };
  const batchNorm = { epsilon: architecture.batchNormEpsilon, momentum: 0.01 };
  const head = { hidden, activation: swish, dropout, classifier };
  return { family, batchNorm, padding, stem, blocks, lastConv, head };
}

function resolveV2(architecture: Architecture): Network {
  const { width, reduction, classes, dropout, padding } = architecture;
  const rows = MOBILENET_V2.stages.flatMap(({ ratio, out, repeats, stride }) =>
    Array.from({ length: repeats }, (_, position) => ({ ratio, out, stride: position === 0 ? stride : 1 })),
  );
  const lowered = loweredBlock(
    rows.map((row) => row.stride),
    architecture,
  );
  const stem = convRow(3, makeDivisible(MOBILENET_V2.stem * width), 'relu6', {
    kernel: 3,
    stride: reduction === 32 ? 2 : 1,
  });

  let channels = stem.outChannels;
  const blocks = rows.map((row, index) => {
    const outChannels = makeDivisible(row.out * width);
    const block = blockRow({
      inChannels: channels,
      expanded: channels * row.ratio,
      outChannels,
      kernel: 3,
      configuredStride: row.stride,
      stride: index === lowered ? 1 : row.stride,
      dilation: 1,
      activation: 'relu6',
      squeeze: null,
      expandAlways: false,
    });
    channels = outChannels;
    return block;
  });

  const lastConv = convRow(channels, makeDivisible(MOBILENET_V2.lastConv * Math.max(1, width)), 'relu6');
  const classifier: LinearRow = { inFeatures: lastConv.outChannels, outFeatures: classes };
  const batchNorm = { epsilon: architecture.batchNormEpsilon, momentum: 0.1 };
  const head: HeadRow = { hidden: null, activation: 'relu6', dropout, classifier };
  return { family: architecture.family, batchNorm, padding, stem, blocks, lastConv, head };
}

/**
 * The rows that an architecture stands for.
 * Source: torchvision `models/mobilenetv3.py` (`_mobilenet_v3_conf`) and `models/mobilenetv2.py`; timm
 * `models/mobilenetv3.py` (`_gen_mobilenet_v3`).
 * @throws BneckError('option') on an option that cannot be
 */
export function resolveNetwork(architecture: Architecture): Network {
  const checked = parseArchitecture(architecture);
  return checked.family === 'mobilenet_v2' ? resolveV2(checked) : resolveV3(checked);
}
