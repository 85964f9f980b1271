// Depthwise K x K convolutions. A task takes a block of channels of some images and walks down them
// `rowsPerBlock` rows at a time. In training, whose maps are NHWC, the rows a block needs or writes are first read through, in the order of memory. Each four
// channels of it become a plane (plane.ts) small enough for the first-level cache, where all the loops run.

import { NONE } from './activation';
import { map_step } from './panel';
import {
  PANEL_PLANES, activate_plane, clear_around, gather_panel, gradient_plane, normalize_plane, store_gradient, store_gradient_sums, store_statistics,
} from './plane';
import { average_panel } from './pooling';
import { touch } from './touch';
import { accumulator_bytes, end_statistics, partial_bytes } from './statistics';
import { TAP_BYTES, add_tap, correlate, correlate_taps } from './correlate';
import { Activated, Plain, convolve } from './depthwise-tile';
import { add_weight_gradient } from './depthwise-weight';
import { VECTOR } from './vector';

/** Whether there are loops for this filter. */
export function is_special(kernel: i32, stride: i32, dilation: i32): bool {
  return (kernel == 3 || kernel == 5) && stride <= 2 && dilation == 1;
}

export function round_up(value: i32, multiple: i32): i32 {
  return ((value + multiple - 1) / multiple) * multiple;
}

/** Where the weights of the channels at byte `at` of a pixel begin: in panels of eight channels, [channels / 8][count][8]. */
function taps_at(weight: usize, at: usize, count: i32): usize {
  return weight + (at & ~31) * <usize>count + (at & 31);
}

/** All taps of a forward convolution over values whose rows stand `rowBytes` apart. Returns their number. */
export function forward_taps(taps: usize, kernel: i32, dilation: i32, rowBytes: usize): i32 {
  for (let ky = 0; ky < kernel; ky++) {
    for (let kx = 0; kx < kernel; kx++) {
      const value = <usize>(ky * dilation) * rowBytes + <usize>(kx * dilation) * VECTOR;
      add_tap(taps, ky * kernel + kx, <usize>(ky * kernel + kx) << 5, <isize>value);
    }
  }
  return kernel * kernel;
}

/** Columns of the values that a row of outputs, rounded up to a multiple of four, sees. */
export function value_columns(outWidth: i32, stride: i32, reach: i32): i32 {
  return (round_up(outWidth, 4) - 1) * stride + reach + 1;
}

/** target[rows][outWidth, rounded up to a multiple of four] <- the convolution of a plane of values, four channels, by a list of taps. */
function correlate_plane(target: usize, rows: i32, outWidth: i32, values: usize, rowBytes: usize, kernel: i32, stride: i32, weight: usize, taps: usize): void {
  for (let row = 0; row < rows; row++) {
    correlate_taps(target, VECTOR, outWidth, values, <usize>stride * VECTOR, taps, kernel * kernel, weight);
    target += <usize>round_up(outWidth, 4) * VECTOR;
    values += <usize>stride * rowBytes;
  }
}

/** Reads through the rows of an image, from `top` to before `bottom` as far as they exist, at a block of channels. */
function touch_rows(image: usize, top: i32, bottom: i32, height: i32, width: i32, pixelStride: usize, block: i32, sink: usize): void {
  const first = max(top, 0);
  const count = min(bottom, height) - first;
  if (count > 0) touch(image + <usize>(first * width) * pixelStride, count * width, pixelStride, <usize>block << 2, sink);
}

/**
 * Training: y = depthwise(a), a = activation(x * scale + shift), and batch norm's statistics of y.
 * x [N][height][width][channels]; coefficients [2][channels] or 0; weight in panels [channels / 8][K * K][8];
 * y [N][outHeight][outWidth][channels] and partials [groups] written. A tile is a group of
 * `imagesPerTask` images by `channelsPerTask` channels, channel blocks innermost.
 * flops 2 * K * K * outputs; bytes 4 * (inputs + outputs).
 */
export function f32_depthwise_conv_statistics_forward__c4w4(
  x: usize, coefficients: usize, weight: usize, y: usize, partials: usize,
  images: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  imagesPerTask: i32, channelsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + channelsPerTask - 1) / channelsPerTask;
  const group = tile / channelTasks;
  const firstChannel = (tile % channelTasks) * channelsPerTask;
  const block = min(channelsPerTask, channels - firstChannel);
  const byte = <usize>firstChannel << 2;
  const pixelStride = <usize>channels << 2;
  const blockBytes = <usize>block << 2;
  const reach = (kernel - 1) * dilation;
  const columns = value_columns(outWidth, stride, reach);
  const rowBytes = <usize>columns * VECTOR;
  const outRowBytes = <usize>round_up(outWidth, 4) * VECTOR;
  const accumulators = scratch + TAP_BYTES;
  const sink = accumulators + accumulator_bytes(block);
  const outputs = sink + 16;
  const values = outputs + <usize>rowsPerBlock * outRowBytes;
  const special = is_special(kernel, stride, dilation);
  if (!special) forward_taps(scratch, kernel, dilation, rowBytes);
  memory.fill(values, 0, <usize>((rowsPerBlock - 1) * stride + reach + 1) * rowBytes);
  const firstImage = group * imagesPerTask;
  const endImage = min(firstImage + imagesPerTask, images);
  for (let image = firstImage; image < endImage; image++) {
    const source = x + <usize>(image * height * width) * pixelStride + byte;
    const target = y + <usize>(image * outHeight * outWidth) * pixelStride + byte;
    for (let row = 0; row < outHeight; row += rowsPerBlock) {
      const count = min(rowsPerBlock, outHeight - row);
      const top = row * stride - padding;
      const rows = (count - 1) * stride + reach + 1;
      const start = target + <usize>(row * outWidth) * pixelStride;
      touch_rows(target, row, row + count, outHeight, outWidth, pixelStride, block, sink);
      touch_rows(source, top, top + rows, height, width, pixelStride, block, sink);
      for (let c: usize = 0; c < blockBytes; c += VECTOR) {
        const scale = coefficients == 0 ? <usize>0 : coefficients + byte + c;
        normalize_plane(values, rows, columns, source + c, pixelStride, height, width, top, -padding, rowsPerBlock < outHeight, scale, scale + pixelStride, activation);
        const taps = taps_at(weight, byte + c, kernel * kernel);
        if (special) convolve<Plain>(kernel, stride, outputs, outRowBytes, count, outWidth, values, rowBytes, taps, 0, NONE);
        else correlate_plane(outputs, count, outWidth, values, rowBytes, kernel, stride, taps, scratch);
        if (row == 0 && image == firstImage) {
          v128.store(accumulators + c, v128.load(outputs));
          v128.store(accumulators + blockBytes + c, f32x4.splat(0.0));
          v128.store(accumulators + blockBytes * 2 + c, f32x4.splat(0.0));
        }
        store_statistics(start + c, pixelStride, outputs, outRowBytes, count, outWidth, accumulators + c, blockBytes);
      }
    }
  }
  const total = (endImage - firstImage) * outHeight * outWidth;
  end_statistics(accumulators, partials + <usize>group * partial_bytes(channels), total, firstChannel, block, channels);
}

/** y [rows][columns] <- the first columns of rows of four pixels, 32 bytes apart as those of a panel. */
function copy_columns(y: usize, source: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < <usize>columns << 5; at += 32) v128.store(y + at, v128.load(source + at));
    y += <usize>columns << 5;
    source += 4 << 5;
  }
}

/**
 * The end of a depthwise convolution in inference: `rows` rows of y = activation(convolution + bias) for the channels of a
 * panel, whose planes of values stand `planeBytes` apart, and whose weights are [K * K][8].
 * `outputs`: room for a plane of y, and `taps`: the list of taps, for filters that have no loops of their own.
 */
export function convolve_panel(
  y: usize, rows: i32, outWidth: i32, values: usize, planeBytes: usize, rowBytes: usize, kernel: i32, stride: i32, dilation: i32,
  weight: usize, bias: usize, activation: i32, outputs: usize, taps: usize,
): void {
  const special = is_special(kernel, stride, dilation);
  for (let at: usize = 0; at < 32; at += VECTOR) {
    if (!special) {
      correlate_plane(outputs, rows, outWidth, values, rowBytes, kernel, stride, weight + at, taps);
      store_gradient(y + at, 32, outputs, <usize>round_up(outWidth, 4) * VECTOR, rows, outWidth, false);
      activate_plane(y + at, rows * outWidth, bias + at, activation);
    } else if (outWidth >= 4) {
      convolve<Activated>(kernel, stride, y + at, <usize>outWidth << 5, rows, outWidth, values, rowBytes, weight + at, bias + at, activation);
    } else {
      convolve<Activated>(kernel, stride, outputs, 4 << 5, rows, 4, values, rowBytes, weight + at, bias + at, activation);
      copy_columns(y + at, outputs, rows, outWidth);
    }
    values += planeBytes;
  }
}

/**
 * Inference: y = activation(depthwise(x) + bias). Maps are in panels of eight channels (docs/kernels.md): x [channels / 8][N * height * width][8];
 * weight [channels / 8][K * K][8] with batch norm folded in; y [channels / 8][N * outHeight * outWidth][8] written. A tile is `rowsPerBlock` rows of
 * one image by `channelsPerTask` channels, channel blocks innermost. pooled [N][channels] or 0: the mean of y over pixels, written; then `rowsPerBlock` is
 * all rows. Channels are multiples of 8.
 */
export function f32_depthwise_conv_forward__c4w4(
  x: usize, weight: usize, bias: usize, y: usize, pooled: usize,
  images: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  channelsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + channelsPerTask - 1) / channelsPerTask;
  const rowTasks = (outHeight + rowsPerBlock - 1) / rowsPerBlock;
  const firstChannel = (tile % channelTasks) * channelsPerTask;
  const endChannel = min(firstChannel + channelsPerTask, channels);
  const rowTile = tile / channelTasks;
  const image = rowTile / rowTasks;
  const row = (rowTile % rowTasks) * rowsPerBlock;
  const reach = (kernel - 1) * dilation;
  const columns = value_columns(outWidth, stride, reach);
  const rowBytes = <usize>columns * VECTOR;
  const count = min(rowsPerBlock, outHeight - row);
  const rows = (count - 1) * stride + reach + 1;
  const planeBytes = <usize>rows * rowBytes;
  const outputs = scratch + TAP_BYTES;
  const values = outputs + (<usize>(rowsPerBlock * round_up(outWidth, 4)) << 5);
  if (!is_special(kernel, stride, dilation)) forward_taps(scratch, kernel, dilation, rowBytes);
  const xStep = map_step(images * height * width);
  const yStep = map_step(images * outHeight * outWidth);
  const xImage = x + (<usize>(image * height * width) << 5);
  const yImage = y + (<usize>((image * outHeight + row) * outWidth) << 5);
  const top = row * stride - padding;
  clear_around(values, PANEL_PLANES, planeBytes, rows, columns, height, width, top, -padding);
  for (let channel = firstChannel; channel < endChannel; channel += 8) {
    const at = <usize>channel << 2;
    const panel = <usize>(channel >> 3);
    gather_panel(values, planeBytes, rows, columns, xImage + panel * xStep, height, width, top, -padding);
    convolve_panel(
      yImage + panel * yStep, count, outWidth, values, planeBytes, rowBytes, kernel, stride, dilation, taps_at(weight, at, kernel * kernel), bias + at, activation, outputs, scratch,
    );
    if (pooled != 0) average_panel(pooled + (<usize>(image * channels) << 2) + at, yImage + panel * yStep, outHeight * outWidth);
  }
}

/** The taps that reach input pixel (h, w) of a backward pass: those whose output lies on the stride's grid. */
function backward_taps(
  taps: usize, h: i32, w: i32, firstRow: i32, firstColumn: i32, kernel: i32, stride: i32, padding: i32, dilation: i32, rowBytes: usize,
): i32 {
  let count = 0;
  for (let ky = 0; ky < kernel; ky++) {
    const y = h + padding - ky * dilation;
    if (y % stride != 0) continue;
    for (let kx = 0; kx < kernel; kx++) {
      const x = w + padding - kx * dilation;
      if (x % stride != 0) continue;
      const value = <isize>(y / stride - firstRow) * <isize>rowBytes + <isize>(x / stride - firstColumn) * <isize>VECTOR;
      add_tap(taps, count, <usize>(kernel * kernel - 1 - ky * kernel - kx) << 5, value);
      count++;
    }
  }
  return count;
}

function floor_divide(a: i32, b: i32): i32 {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/**
 * target: rows `top` to before `bottom` of dx, four channels: the transposed convolution of a plane of dy that starts at
 * (firstRow, firstColumn), by weights whose taps stand in reverse. With stride 2, only taps on the stride's grid reach a pixel, the same ones every
 * two pixels and rows; they are a smaller filter.
 */
function transposed_plane(
  target: usize, targetRowBytes: usize, top: i32, bottom: i32, width: i32, dy: usize, rowBytes: usize, firstRow: i32, firstColumn: i32,
  kernel: i32, stride: i32, padding: i32, weight: usize,
): void {
  if (stride == 1) {
    // dy begins with what the first pixel sees
    convolve<Plain>(kernel, 1, target, targetRowBytes, bottom - top, width, dy, rowBytes, weight, 0, NONE);
    return;
  }
  const tapStep = <usize>stride << 5;
  for (let h = top; h < min(top + stride, bottom); h++) {
    const ky = (h + padding) % stride;
    const tapRows = (kernel - ky + stride - 1) / stride;
    const lastKy = ky + (tapRows - 1) * stride;
    const source = dy + <usize>((h + padding - lastKy) / stride - firstRow) * rowBytes;
    const outRows = (bottom - h + stride - 1) / stride;
    for (let w = 0; w < min(stride, width); w++) {
      const kx = (w + padding) % stride;
      const tapColumns = (kernel - kx + stride - 1) / stride;
      const lastKx = kx + (tapColumns - 1) * stride;
      const column = (w + padding - lastKx) / stride - firstColumn;
      correlate(
        tapColumns, target + <usize>(h - top) * targetRowBytes + <usize>w * VECTOR, <usize>stride * VECTOR, targetRowBytes * stride, outRows,
        (width - w + stride - 1) / stride, source + <usize>column * VECTOR, rowBytes, tapRows,
        weight + (<usize>(kernel * kernel - 1 - lastKy * kernel - lastKx) << 5), tapStep * kernel, tapStep,
      );
    }
  }
}

/** transposed_plane for any filter, over tap lists. */
function transposed_plane_taps(
  target: usize, targetRowBytes: usize, top: i32, bottom: i32, width: i32, dy: usize, rowBytes: usize, firstRow: i32, firstColumn: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32, weight: usize, taps: usize,
): void {
  for (let h = top; h < bottom; h++) {
    for (let w = 0; w < min(stride, width); w++) {
      const count = backward_taps(taps, h, w, firstRow, firstColumn, kernel, stride, padding, dilation, rowBytes);
      correlate_taps(target + <usize>w * VECTOR, <usize>stride * VECTOR, (width - w + stride - 1) / stride, dy, VECTOR, taps, count, weight);
    }
    target += targetRowBytes;
  }
}

/**
 * Training, backward: with dy formed from (da, y) and a from x as in view.ts, dx (+)= the transposed
 * convolution of dy, partials[group] = the weights' gradient [K * K][channels], and sums[group] the
 * gradient sums of the input's batch norm (0: none). da [N][oh][ow][channels] or 0; y likewise;
 * coefficients, xCoefficients, xSaved [2][channels]; factors [3][channels]; gate, pooled [N][channels]
 * or 0; x, dx [N][height][width][channels]; weight in panels [channels / 8][K * K][8], its taps in reverse. A tile is a group of
 * images by a block of channels, as forward; `rowsPerBlock` counts rows of dx and is a multiple of stride.
 * flops 4 * K * K * outputs; bytes 4 * (2 inputs + 2 outputs).
 */
export function f32_depthwise_conv_grad_input_grad_weight__c4w4(
  da: usize, y: usize, coefficients: usize, factors: usize, gate: usize, pooled: usize,
  x: usize, xCoefficients: usize, xSaved: usize, weight: usize, dx: usize, partials: usize, sums: usize,
  images: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  imagesPerTask: i32, channelsPerTask: i32, rowsPerBlock: i32, activation: i32, xActivation: i32, accumulate: i32,
  tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + channelsPerTask - 1) / channelsPerTask;
  const group = tile / channelTasks;
  const firstChannel = (tile % channelTasks) * channelsPerTask;
  const block = min(channelsPerTask, channels - firstChannel);
  const byte = <usize>firstChannel << 2;
  const pixelStride = <usize>channels << 2;
  const blockBytes = <usize>block << 2;
  const reach = (kernel - 1) * dilation;
  const firstColumn = floor_divide(padding - reach, stride);
  const gradientColumns = (width - 1 + padding) / stride - firstColumn + 4; // three more than there are: rows are rounded up
  const gradientRowBytes = <usize>gradientColumns * VECTOR;
  const valueColumns = value_columns(outWidth, stride, reach);
  const valueRowBytes = <usize>valueColumns * VECTOR;
  const inputRowBytes = <usize>(round_up((width + stride - 1) / stride, 4) * stride) * VECTOR;
  const special = is_special(kernel, stride, dilation);

  const localSums = scratch + TAP_BYTES;
  const sink = localSums + blockBytes * 2;
  const ones = sink + 16;
  const zeros = ones + VECTOR;
  const inputs = zeros + VECTOR;
  const dy = inputs + <usize>rowsPerBlock * inputRowBytes;
  const values = dy + <usize>((rowsPerBlock + reach) / stride + 2) * gradientRowBytes;
  memory.fill(dy, 0, values - dy + <usize>(((rowsPerBlock + stride - 1) / stride - 1) * stride + reach + 1) * valueRowBytes);
  v128.store(ones, f32x4.splat(1.0));
  v128.store(zeros, f32x4.splat(0.0));
  const clear = rowsPerBlock < height;
  const partial = partials + <usize>group * <usize>(kernel * kernel) * pixelStride + byte;
  for (let tap = 0; tap < kernel * kernel; tap++) memory.fill(partial + <usize>tap * pixelStride, 0, blockBytes);
  memory.fill(localSums, 0, blockBytes * 2);

  const endImage = min((group + 1) * imagesPerTask, images);
  for (let image = group * imagesPerTask; image < endImage; image++) {
    const outStart = <usize>(image * outHeight * outWidth) * pixelStride + byte;
    const inStart = <usize>(image * height * width) * pixelStride + byte;
    const vector = <usize>image * pixelStride + byte;
    for (let top = 0; top < height; top += rowsPerBlock) {
      const bottom = min(top + rowsPerBlock, height);
      // rows of dy that reach the block, and those of them that are its own
      const firstRow = floor_divide(top + padding - reach, stride);
      const rows = (bottom - 1 + padding) / stride - firstRow + 1;
      const ownFirst = (top + stride - 1) / stride;
      const own = max(min((bottom + stride - 1) / stride, outHeight) - ownFirst, 0);
      const valueTop = ownFirst * stride - padding;
      const valueRows = own == 0 ? 0 : (own - 1) * stride + reach + 1;
      if (da != 0) touch_rows(da + outStart, firstRow, firstRow + rows, outHeight, outWidth, pixelStride, block, sink);
      touch_rows(y + outStart, firstRow, firstRow + rows, outHeight, outWidth, pixelStride, block, sink);
      touch_rows(dx + inStart, top, bottom, height, width, pixelStride, block, sink);
      touch_rows(x + inStart, min(top, valueTop), max(bottom, valueTop + valueRows), height, width, pixelStride, block, sink);
      for (let c: usize = 0; c < blockBytes; c += VECTOR) {
        const at = byte + c;
        gradient_plane(
          dy, rows, gradientColumns, da == 0 ? <usize>0 : da + outStart + c, y + outStart + c, pixelStride, outHeight, outWidth, firstRow, firstColumn, clear,
          coefficients + at, factors + at, pixelStride, activation, gate == 0 ? ones : gate + vector + c, pooled == 0 ? zeros : pooled + vector + c,
        );
        if (special) {
          transposed_plane(inputs, inputRowBytes, top, bottom, width, dy, gradientRowBytes, firstRow, firstColumn, kernel, stride, padding, taps_at(weight, at, kernel * kernel));
        } else {
          transposed_plane_taps(inputs, inputRowBytes, top, bottom, width, dy, gradientRowBytes, firstRow, firstColumn, kernel, stride, padding, dilation, taps_at(weight, at, kernel * kernel), scratch);
        }
        const start = inStart + <usize>(top * width) * pixelStride + c;
        const scale = xCoefficients == 0 ? <usize>0 : xCoefficients + at;
        if (sums == 0) {
          store_gradient(dx + start, pixelStride, inputs, inputRowBytes, bottom - top, width, accumulate != 0);
        } else {
          store_gradient_sums(
            dx + start, pixelStride, inputs, inputRowBytes, bottom - top, width, accumulate != 0, localSums + c, blockBytes, x + start,
            scale, pixelStride, xSaved + at, xActivation,
          );
        }
        if (own == 0) continue;
        normalize_plane(values, valueRows, valueColumns, x + inStart + c, pixelStride, height, width, valueTop, -padding, clear, scale, scale + pixelStride, xActivation);
        const ownDy = dy + <usize>(ownFirst - firstRow) * gradientRowBytes - <isize>firstColumn * <isize>VECTOR;
        add_weight_gradient(partial + c, pixelStride, ownDy, gradientRowBytes, values, valueRowBytes, -valueTop, height - valueTop, own, outWidth, kernel, stride, dilation);
      }
    }
  }
  if (sums != 0) {
    const sum = sums + <usize>group * pixelStride * 2 + byte;
    memory.copy(sum, localSums, blockBytes);
    memory.copy(sum + pixelStride, localSums + blockBytes, blockBytes);
  }
}
