/**
 * How work is cut into tiles: functions of shapes alone, never of the number of threads, since the
 * order of partial sums (and so the bits) follows from it. Sizes aim at operands that stay in a core's
 * second-level cache, and at enough tiles for a dozen threads.
 */
import { ceilDivide } from '../kernels/kernel.ts';
import { areTileRows, GROUP_COLUMNS, halvedRows, quartersConstraint } from '../kernels/strassen.ts';

const BLOCK_FLOATS = 32768;
/** Floats of a block of rows in inference: it stays in the first-level cache while panels of weights pass. */
const INFERENCE_BLOCK_FLOATS = 2560;
/** Floats of a task's rows in a pointwise convolution in inference, a good part of the second-level cache. */
const POINTWISE_ROW_FLOATS = 98304;
/** Rows of a task for which it pays to multiply them by the gate once, and to go through all weights. */
const GATED_ROWS = 20;
/** Of 16 bytes: the two planes of a depthwise gradient in the first-level cache (kernels/plane.ts). */
const PLANE_PIXELS = 1536;
/** Where rows that two blocks see are computed twice, four planes may fill a part of the second-level cache. */
const EXPANDED_PLANE_PIXELS = 4096;

function roundUp(value: number, multiple: number): number {
  return ceilDivide(value, multiple) * multiple;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Rows a kernel handles at a time, for operands of `floatsPerRow`. A multiple of 4. */
function blockRows(rows: number, floatsPerRow: number, blockFloats: number): number {
  return Math.min(roundUp(rows, 4), clamp(Math.floor(blockFloats / floatsPerRow / 4) * 4, 8, 1024));
}

/** Forward matrix kernels: up to 64 tasks of whole blocks. */
export function forwardRows(rows: number, floatsPerRow: number): { rowsPerTask: number; rowsPerBlock: number } {
  const rowsPerBlock = Math.min(blockRows(rows, floatsPerRow, BLOCK_FLOATS), roundUp(ceilDivide(rows, 16), 4));
  return { rowsPerTask: roundUp(ceilDivide(rows, 64), rowsPerBlock), rowsPerBlock };
}

/**
 * Backward matrix kernels: each task has a gradient of the weights of its own, so large weights get
 * fewer tasks.
 */
export function backwardRows(
  rows: number,
  floatsPerRow: number,
  weightFloats: number,
): { rowsPerTask: number; rowsPerBlock: number } {
  const tasks = weightFloats > 32768 ? 8 : 24;
  const rowsPerTask = roundUp(ceilDivide(rows, tasks), 4);
  return { rowsPerTask, rowsPerBlock: Math.min(rowsPerTask, blockRows(rows, floatsPerRow, 2 * BLOCK_FLOATS)) };
}

/** Channels of a depthwise task: all of them, which reads memory in order, unless that makes fewer than `tasks`. */
function depthwiseChannels(channels: number, otherTasks: number, tasks: number): number {
  const blocks = clamp(ceilDivide(tasks, otherTasks), 1, Math.max(1, Math.floor(channels / 32)));
  return roundUp(ceilDivide(channels, blocks), 8);
}

/** Rows of output so that the rows of input they need, `columns` pixels wide, make a plane of some `pixels`. */
function depthwiseRows(columns: number, rows: number, stride: number, reach: number, pixels: number): number {
  const inputRows = Math.floor(pixels / columns);
  return clamp(Math.floor((inputRows - reach - 1) / stride) + 1, 1, rows);
}

export interface DepthwiseShape {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

export interface DepthwiseTiling {
  readonly imagesPerTask: number;
  readonly channelsPerTask: number;
  /** Rows of output. */
  readonly rowsPerBlock: number;
}

function depthwiseOutputRows(shape: DepthwiseShape, pixels = PLANE_PIXELS): number {
  const reach = (shape.kernel - 1) * shape.dilation;
  return depthwiseRows(shape.width + reach, shape.outHeight, shape.stride, reach, pixels);
}

export function depthwiseForward(shape: DepthwiseShape): DepthwiseTiling {
  const imagesPerTask = ceilDivide(shape.images, 16);
  const channelsPerTask = depthwiseChannels(shape.channels, ceilDivide(shape.images, imagesPerTask), 16);
  return { imagesPerTask, channelsPerTask, rowsPerBlock: depthwiseOutputRows(shape) };
}

/** As forward, with `rowsPerBlock` counting rows of input, a multiple of stride. */
export function depthwiseBackward(shape: DepthwiseShape): DepthwiseTiling {
  const forward = depthwiseForward(shape);
  const rowsPerBlock = Math.min(forward.rowsPerBlock * shape.stride, roundUp(shape.height, shape.stride));
  return { ...forward, rowsPerBlock };
}

/**
 * Inference has one task a block of rows; where these are few, one for each 32 channels of it, so that a few threads
 * get equal shares. Sixteen channels are a cache line of each pixel.
 */
export function depthwiseInference(shape: DepthwiseShape): Omit<DepthwiseTiling, 'imagesPerTask'> {
  const rowsPerBlock = depthwiseOutputRows(shape);
  const rowTasks = shape.images * ceilDivide(shape.outHeight, rowsPerBlock);
  return { rowsPerBlock, channelsPerTask: rowTasks < 8 ? 32 : roundUp(shape.channels, 16) };
}

/** Channels that a tile of an expansion and its depthwise convolution makes together: a cache line of each pixel. */
const EXPANDED_CHANNELS = 16;

/**
 * An expansion and its depthwise convolution in one inference kernel: tasks are sixteen channels of an image, or of several, where there are many tasks, so that weights are used for all of them at once. They are cut by rows where planes
 * would be too large, or tasks too few to share; then rows that two blocks see are computed twice. How many rows depends on the map
 * alone, not on the number of images: whether its means are taken here follows from it.
 */
export function expandDepthwiseInference(shape: DepthwiseShape): DepthwiseTiling {
  const units = ceilDivide(shape.channels, EXPANDED_CHANNELS);
  const needed = ceilDivide(shape.outHeight, depthwiseOutputRows(shape, EXPANDED_PLANE_PIXELS));
  const wanted = Math.min(ceilDivide(6, units), Math.floor(shape.outHeight / 14));
  const rowsPerBlock = ceilDivide(shape.outHeight, Math.max(needed, wanted));
  const perImage = ceilDivide(shape.outHeight, rowsPerBlock) * units;
  const groups = clamp(ceilDivide(24, perImage), 1, shape.images);
  return { rowsPerBlock, imagesPerTask: ceilDivide(shape.images, groups), channelsPerTask: EXPANDED_CHANNELS };
}

/** From so many pictures on, weights are used so often in a call that linear layers go through the matrix tiles, and nothing is read ahead. */
export const MANY_PICTURES = 4;
/** Channels and pixels of an image from which on seven products and the sums around them take less time than eight. */
const QUARTERED_IN_CHANNELS = 80;
const QUARTERED_OUT_CHANNELS = 96;
const QUARTERED_PIXELS = 49;
/** Floats of a task's quarters and their sums in an expansion: half of a small second-level cache. */
const QUARTERED_FLOATS = 65536;

/** Whether a pointwise convolution is computed by products of quarters (kernels/strassen.ts): not of few pictures, for which more weights would come from memory. images: all of a batch, also where it is lowered in groups. */
export function isQuartered(images: number, pixels: number, inChannels: number, outChannels: number): boolean {
  const large =
    pixels >= QUARTERED_PIXELS && inChannels >= QUARTERED_IN_CHANNELS && outChannels >= QUARTERED_OUT_CHANNELS;
  return large && images >= MANY_PICTURES && quartersConstraint(pixels, inChannels, outChannels) === null;
}

/** The same for an expansion and the depthwise convolution behind it, which is of whole images then. */
export function isQuarteredExpansion(images: number, shape: DepthwiseShape, inChannels: number): boolean {
  const { height, width, outHeight, channels } = shape;
  const whole = expandDepthwiseInference(shape).rowsPerBlock >= outHeight;
  return whole && isQuartered(images, height * width, inChannels, channels);
}

/** Its tasks are all rows of 32 channels of an image, or of several small ones. */
export function quarteredExpansionInference(shape: DepthwiseShape, inChannels: number): DepthwiseTiling {
  const floats = 2 * shape.height * shape.width * inChannels;
  const imagesPerTask = clamp(Math.floor(QUARTERED_FLOATS / floats), 1, shape.images);
  return { rowsPerBlock: shape.outHeight, imagesPerTask, channelsPerTask: GROUP_COLUMNS };
}

/**
 * Rows of each half of an image of a task by products of quarters: an even number of tasks, whose rows, gated, and sums of their quarters leave room for weights in the second-level cache.
 */
export function quarteredRows(pixels: number, inChannels: number): number {
  const half = halvedRows(pixels);
  for (let tasks = 2 * ceilDivide(2 * half * inChannels, POINTWISE_ROW_FLOATS); tasks > 1; tasks--) {
    for (const multiple of [1, 5, 4]) {
      const rows = roundUp(ceilDivide(half, tasks), multiple);
      const last = half - (ceilDivide(half, rows) - 1) * rows;
      if (areTileRows(rows) && areTileRows(last)) return rows;
    }
  }
  return half;
}

/** Rows of a task that brings a map into panels, or out of them. */
export function copiedRows(rows: number): number {
  return ceilDivide(rows, 16);
}

/** Rows of a dense convolution in inference: tasks are blocks of rows, an even number of them and a small rest. */
export function denseInference(rows: number, depth: number): { rowsPerTask: number; rowsPerBlock: number } {
  const most = clamp(Math.floor(INFERENCE_BLOCK_FLOATS / depth / 5) * 5, 10, 255);
  const blocks = roundUp(ceilDivide(rows, most), 2);
  const rowsPerBlock = clamp(roundUp(ceilDivide(rows, blocks), 5), 10, most);
  return { rowsPerTask: roundUp(ceilDivide(rows, 64), rowsPerBlock), rowsPerBlock };
}

/** Rows of outputs of a task that convolves a picture: some 32 tasks, whose lines stay in the first-level cache. */
export function pictureRows(images: number, outHeight: number): number {
  return clamp(Math.floor((images * outHeight) / 32), 1, 8);
}

/**
 * Pointwise convolutions in inference. A task goes through its rows for each sixteen columns, whose weights meanwhile stay in the first-level cache, and its rows in the
 * second. With a gate it is of one image, and columns are hardly cut, since each task multiplies its rows by the gate for itself.
 */
export function pointwiseInference(
  rows: number,
  rowsPerImage: number,
  inChannels: number,
  outChannels: number,
  gated: boolean,
): { rowsPerTask: number; columnsPerTask: number } {
  const together = gated ? rowsPerImage : rows;
  const wanted = ceilDivide(16, rows / together);
  const pairs = ceilDivide(outChannels, 16);
  const halves = gated && together >= 2 * GATED_ROWS ? 2 : 1;
  const mostColumnTasks = gated ? Math.min(pairs, 3 - halves) : pairs;
  const needed = ceilDivide(together, Math.max(32, Math.floor(POINTWISE_ROW_FLOATS / inChannels)));
  const rowTasks = Math.max(
    needed,
    Math.min(ceilDivide(wanted, mostColumnTasks), Math.max(halves, Math.floor(together / 48))),
  );
  const columnTasks = clamp(ceilDivide(wanted, rowTasks), 1, mostColumnTasks);
  return {
    rowsPerTask: roundUp(ceilDivide(together, rowTasks), 5),
    columnsPerTask: 16 * ceilDivide(pairs, columnTasks),
  };
}

/** The same where only the means of each image's map are wanted: a task has whole images. */
export function pooledInference(
  rows: number,
  rowsPerImage: number,
  inChannels: number,
  outChannels: number,
): { rowsPerTask: number; columnsPerTask: number } {
  const images = Math.max(1, Math.floor(POINTWISE_ROW_FLOATS / inChannels / rowsPerImage));
  const rowsPerTask = Math.min(rows, images * rowsPerImage);
  const pairs = ceilDivide(outChannels, 16);
  const columnTasks = clamp(ceilDivide(16, ceilDivide(rows, rowsPerTask)), 1, pairs);
  return { rowsPerTask, columnsPerTask: 16 * ceilDivide(pairs, columnTasks) };
}

/** Rows of elementwise work over [rows][channels]. */
export function elementwiseRows(rows: number, channels: number): number {
  return clamp(ceilDivide(rows, 32), 1, Math.max(32, Math.ceil(65536 / channels)));
}

/** Features of a task of a linear layer. */
export function linearFeatures(features: number): number {
  return roundUp(ceilDivide(features, 24), 8);
}

/** The same through matrix tiles: whole panels by two, and fewer tasks, since each brings all rows into panels. */
export function tiledLinearFeatures(features: number): number {
  return Math.max(32, roundUp(ceilDivide(features, 12), 16));
}
