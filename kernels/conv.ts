// Dense K x K convolutions of few input channels (the stem), of maps in NHWC: patches ([ky][kx][ci], zeros
// outside the picture) are gathered into scratch, then multiplied as a pointwise convolution's rows are. The usual stem needs none in inference.

import { NONE } from './activation';
import { EDGE_BYTES, convolve_picture, multiply_into_panels, multiply_panels, multiply_transposed } from './gemm';
import { map_step, pack_columns, panel_bytes } from './panel';
import { line_bytes, load_lines, pixel_bytes } from './picture';
import { load_gradient } from './view';
import { accumulator_bytes, add_statistics, begin_statistics, end_statistics, partial_bytes } from './statistics';

/** Bytes from patch to patch: whole vectors of eight floats, the rest zeros. */
function patch_bytes(depth: i32): usize {
  return (<usize>(depth + 7) & ~7) << 2;
}

function copy_floats(target: usize, source: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 4) store<f32>(target + at, load<f32>(source + at));
}

function zero_floats(target: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 4) store<f32>(target + at, 0.0);
}

/** Copies `count` runs of `bytes`. The last vector of a run may overlap the one before. */
function copy_runs(target: usize, targetStep: usize, source: usize, sourceStep: usize, count: i32, bytes: usize): void {
  if (bytes < 16) {
    for (let i = 0; i < count; i++) copy_floats(target + <usize>i * targetStep, source + <usize>i * sourceStep, bytes);
    return;
  }
  const last = bytes - 16;
  for (let i = 0; i < count; i++) {
    for (let at: usize = 0; at < last; at += 16) v128.store(target + at, v128.load(source + at));
    v128.store(target + last, v128.load(source + last));
    target += targetStep;
    source += sourceStep;
  }
}

/** One row of a patch that reaches over an edge: the taps inside are copied, the others zeros. */
function gather_edge(target: usize, line: usize, left: i32, width: i32, kernel: i32, dilation: i32, pixel: usize): void {
  for (let kx = 0; kx < kernel; kx++) {
    const w = left + kx * dilation;
    if (w >= 0 && w < width) copy_floats(target, line + <usize>w * pixel, pixel);
    else zero_floats(target, pixel);
    target += pixel;
  }
}

/** target[rows][patch_bytes] <- the patches of output pixels number `first` onward. */
function gather_patches(
  target: usize, x: usize, first: i32, rows: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
): void {
  const pixel = <usize>channels << 2;
  const run = <usize>kernel * pixel;
  const depth = kernel * kernel * channels;
  const step = patch_bytes(depth);
  // columns whose patches lie inside the picture from left to right
  const whole = dilation == 1 ? (padding + stride - 1) / stride : outWidth;
  const wholeEnd = dilation == 1 ? max(min((width - kernel + padding) / stride + 1, outWidth), whole) : outWidth;
  let row = first;
  while (row < first + rows) {
    const image = row / (outHeight * outWidth);
    const top = ((row / outWidth) % outHeight) * stride - padding;
    const column = row % outWidth;
    const end = min(outWidth, column + first + rows - row);
    const start = min(max(whole, column), end);
    const stop = min(max(wholeEnd, start), end);
    for (let ky = 0; ky < kernel; ky++) {
      const h = top + ky * dilation;
      const line = x + <usize>((image * height + h) * width) * pixel;
      let patch = target + <usize>ky * run;
      if (h < 0 || h >= height) {
        for (let w = column; w < end; w++) {
          zero_floats(patch, run);
          patch += step;
        }
        continue;
      }
      for (let w = column; w < start; w++) {
        gather_edge(patch, line, w * stride - padding, width, kernel, dilation, pixel);
        patch += step;
      }
      copy_runs(patch, step, line + <usize>(start * stride - padding) * pixel, <usize>stride * pixel, stop - start, run);
      patch += <usize>(stop - start) * step;
      for (let w = stop; w < end; w++) {
        gather_edge(patch, line, w * stride - padding, width, kernel, dilation, pixel);
        patch += step;
      }
    }
    const tail = <usize>depth << 2;
    for (let w = column; w < end; w++) {
      zero_floats(target + tail, step - tail);
      target += step;
    }
    row += end - column;
  }
}

/**
 * Training: y = conv(x) and batch norm's statistics of y. x [N][height][width][inChannels]; weight packed
 * (pack.ts); y [rows = N * outHeight * outWidth][outChannels] and partials written. A tile is `rowsPerTask` rows.
 */
export function f32_conv_statistics_forward__patches(
  x: usize, weight: usize, y: usize, partials: usize,
  rows: i32, height: i32, width: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32, rowsPerTask: i32, rowsPerBlock: i32,
  tile: i32, scratch: usize,
): void {
  const depth = kernel * kernel * inChannels;
  const outStride = <usize>outChannels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const panels = scratch + EDGE_BYTES;
  const accumulators = panels + panel_bytes(rowsPerBlock + 3, depth);
  const patches = accumulators + accumulator_bytes(outChannels);
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    gather_patches(patches, x, row, count, height, width, inChannels, outHeight, outWidth, kernel, stride, padding, dilation);
    pack_columns(panels, <usize>count << 5, patches, patch_bytes(depth), count, <i32>(patch_bytes(depth) >> 2));
    const target = y + <usize>row * outStride;
    multiply_panels(panels, <usize>count << 5, count, depth, weight, outChannels, target, outStride, 0, NONE, 0, scratch);
    if (row == first) begin_statistics(accumulators, target, outChannels);
    add_statistics(accumulators, target, outStride, count, outChannels);
  }
  end_statistics(accumulators, partials + <usize>tile * partial_bytes(outChannels), end - first, 0, outChannels, outChannels);
}

/** Inference: y = activation(conv(x) + bias), as above without statistics, and y in panels of eight channels (docs/kernels.md): [outChannels / 8][rows][8]. */
export function f32_conv_forward__patches(
  x: usize, weight: usize, bias: usize, y: usize,
  rows: i32, height: i32, width: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32, rowsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const depth = kernel * kernel * inChannels;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const panels = scratch + EDGE_BYTES;
  const patches = panels + panel_bytes(rowsPerBlock + 3, depth);
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    gather_patches(patches, x, row, count, height, width, inChannels, outHeight, outWidth, kernel, stride, padding, dilation);
    pack_columns(panels, <usize>count << 5, patches, patch_bytes(depth), count, <i32>(patch_bytes(depth) >> 2));
    multiply_into_panels(panels, <usize>count << 5, count, depth, weight, outChannels, y + (<usize>row << 5), map_step(rows), bias, activation, 0, scratch);
  }
}

/** What f32_conv_forward__picture and u8_conv_forward__picture do; coefficients 0: x is floats. */
function convolve_pictures(
  x: usize, coefficients: usize, weight: usize, bias: usize, y: usize,
  images: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, outChannels: i32, padding: i32, rowsPerTask: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const tasks = (outHeight + rowsPerTask - 1) / rowsPerTask;
  const image = tile / tasks;
  const first = (tile % tasks) * rowsPerTask;
  const count = min(rowsPerTask, outHeight - first);
  const lines = scratch + EDGE_BYTES;
  const lineBytes = line_bytes(outWidth);
  const picture = x + <usize>(image * height * width) * pixel_bytes(coefficients);
  load_lines(lines, picture, coefficients, 2 * first - padding, 2 * count + 1, height, width, outWidth, padding);
  const target = y + (<usize>((image * outHeight + first) * outWidth) << 5);
  const step = map_step(images * outHeight * outWidth);
  for (let row: usize = 0; row < <usize>count; row++) {
    convolve_picture(lines + 2 * row * lineBytes, lineBytes, outWidth, weight, outChannels, target + (row * <usize>outWidth << 5), step, bias, activation, scratch);
  }
}

/**
 * Inference: f32_conv_forward__patches for pictures of three channels, 3 x 3 taps and stride 2, straight from a few lines of the picture. A tile is `rowsPerTask`
 * rows of outputs of an image.
 */
export function f32_conv_forward__picture(
  x: usize, weight: usize, bias: usize, y: usize,
  images: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, outChannels: i32, padding: i32, rowsPerTask: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  convolve_pictures(x, 0, weight, bias, y, images, height, width, outHeight, outWidth, outChannels, padding, rowsPerTask, activation, tile, scratch);
}

/** f32_conv_forward__picture of pictures from bytes, x [N][height][width][3] u8, normalised as by u8_normalize_forward: coefficients [2][3]. */
export function u8_conv_forward__picture(
  x: usize, coefficients: usize, weight: usize, bias: usize, y: usize,
  images: i32, height: i32, width: i32, outHeight: i32, outWidth: i32, outChannels: i32, padding: i32, rowsPerTask: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  convolve_pictures(x, coefficients, weight, bias, y, images, height, width, outHeight, outWidth, outChannels, padding, rowsPerTask, activation, tile, scratch);
}

/**
 * Training, backward: partials[task] = dy^T patches, [tasks][outChannels][K * K * inChannels] written; dy from
 * (da, y) as in view.ts. The picture itself gets no gradient. A tile is `rowsPerTask` rows.
 */
export function f32_conv_grad_weight__patches(
  da: usize, y: usize, coefficients: usize, factors: usize, x: usize, partials: usize,
  rows: i32, height: i32, width: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32, rowsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const depth = kernel * kernel * inChannels;
  const patchBytes = patch_bytes(depth);
  const outStride = <usize>outChannels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const sums = scratch + EDGE_BYTES;
  const dy = sums + <usize>outChannels * patchBytes;
  const incoming = dy + panel_bytes(rowsPerBlock, outChannels);
  const patches = incoming + (outStride << 2);
  const panels = patches + <usize>rowsPerBlock * patchBytes;
  const patchFloats = <i32>(patchBytes >> 2);
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    load_gradient(dy, <usize>count << 5, incoming, da, y, coefficients, factors, activation, 0, 0, row, count, outChannels, outHeight * outWidth);
    gather_patches(patches, x, row, count, height, width, inChannels, outHeight, outWidth, kernel, stride, padding, dilation);
    pack_columns(panels, <usize>count << 5, patches, patchBytes, count, patchFloats);
    multiply_transposed(dy, outChannels, count, panels, patchFloats, sums, patchBytes, row == first ? <usize>0 : sums, scratch);
  }
  const bytes = <usize>depth << 2;
  const partial = partials + <usize>(tile * outChannels) * bytes;
  for (let channel: usize = 0; channel < <usize>outChannels; channel++) memory.copy(partial + channel * bytes, sums + channel * patchBytes, bytes);
}
