// The first half of an inverted residual block in inference: the expansion (a pointwise convolution) and the depthwise convolution
// behind it. Each sixteen channels (thirty-two by products of quarters) of the expanded map go from the matrix tiles' registers into planes (plane.ts) where the depthwise
// loops run, and exist nowhere else.

import { map_step } from './panel';
import { multiply_into_planes } from './gemm';
import { TAP_BYTES } from './correlate';
import { PANEL_PLANES, clear_around } from './plane';
import { GROUP_COLUMNS, halved_rows, multiply_quarters, quarters_bytes, sum_weight_quarters } from './strassen';
import { average_panel } from './pooling';
import { whole_rows } from './tile';
import { VECTOR } from './vector';
import { convolve_panel, forward_taps, is_special, round_up, value_columns } from './depthwise-conv';

/**
 * places[i] <- the byte of a plane at which pixel number i of `rows` rows stands, the first of which
 * starts at the byte `start`, as far as it is among a row's first `seen`. All others, up to `count`: `outside`.
 */
function place_pixels(places: usize, count: i32, rows: i32, width: i32, seen: i32, start: i32, rowBytes: i32, outside: i32): void {
  const end = places + (<usize>count << 2);
  for (let row = 0; row < rows; row++) {
    const next = places + (<usize>width << 2);
    let place = i32x4.add(i32x4.splat(start), i32x4(0, <i32>VECTOR, 2 * <i32>VECTOR, 3 * <i32>VECTOR));
    // the last four of a row may reach into the next one's places, which are written after them
    for (let at = places; at < next; at += 16) {
      v128.store(at, place);
      place = i32x4.add(place, i32x4.splat(4 * <i32>VECTOR));
    }
    for (let at = places + (<usize>seen << 2); at < next; at += 4) store<i32>(at, outside);
    places = next;
    start += rowBytes;
  }
  for (; places < end; places += 4) store<i32>(places, outside);
}

/** What the kernels below do; sums 0: no products of quarters. */
function expand_and_convolve(
  x: usize, sums: usize, expandWeight: usize, expandBias: usize, weight: usize, bias: usize, y: usize, pooled: usize,
  images: i32, height: i32, width: i32, inChannels: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  imagesPerTask: i32, channelsPerTask: i32, rowsPerBlock: i32, expandActivation: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + channelsPerTask - 1) / channelsPerTask;
  const rowTasks = (outHeight + rowsPerBlock - 1) / rowsPerBlock;
  const firstChannel = (tile % channelTasks) * channelsPerTask;
  const endChannel = min(firstChannel + channelsPerTask, channels);
  const rowTile = tile / channelTasks;
  const firstImage = rowTile / rowTasks * imagesPerTask;
  const endImage = min(firstImage + imagesPerTask, images);
  const row = (rowTile % rowTasks) * rowsPerBlock;
  const reach = (kernel - 1) * dilation;
  const columns = value_columns(outWidth, stride, reach);
  const rowBytes = <usize>columns * VECTOR;
  const count = min(rowsPerBlock, outHeight - row);
  const rows = (count - 1) * stride + reach + 1;
  // a plane, and a place for pixels outside it
  const outside = <usize>rows * rowBytes;
  const planeBytes = outside + 4 * VECTOR;
  const outputs = scratch + TAP_BYTES;
  const values = outputs + (<usize>(rowsPerBlock * round_up(outWidth, 4)) << 5);
  const together = sums == 0 ? 16 : GROUP_COLUMNS;
  const most = <usize>(together >> 3) * PANEL_PLANES;
  const places = values + most * planeBytes;
  if (!is_special(kernel, stride, dilation)) forward_taps(scratch, kernel, dilation, rowBytes);

  const top = row * stride - padding;
  const firstRow = max(top, 0);
  const endRow = max(min(top + rows, height), firstRow);
  const firstPixel = firstRow * width;
  const seen = endRow * width - firstPixel;
  const pixels = sums != 0 ? height * width : whole_rows(seen) == seen ? seen : round_up(seen, 4);
  const start = ((firstRow - top) * columns + padding) * <i32>VECTOR;
  place_pixels(places, pixels, endRow - firstRow, width, min(width, columns - padding), start, <i32>rowBytes, <i32>outside);
  clear_around(values, most, planeBytes, rows, columns, height, width, top, -padding);
  const step = map_step(images * height * width);
  const yStep = map_step(images * outHeight * outWidth);
  const half = halved_rows(pixels);
  const sumStep = map_step(images * half);
  const work = (places + (<usize>pixels << 2) + 63) & ~63;
  const weightSums = work + quarters_bytes(half);
  for (let channel = firstChannel; channel < endChannel; ) {
    const at = <usize>channel << 2;
    const b = expandWeight + at * <usize>inChannels;
    const quartered = sums != 0 && endChannel - channel >= GROUP_COLUMNS;
    const some = quartered ? GROUP_COLUMNS : min(16, endChannel - channel);
    if (quartered) sum_weight_quarters(weightSums, b, inChannels);
    for (let image = firstImage; image < endImage; image++) {
      const source = x + (<usize>(image * height * width + firstPixel) << 5);
      if (quartered) {
        multiply_quarters(
          source, step, <usize>(inChannels >> 4) * step, <usize>half << 5, sums + (<usize>(image * half) << 5), sumStep, <usize>(inChannels >> 4) * sumStep, half, inChannels >> 1,
          b, weightSums, some, expandBias + at, values, PANEL_PLANES * planeBytes, planeBytes, 0, places, half, 0, expandActivation, work,
        );
        const left = pixels - 2 * half;
        if (left > 0) multiply_into_planes(source + (<usize>half << 6), step, left, inChannels, b, some, values, planeBytes, places + (<usize>half << 3), expandBias + at, expandActivation);
      } else multiply_into_planes(source, step, pixels, inChannels, b, some, values, planeBytes, places, expandBias + at, expandActivation);
      const target = y + (<usize>((image * outHeight + row) * outWidth) << 5);
      let planes = values;
      for (let c = at; c < at + (<usize>some << 2); c += 32) {
        const panel = target + (c >> 5) * yStep;
        convolve_panel(panel, count, outWidth, planes, planeBytes, rowBytes, kernel, stride, dilation, weight + c * <usize>(kernel * kernel), bias + c, activation, outputs, scratch);
        if (pooled != 0) average_panel(pooled + (<usize>(image * channels) << 2) + c, panel, outHeight * outWidth);
        planes += PANEL_PLANES * planeBytes;
      }
    }
    channel += some;
  }
}

/**
 * y = activation(depthwise(e) + bias), e = expandActivation(x expandWeight + expandBias). Maps are in panels of eight channels (docs/kernels.md): x [inChannels / 8][N * height * width][8]; expandWeight and weight ([channels / 8][K * K][8]) in panels (pack.ts), with batch norm folded in; expandBias,
 * bias [channels]; y [channels / 8][N * outHeight * outWidth][8] written. pooled [N][channels] or 0: the mean of y over pixels, written; then `rowsPerBlock` is
 * all rows. A tile is `rowsPerBlock` rows of `imagesPerTask` images by `channelsPerTask` (a multiple of 16) channels, channel blocks innermost;
 * rows of e that two blocks see are computed by both. Channels are a multiple of 8.
 * flops 2 * (inChannels * height * width + K * K * outHeight * outWidth) * channels; bytes 4 * (inputs + weights + outputs).
 */
export function f32_expand_depthwise_conv_forward__5x8(
  x: usize, expandWeight: usize, expandBias: usize, weight: usize, bias: usize, y: usize, pooled: usize,
  images: i32, height: i32, width: i32, inChannels: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  imagesPerTask: i32, channelsPerTask: i32, rowsPerBlock: i32, expandActivation: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  expand_and_convolve(
    x, 0, expandWeight, expandBias, weight, bias, y, pooled,
    images, height, width, inChannels, channels, outHeight, outWidth, kernel, stride, padding, dilation, imagesPerTask, channelsPerTask, rowsPerBlock, expandActivation, activation, tile, scratch,
  );
}

/**
 * f32_expand_depthwise_conv_forward__5x8 of whole images, the expansion by products of quarters (strassen.ts): sums as f32_strassen_sums_forward leaves them.
 * `channelsPerTask` is a multiple of 32, `rowsPerBlock` all rows, inChannels a multiple of 16.
 */
export function f32_expand_depthwise_conv_forward__strassen(
  x: usize, sums: usize, expandWeight: usize, expandBias: usize, weight: usize, bias: usize, y: usize, pooled: usize,
  images: i32, height: i32, width: i32, inChannels: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  imagesPerTask: i32, channelsPerTask: i32, rowsPerBlock: i32, expandActivation: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  expand_and_convolve(
    x, sums, expandWeight, expandBias, weight, bias, y, pooled,
    images, height, width, inChannels, channels, outHeight, outWidth, kernel, stride, padding, dilation, imagesPerTask, channelsPerTask, rowsPerBlock, expandActivation, activation, tile, scratch,
  );
}
