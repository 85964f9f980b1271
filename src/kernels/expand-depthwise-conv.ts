/** The row of kernels/expand-depthwise-conv.ts: an expansion and the depthwise convolution behind it, in inference. */
import { activate, SCALED_HARD_SWISH } from './activation-code.ts';
import {
  convolveAndActivate,
  DILATED,
  EVEN_STRIDE_TWO,
  FIVE_BY_FIVE_STRIDE_TWO,
  forwardScratchBytes,
  forwardTiles,
  GEOMETRY,
  inferenceCase,
  THREE_BY_THREE,
  TINY,
  WIDE,
} from './depthwise-conv.ts';
import {
  ceilDivide,
  foldedActivation,
  type Kernel,
  multipleOf8,
  type PointerSpec,
  productReadsAhead,
  type Sizes,
  size,
} from './kernel.ts';
import { mapFloats, mapIndex, packedIndex, packedLength } from './panel.ts';
import { array, at } from './reference-views.ts';
import {
  GROUP_COLUMNS,
  halvedRows,
  multiplyQuarters,
  quarterSumFloats,
  quartersBytes,
  quartersConstraint,
  sumReader,
  weightSumFloats,
  weightSumsOf,
} from './strassen.ts';

const images = (s: Sizes) => size(s, 'images');
const inChannels = (s: Sizes) => size(s, 'inChannels');
const channels = (s: Sizes) => size(s, 'channels');
const inPixels = (s: Sizes) => size(s, 'height') * size(s, 'width');
const outPixels = (s: Sizes) => size(s, 'outHeight') * size(s, 'outWidth');
const taps = (s: Sizes) => size(s, 'kernel') ** 2;

/** Rows of the expanded map that a block of outputs sees. */
function expandedRows(s: Sizes): number {
  const reach = (size(s, 'kernel') - 1) * size(s, 'dilation');
  return Math.min((size(s, 'rowsPerBlock') - 1) * size(s, 'stride') + reach + 1, size(s, 'height'));
}

/** A depthwise case behind an expansion of 16 channels. */
function expandCase(sizes: Parameters<typeof inferenceCase>[0], activation: number, changes: Sizes = {}): Sizes {
  const expansion = {
    imagesPerTask: 1,
    inChannels: 16,
    expandActivation: activation,
    channels: 24,
    channelsPerTask: 16,
  };
  return { ...inferenceCase(sizes, activation), ...expansion, ...changes };
}

export const expandDepthwiseConvForward: Kernel = {
  name: 'f32_expand_depthwise_conv_forward__5x8',
  file: 'expand-depthwise-conv',
  pointers: {
    x: { access: 'read', length: (s) => mapFloats(images(s) * inPixels(s), inChannels(s)) },
    expandWeight: { access: 'read', length: (s) => packedLength(inChannels(s), channels(s)) },
    expandBias: { access: 'read', length: channels },
    weight: { access: 'read', length: (s) => taps(s) * channels(s) },
    bias: { access: 'read', length: channels },
    y: { access: 'write', length: (s) => mapFloats(images(s) * outPixels(s), channels(s)) },
    pooled: { access: 'write', optional: true, length: (s) => images(s) * channels(s) },
  },
  integers: [
    'images',
    'height',
    'width',
    'inChannels',
    ...GEOMETRY.slice(2),
    'imagesPerTask',
    'channelsPerTask',
    'rowsPerBlock',
    'expandActivation',
    'activation',
  ],
  floats: [],
  tiles: (s) => forwardTiles({ ...s, images: ceilDivide(images(s), size(s, 'imagesPerTask')) }),
  // beyond those of the depthwise convolution: a place outside each plane, and one word a pixel (up to three more, and at the end of the list)
  scratchBytes: (s) => forwardScratchBytes(s) + 4 * 64 + 4 * (expandedRows(s) * size(s, 'width') + 9),
  readsAhead: (s) => images(s) * productReadsAhead(inPixels(s), inChannels(s), channels(s)),
  flops: (s) => 2 * images(s) * channels(s) * (inChannels(s) * inPixels(s) + taps(s) * outPixels(s)),
  reduction: (s, output) => inChannels(s) + taps(s) + (output === 'pooled' ? outPixels(s) : 0),
  constraint: (s) =>
    multipleOf8('inChannels', 'channels')(s) ??
    foldedActivation('activation', 'expandActivation')(s) ??
    (size(s, 'channelsPerTask') % 16 === 0 ? null : 'channelsPerTask is not a multiple of 16'),
  reference(s, arrays) {
    const x = array(arrays, 'x');
    const weight = array(arrays, 'expandWeight');
    const expanded = new Float64Array(images(s) * inPixels(s) * channels(s));
    expanded.forEach((_, index) => {
      const [row, c] = [Math.floor(index / channels(s)), index % channels(s)];
      let sum = at(array(arrays, 'expandBias'), c);
      for (let k = 0; k < inChannels(s); k++) {
        const value = at(x, mapIndex(images(s) * inPixels(s), row, k));
        sum += value * at(weight, packedIndex(inChannels(s), k, c));
      }
      expanded[index] = activate(sum, size(s, 'expandActivation'));
    });
    convolveAndActivate(s, arrays, (input) => expanded[input] as number);
  },
  cases: [
    { sizes: expandCase(THREE_BY_THREE, SCALED_HARD_SWISH), absent: ['pooled'] },
    {
      sizes: expandCase({ ...THREE_BY_THREE, rowsPerBlock: 9 }, SCALED_HARD_SWISH, {
        channels: 40,
        channelsPerTask: 32,
        imagesPerTask: 3,
      }),
    },
    { sizes: expandCase(WIDE, SCALED_HARD_SWISH), absent: ['pooled'] },
    { sizes: expandCase({ ...WIDE, rowsPerBlock: 8 }, 0) },
    { sizes: expandCase(EVEN_STRIDE_TWO, 2, { inChannels: 8 }) },
    { sizes: expandCase({ ...FIVE_BY_FIVE_STRIDE_TWO, rowsPerBlock: 2 }, 1), absent: ['pooled'] },
    { sizes: expandCase(DILATED, 0), absent: ['pooled'] },
    { sizes: expandCase(TINY, 2) },
    // no padding: the last columns and rows are seen by no output
    {
      sizes: expandCase({ ...EVEN_STRIDE_TWO, height: 10, width: 10, padding: 0, outHeight: 4, outWidth: 4 }, 1),
    },
  ],
};

/** The same with the expansion by products of quarters. */
export const expandDepthwiseConvStrassen: Kernel = {
  ...expandDepthwiseConvForward,
  name: 'f32_expand_depthwise_conv_forward__strassen',
  pointers: {
    x: expandDepthwiseConvForward.pointers.x as PointerSpec,
    sums: { access: 'read', length: (s) => quarterSumFloats(images(s) * halvedRows(inPixels(s)), inChannels(s)) },
    ...expandDepthwiseConvForward.pointers,
  },
  // two panels more, and what products of quarters need
  scratchBytes: (s) =>
    2 * forwardScratchBytes(s) +
    8 * 64 +
    4 * (inPixels(s) + 9) +
    64 +
    quartersBytes(halvedRows(inPixels(s))) +
    4 * weightSumFloats(inChannels(s), GROUP_COLUMNS),
  // products of quarters are for many pictures, which read nothing ahead
  readsAhead: () => 0,
  reduction: (s, output) => 4 * inChannels(s) + taps(s) + (output === 'pooled' ? outPixels(s) : 0),
  constraint: (s) =>
    expandDepthwiseConvForward.constraint?.(s) ??
    quartersConstraint(inPixels(s), inChannels(s), channels(s)) ??
    (size(s, 'channelsPerTask') % GROUP_COLUMNS === 0 ? null : 'channelsPerTask is not a multiple of 32') ??
    (size(s, 'rowsPerBlock') >= size(s, 'outHeight') ? null : 'a block is not all rows'),
  reference(s, arrays) {
    const x = array(arrays, 'x');
    const weight = array(arrays, 'expandWeight');
    const rows = images(s) * inPixels(s);
    const weightSums = weightSumsOf(weight, inChannels(s), channels(s));
    const product = multiplyQuarters(
      { pixels: inPixels(s), inChannels: inChannels(s), outChannels: channels(s) },
      (row, k) => at(x, mapIndex(rows, row, k)),
      sumReader(array(arrays, 'sums'), images(s) * halvedRows(inPixels(s)), inChannels(s)),
      (k, c) => at(weight, packedIndex(inChannels(s), k, c)),
      (index) => at(weightSums, index),
    );
    const expanded = new Float64Array(rows * channels(s));
    expanded.forEach((_, index) => {
      const [row, c] = [Math.floor(index / channels(s)), index % channels(s)];
      expanded[index] = activate(product(row, c) + at(array(arrays, 'expandBias'), c), size(s, 'expandActivation'));
    });
    convolveAndActivate(s, arrays, (input) => expanded[input] as number);
  },
  cases: [
    {
      sizes: expandCase({ ...THREE_BY_THREE, height: 8, rowsPerBlock: 9 }, SCALED_HARD_SWISH, {
        channels: 104,
        channelsPerTask: 64,
        inChannels: 32,
        imagesPerTask: 2,
      }),
    },
    {
      sizes: expandCase({ ...EVEN_STRIDE_TWO, rowsPerBlock: 8 }, 1, { channels: 32, channelsPerTask: 32 }),
      absent: ['pooled'],
    },
    // an odd number of pixels
    {
      sizes: expandCase({ ...THREE_BY_THREE, height: 7, width: 7, outHeight: 7, outWidth: 7, rowsPerBlock: 7 }, 2, {
        channels: 40,
        channelsPerTask: 64,
      }),
    },
  ],
};
