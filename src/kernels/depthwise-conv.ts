/** Rows of kernels/depthwise-conv.ts. Weights are in panels (pack.ts), for gradients with their taps in reverse. */
import { activate, SCALED_HARD_SWISH } from './activation-code.ts';
import {
  type Arrays,
  ceilDivide,
  foldedActivation,
  type Kernel,
  type KernelCase,
  mapActivation,
  multipleOf4,
  multipleOf8,
  type Sizes,
  size,
} from './kernel.ts';
import { mapFloats, mapIndex, packedIndex, packedLength } from './panel.ts';
import {
  array,
  at,
  gradientOfOutput,
  normalizedValue,
  range,
  writeGradientSums,
  writeStatistics,
} from './reference-views.ts';

const channels = (s: Sizes) => size(s, 'channels');
const images = (s: Sizes) => size(s, 'images');
const inPixels = (s: Sizes) => size(s, 'height') * size(s, 'width');
const outPixels = (s: Sizes) => size(s, 'outHeight') * size(s, 'outWidth');
const taps = (s: Sizes) => size(s, 'kernel') ** 2;
const reach = (s: Sizes) => (size(s, 'kernel') - 1) * size(s, 'dilation');
const groups = (s: Sizes) => ceilDivide(images(s), size(s, 'imagesPerTask'));
const channelTasks = (s: Sizes) => ceilDivide(channels(s), size(s, 'channelsPerTask'));
/** Bytes of the tap list at the head of scratch. */
const TAP_BYTES = 1856;
const roundUp = (value: number, multiple: number) => ceilDivide(value, multiple) * multiple;
/** Bytes of a pixel in a plane of eight channels (scripts/widen.js); those of four need half. */
const PIXEL_BYTES = 32;
/** Bytes of the planes (kernels/plane.ts) of outputs and of the values they see. */
const outputPlaneBytes = (s: Sizes, rows: number) => PIXEL_BYTES * rows * roundUp(size(s, 'outWidth'), 4);
const valuePlaneBytes = (s: Sizes, outputRows: number) =>
  PIXEL_BYTES *
  ((roundUp(size(s, 'outWidth'), 4) - 1) * size(s, 'stride') + reach(s) + 1) *
  ((outputRows - 1) * size(s, 'stride') + reach(s) + 1);
const forwardPlaneBytes = (s: Sizes) =>
  outputPlaneBytes(s, size(s, 'rowsPerBlock')) + valuePlaneBytes(s, size(s, 'rowsPerBlock'));

export const GEOMETRY = [
  'height',
  'width',
  'channels',
  'outHeight',
  'outWidth',
  'kernel',
  'stride',
  'padding',
  'dilation',
];

/** Calls `visit` for every (output pixel, channel, tap) whose input lies inside, with flat indices. */
function everyTap(
  s: Sizes,
  count: number,
  visit: (output: number, input: number, tap: number, channel: number, image: number) => void,
): void {
  for (let pixel = 0; pixel < count * outPixels(s); pixel++) {
    const image = Math.floor(pixel / outPixels(s));
    const top = Math.floor((pixel % outPixels(s)) / size(s, 'outWidth')) * size(s, 'stride') - size(s, 'padding');
    const left = (pixel % size(s, 'outWidth')) * size(s, 'stride') - size(s, 'padding');
    for (let tap = 0; tap < taps(s); tap++) {
      const h = top + Math.floor(tap / size(s, 'kernel')) * size(s, 'dilation');
      const w = left + (tap % size(s, 'kernel')) * size(s, 'dilation');
      if (h < 0 || h >= size(s, 'height') || w < 0 || w >= size(s, 'width')) continue;
      for (let c = 0; c < channels(s); c++) {
        const input = ((image * size(s, 'height') + h) * size(s, 'width') + w) * channels(s) + c;
        visit(pixel * channels(s) + c, input, tap, c, image);
      }
    }
  }
}

/** The depthwise convolution in double precision of the values that `value` gives for flat indices of the input. */
function convolve(s: Sizes, arrays: Arrays, value: (input: number, channel: number) => number): Float64Array {
  const sums = new Float64Array(images(s) * outPixels(s) * channels(s));
  const weight = array(arrays, 'weight');
  everyTap(s, images(s), (output, input, tap, c) => {
    sums[output] = (sums[output] as number) + value(input, c) * at(weight, packedIndex(taps(s), tap, c));
  });
  return sums;
}

/** Inference in double precision: y, and its means where `pooled` is given, from the values that are convolved. */
export function convolveAndActivate(s: Sizes, arrays: Arrays, value: (input: number, channel: number) => number): void {
  const y = array(arrays, 'y');
  const place = (row: number, channel: number) => mapIndex(images(s) * outPixels(s), row, channel);
  convolve(s, arrays, value).forEach((sum, index) => {
    const [row, channel] = [Math.floor(index / channels(s)), index % channels(s)];
    y[place(row, channel)] = activate(sum + at(array(arrays, 'bias'), channel), size(s, 'activation'));
  });
  if (!arrays.pooled) return;
  for (let i = 0; i < images(s) * channels(s); i++) {
    const [image, channel] = [Math.floor(i / channels(s)), i % channels(s)];
    const values = range(0, outPixels(s)).map((pixel) => at(y, place(image * outPixels(s) + pixel, channel)));
    arrays.pooled[i] = values.reduce((sum, value) => sum + value, 0) / outPixels(s);
  }
}

/** The pixels (rows of [pixels][channels]) of group number `group`. */
function groupRows(s: Sizes, group: number, pixels: number): number[] {
  const perTask = size(s, 'imagesPerTask');
  return range(group * perTask * pixels, Math.min((group + 1) * perTask, images(s)) * pixels);
}

export const THREE_BY_THREE = {
  images: 3,
  height: 9,
  width: 7,
  channels: 20,
  outHeight: 9,
  outWidth: 7,
  kernel: 3,
  stride: 1,
  padding: 1,
  dilation: 1,
  imagesPerTask: 2,
  channelsPerTask: 8,
  rowsPerBlock: 4,
};
export const FIVE_BY_FIVE_STRIDE_TWO = {
  ...THREE_BY_THREE,
  outHeight: 5,
  outWidth: 4,
  kernel: 5,
  stride: 2,
  padding: 2,
  channelsPerTask: 20,
};
export const EVEN_STRIDE_TWO = {
  ...THREE_BY_THREE,
  height: 8,
  width: 6,
  outHeight: 4,
  outWidth: 3,
  stride: 2,
  channels: 12,
};
export const DILATED = { ...THREE_BY_THREE, images: 1, kernel: 5, padding: 4, dilation: 2, imagesPerTask: 1 };
export const WIDE = {
  ...THREE_BY_THREE,
  images: 1,
  height: 8,
  width: 50,
  outHeight: 8,
  outWidth: 50,
  kernel: 5,
  padding: 2,
  channelsPerTask: 20,
  rowsPerBlock: 5,
};
/** Rows that are cut into tiles of four and three outputs in each way (kernels/depthwise-tile.ts). */
export const WIDTHS = [2, 3, 5, 6, 9].flatMap((width) => [
  { ...THREE_BY_THREE, width, outWidth: width },
  { ...THREE_BY_THREE, width: 2 * width, outWidth: width, stride: 2, outHeight: 5 },
  { ...THREE_BY_THREE, width, outWidth: width, kernel: 5, padding: 2 },
  { ...FIVE_BY_FIVE_STRIDE_TWO, width: 2 * width, outWidth: width },
]);
export const TINY = {
  ...THREE_BY_THREE,
  height: 1,
  width: 1,
  outHeight: 1,
  outWidth: 1,
  kernel: 5,
  padding: 2,
  stride: 2,
};

/** Cases, and each again with a number of channels that has planes of eight. */
function alsoInEights(cases: KernelCase[]): KernelCase[] {
  const inEights = ({ sizes, ...rest }: KernelCase) => ({
    ...rest,
    sizes: { ...sizes, channels: 24, channelsPerTask: 16 },
  });
  return [...cases, ...cases.map(inEights)];
}

export const depthwiseConvStatisticsForward: Kernel = {
  name: 'f32_depthwise_conv_statistics_forward__c4w4',
  file: 'depthwise-conv',
  pointers: {
    x: { access: 'read', length: (s) => images(s) * inPixels(s) * channels(s) },
    coefficients: { access: 'read', optional: true, length: (s) => 2 * channels(s) },
    weight: { access: 'read', length: (s) => packedLength(taps(s), channels(s)) },
    y: { access: 'write', length: (s) => images(s) * outPixels(s) * channels(s) },
    partials: { access: 'write', length: (s) => groups(s) * (4 + 2 * channels(s)) },
  },
  integers: ['images', ...GEOMETRY, 'imagesPerTask', 'channelsPerTask', 'rowsPerBlock', 'activation'],
  floats: [],
  tiles: (s) => groups(s) * channelTasks(s),
  scratchBytes: (s) => TAP_BYTES + 12 * size(s, 'channelsPerTask') + 16 + forwardPlaneBytes(s),
  flops: (s) => 2 * taps(s) * images(s) * outPixels(s) * channels(s),
  reduction: (s) => taps(s) + size(s, 'imagesPerTask') * outPixels(s),
  constraint: (s) => multipleOf4('channels', 'channelsPerTask')(s) ?? mapActivation('activation')(s),
  reference(s, arrays) {
    const y = array(arrays, 'y');
    const x = array(arrays, 'x');
    y.set(
      convolve(s, arrays, (input, c) =>
        normalizedValue(x, input, c, channels(s), arrays.coefficients, size(s, 'activation')),
      ),
    );
    for (let group = 0; group < groups(s); group++) {
      writeStatistics(array(arrays, 'partials'), group, y, groupRows(s, group, outPixels(s)), channels(s));
    }
  },
  cases: alsoInEights([
    { sizes: { ...THREE_BY_THREE, activation: 3 } },
    { sizes: { ...FIVE_BY_FIVE_STRIDE_TWO, activation: 1 } },
    { sizes: { ...EVEN_STRIDE_TWO, activation: 2 } },
    { sizes: { ...DILATED, activation: 0 }, absent: ['coefficients'] },
    { sizes: { ...TINY, activation: 3 } },
    ...WIDTHS.map((sizes) => ({ sizes: { ...sizes, activation: 1 } })),
  ]),
};

/** Tiles of the inference kernels. */
export function forwardTiles(s: Sizes): number {
  return images(s) * ceilDivide(size(s, 'outHeight'), size(s, 'rowsPerBlock')) * channelTasks(s);
}

/** Bytes of scratch of the inference kernels: taps, a plane of outputs, and those of values of two panels. */
export function forwardScratchBytes(s: Sizes): number {
  const rows = size(s, 'rowsPerBlock');
  return TAP_BYTES + outputPlaneBytes(s, rows) + 2 * valuePlaneBytes(s, rows);
}

/** A case without what only training has, with channels in eights. */
export function inferenceCase({ imagesPerTask: _, ...sizes }: typeof THREE_BY_THREE, activation: number): Sizes {
  return { ...sizes, channels: 24, channelsPerTask: 16, activation };
}

export const depthwiseConvForward: Kernel = {
  name: 'f32_depthwise_conv_forward__c4w4',
  file: 'depthwise-conv',
  pointers: {
    x: { access: 'read', length: (s) => mapFloats(images(s) * inPixels(s), channels(s)) },
    weight: { access: 'read', length: (s) => packedLength(taps(s), channels(s)) },
    bias: { access: 'read', length: channels },
    y: { access: 'write', length: (s) => mapFloats(images(s) * outPixels(s), channels(s)) },
    pooled: { access: 'write', optional: true, length: (s) => images(s) * channels(s) },
  },
  integers: ['images', ...GEOMETRY, 'channelsPerTask', 'rowsPerBlock', 'activation'],
  floats: [],
  tiles: forwardTiles,
  scratchBytes: forwardScratchBytes,
  flops: (s) => 2 * taps(s) * images(s) * outPixels(s) * channels(s),
  reduction: (s, output) => (output === 'pooled' ? taps(s) + outPixels(s) : taps(s)),
  constraint: (s) => multipleOf8('channels', 'channelsPerTask')(s) ?? foldedActivation('activation')(s),
  reference(s, arrays) {
    const x = array(arrays, 'x');
    convolveAndActivate(s, arrays, (input, channel) =>
      at(x, mapIndex(images(s) * inPixels(s), Math.floor(input / channels(s)), channel)),
    );
  },
  cases: [
    { sizes: inferenceCase(THREE_BY_THREE, SCALED_HARD_SWISH), absent: ['pooled'] },
    { sizes: inferenceCase({ ...THREE_BY_THREE, rowsPerBlock: 9 }, SCALED_HARD_SWISH) },
    { sizes: inferenceCase(WIDE, SCALED_HARD_SWISH), absent: ['pooled'] },
    { sizes: inferenceCase({ ...WIDE, rowsPerBlock: 8 }, 0) },
    { sizes: inferenceCase(EVEN_STRIDE_TWO, 2) },
    { sizes: inferenceCase(FIVE_BY_FIVE_STRIDE_TWO, 1), absent: ['pooled'] },
    { sizes: inferenceCase(DILATED, 0), absent: ['pooled'] },
    { sizes: inferenceCase(TINY, 2) },
    ...WIDTHS.map((sizes) => ({ sizes: inferenceCase(sizes, 1), absent: ['pooled'] })),
  ],
};

/** Scratch of the backward kernel: taps, sums, and the planes of dx, dy and inputs. */
function gradientScratchBytes(s: Sizes): number {
  const stride = size(s, 'stride');
  const blockRows = size(s, 'rowsPerBlock');
  const firstColumn = Math.floor((size(s, 'padding') - reach(s)) / stride);
  const dyColumns = Math.floor((size(s, 'width') - 1 + size(s, 'padding')) / stride) - firstColumn + 4;
  const dyRows = Math.floor((blockRows + reach(s)) / stride) + 2;
  const dxColumns = roundUp(ceilDivide(size(s, 'width'), stride), 4) * stride;
  const planes =
    PIXEL_BYTES * (blockRows * dxColumns + dyRows * dyColumns) + valuePlaneBytes(s, ceilDivide(blockRows, stride));
  return TAP_BYTES + 8 * size(s, 'channelsPerTask') + 16 + 2 * PIXEL_BYTES + planes;
}

export const depthwiseConvGradient: Kernel = {
  name: 'f32_depthwise_conv_grad_input_grad_weight__c4w4',
  file: 'depthwise-conv',
  pointers: {
    da: { access: 'read', optional: true, length: (s) => images(s) * outPixels(s) * channels(s) },
    y: { access: 'read', length: (s) => images(s) * outPixels(s) * channels(s) },
    coefficients: { access: 'read', length: (s) => 2 * channels(s) },
    factors: { access: 'read', length: (s) => 3 * channels(s) },
    gate: { access: 'read', optional: true, length: (s) => images(s) * channels(s) },
    pooled: { access: 'read', optional: true, length: (s) => images(s) * channels(s) },
    x: { access: 'read', length: (s) => images(s) * inPixels(s) * channels(s) },
    xCoefficients: { access: 'read', optional: true, length: (s) => 2 * channels(s) },
    xSaved: { access: 'read', optional: true, length: (s) => 2 * channels(s) },
    weight: { access: 'read', length: (s) => packedLength(taps(s), channels(s)) },
    dx: { access: 'update', length: (s) => images(s) * inPixels(s) * channels(s) },
    partials: { access: 'write', length: (s) => groups(s) * taps(s) * channels(s) },
    sums: { access: 'write', optional: true, length: (s) => groups(s) * 2 * channels(s) },
  },
  integers: [
    'images',
    ...GEOMETRY,
    'imagesPerTask',
    'channelsPerTask',
    'rowsPerBlock',
    'activation',
    'xActivation',
    'accumulate',
  ],
  floats: [],
  tiles: (s) => groups(s) * channelTasks(s),
  scratchBytes: gradientScratchBytes,
  flops: (s) => 4 * taps(s) * images(s) * outPixels(s) * channels(s),
  reduction: (s) => taps(s) + size(s, 'imagesPerTask') * inPixels(s),
  constraint: (s) =>
    multipleOf4('channels', 'channelsPerTask')(s) ??
    mapActivation('activation', 'xActivation')(s) ??
    (size(s, 'rowsPerBlock') % size(s, 'stride') === 0 ? null : 'rowsPerBlock is not a multiple of stride'),
  reference(s, arrays) {
    const operands = {
      da: arrays.da,
      y: array(arrays, 'y'),
      coefficients: array(arrays, 'coefficients'),
      factors: array(arrays, 'factors'),
      gate: arrays.gate,
      pooled: arrays.pooled,
      activation: size(s, 'activation'),
    };
    const x = array(arrays, 'x');
    const dx = array(arrays, 'dx');
    const weight = array(arrays, 'weight');
    const partials = array(arrays, 'partials').fill(0);
    const sum = size(s, 'accumulate') === 1 ? Float64Array.from(dx) : new Float64Array(dx.length);
    everyTap(s, images(s), (output, input, tap, c, image) => {
      const dy = gradientOfOutput(operands, output, c, channels(s), image);
      sum[input] = (sum[input] as number) + dy * at(weight, packedIndex(taps(s), taps(s) - 1 - tap, c));
      const value = normalizedValue(x, input, c, channels(s), arrays.xCoefficients, size(s, 'xActivation'));
      const group = Math.floor(image / size(s, 'imagesPerTask'));
      const index = (group * taps(s) + tap) * channels(s) + c;
      partials[index] = at(partials, index) + dy * value;
    });
    dx.set(sum);
    if (!arrays.sums) return;
    const previous = {
      da: dx,
      y: x,
      coefficients: array(arrays, 'xCoefficients'),
      activation: size(s, 'xActivation'),
    };
    for (let group = 0; group < groups(s); group++) {
      const rows = groupRows(s, group, inPixels(s));
      writeGradientSums(arrays.sums, group, previous, array(arrays, 'xSaved'), rows, channels(s));
    }
  },
  cases: alsoInEights([
    { sizes: { ...THREE_BY_THREE, activation: 3, xActivation: 1, accumulate: 0 } },
    { sizes: { ...FIVE_BY_FIVE_STRIDE_TWO, activation: 1, xActivation: 3, accumulate: 1 } },
    {
      sizes: { ...EVEN_STRIDE_TWO, activation: 2, xActivation: 0, accumulate: 0 },
      absent: ['gate', 'pooled', 'sums', 'xSaved'],
    },
    {
      sizes: { ...DILATED, activation: 0, xActivation: 0, accumulate: 0 },
      absent: ['da', 'gate', 'xCoefficients', 'xSaved', 'sums'],
    },
    { sizes: { ...TINY, rowsPerBlock: 4, activation: 3, xActivation: 1, accumulate: 0 } },
  ]),
};
