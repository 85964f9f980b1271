// Depthwise K x K convolutions, NHWC. A task takes a block of channels of some images and walks down
// them `rowsPerBlock` rows at a time: the rows it needs are brought, normalised and with zeros around
// them, into scratch that stays in cache, and read there once per tap. Four output pixels are computed
// at once for four channels, over a list of taps: (offset of the weight, offset of the value).

import { gradient_rows, normalize_rows } from './view';
import { accumulator_bytes, add_gradient_sums, add_statistics, begin_statistics, end_statistics, partial_bytes } from './statistics';
import { finish_rows } from './epilogue';
import { TAP_BYTES, add_tap, correlate, correlate_taps, is_special } from './correlate';

/** All taps of a forward convolution: weights [kernel * kernel], rows `rowBytes` and pixels `pixelBytes` apart. Returns their number. */
function forward_taps(taps: usize, kernel: i32, dilation: i32, weightBytes: usize, rowBytes: usize, pixelBytes: usize): i32 {
  for (let ky = 0; ky < kernel; ky++) {
    for (let kx = 0; kx < kernel; kx++) {
      const value = <usize>(ky * dilation) * rowBytes + <usize>(kx * dilation) * pixelBytes;
      add_tap(taps, ky * kernel + kx, <usize>(ky * kernel + kx) * weightBytes, <isize>value);
    }
  }
  return kernel * kernel;
}

/**
 * target[rows][columns][channels] <- the normalised pixels from (top, left) on of an image whose
 * block of channels starts at `image`; zeros outside.
 */
function load_padded(
  target: usize, image: usize, pixelStride: usize, height: i32, width: i32,
  top: i32, left: i32, rows: i32, columns: i32, channels: i32, scale: usize, shift: usize, activation: i32,
): void {
  const pixel = <usize>channels << 2;
  const rowBytes = <usize>columns * pixel;
  const firstColumn = max(-left, 0);
  const endColumn = max(min(width - left, columns), firstColumn);
  for (let row = top; row < top + rows; row++) {
    if (row < 0 || row >= height) {
      memory.fill(target, 0, rowBytes);
    } else {
      memory.fill(target, 0, <usize>firstColumn * pixel);
      const source = image + <usize>(row * width + left + firstColumn) * pixelStride;
      normalize_rows(target + <usize>firstColumn * pixel, pixel, source, pixelStride, endColumn - firstColumn, channels, scale, shift, activation);
      memory.fill(target + <usize>endColumn * pixel, 0, <usize>(columns - endColumn) * pixel);
    }
    target += rowBytes;
  }
}

/**
 * Training: y = depthwise(a), a = activation(x * scale + shift), and batch norm's statistics of y.
 * x [N][height][width][channels]; coefficients [2][channels] or 0; weight packed [K * K][channels];
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
  const pixel = <usize>block << 2;
  const columns = (outWidth - 1) * stride + (kernel - 1) * dilation + 1;
  const rowBytes = <usize>columns * pixel;
  const scale = coefficients == 0 ? <usize>0 : coefficients + byte;
  const taps = scratch;
  const accumulators = taps + TAP_BYTES;
  const loaded = accumulators + accumulator_bytes(block);
  const tapCount = forward_taps(taps, kernel, dilation, pixelStride, rowBytes, pixel);
  const special = is_special(kernel, stride, dilation, outWidth, false);
  const firstImage = group * imagesPerTask;
  const endImage = min(firstImage + imagesPerTask, images);
  for (let image = firstImage; image < endImage; image++) {
    const source = x + <usize>(image * height * width) * pixelStride + byte;
    for (let row = 0; row < outHeight; row += rowsPerBlock) {
      const count = min(rowsPerBlock, outHeight - row);
      const rows = (count - 1) * stride + (kernel - 1) * dilation + 1;
      load_padded(loaded, source, pixelStride, height, width, row * stride - padding, -padding, rows, columns, block, scale, scale + pixelStride, activation);
      const target = y + <usize>((image * outHeight + row) * outWidth) * pixelStride + byte;
      for (let i = 0; i < count; i++) {
        const values = loaded + <usize>(i * stride) * rowBytes;
        const line = target + <usize>(i * outWidth) * pixelStride;
        if (special) correlate(kernel, stride, line, pixelStride, outWidth, values, rowBytes, pixel, weight + byte, <isize>pixelStride, block, 0, false);
        else correlate_taps(line, pixelStride, outWidth, values, <usize>stride * pixel, taps, tapCount, weight + byte, block, 0, false);
      }
      if (row == 0 && image == firstImage) begin_statistics(accumulators, target, block);
      add_statistics(accumulators, target, pixelStride, count * outWidth, block);
    }
  }
  const total = (endImage - firstImage) * outHeight * outWidth;
  end_statistics(accumulators, partials + <usize>group * partial_bytes(channels), total, firstChannel, block, channels);
}

/**
 * Inference: y = activation(depthwise(x) + bias). x [N][height][width][channels]; weight packed with
 * batch norm folded in; y [N][outHeight][outWidth][channels] written. A tile is `rowsPerBlock` rows of
 * one image by `channelsPerTask` channels, channel blocks innermost.
 */
export function f32_depthwise_conv_forward__c4w4(
  x: usize, weight: usize, bias: usize, y: usize,
  images: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
  channelsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + channelsPerTask - 1) / channelsPerTask;
  const rowTasks = (outHeight + rowsPerBlock - 1) / rowsPerBlock;
  const firstChannel = (tile % channelTasks) * channelsPerTask;
  const rowTile = tile / channelTasks;
  const image = rowTile / rowTasks;
  const row = (rowTile % rowTasks) * rowsPerBlock;
  const block = min(channelsPerTask, channels - firstChannel);
  const byte = <usize>firstChannel << 2;
  const pixelStride = <usize>channels << 2;
  const pixel = <usize>block << 2;
  const columns = (outWidth - 1) * stride + (kernel - 1) * dilation + 1;
  const rowBytes = <usize>columns * pixel;
  const loaded = scratch + TAP_BYTES;
  const tapCount = forward_taps(scratch, kernel, dilation, pixelStride, rowBytes, pixel);
  const special = is_special(kernel, stride, dilation, outWidth, false);
  const count = min(rowsPerBlock, outHeight - row);
  const rows = (count - 1) * stride + (kernel - 1) * dilation + 1;
  const source = x + <usize>(image * height * width) * pixelStride + byte;
  load_padded(loaded, source, pixelStride, height, width, row * stride - padding, -padding, rows, columns, block, 0, 0, 0);
  const target = y + <usize>((image * outHeight + row) * outWidth) * pixelStride + byte;
  for (let i = 0; i < count; i++) {
    const line = target + <usize>(i * outWidth) * pixelStride;
    const values = loaded + <usize>(i * stride) * rowBytes;
    if (special) correlate(kernel, stride, line, pixelStride, outWidth, values, rowBytes, pixel, weight + byte, <isize>pixelStride, block, bias + byte, false);
    else correlate_taps(line, pixelStride, outWidth, values, <usize>stride * pixel, scratch, tapCount, weight + byte, block, bias + byte, false);
  }
  finish_rows(target, pixelStride, count * outWidth, block, activation, 0);
}

/** The taps that reach input pixel (h, w) of a backward pass: those whose output lies on the stride's grid. */
function backward_taps(
  taps: usize, h: i32, w: i32, firstRow: i32, firstColumn: i32, kernel: i32, stride: i32, padding: i32, dilation: i32,
  weightBytes: usize, rowBytes: usize, pixelBytes: usize,
): i32 {
  let count = 0;
  for (let ky = 0; ky < kernel; ky++) {
    const y = h + padding - ky * dilation;
    if (y % stride != 0) continue;
    for (let kx = 0; kx < kernel; kx++) {
      const x = w + padding - kx * dilation;
      if (x % stride != 0) continue;
      const value = <isize>(y / stride - firstRow) * <isize>rowBytes + <isize>(x / stride - firstColumn) * <isize>pixelBytes;
      add_tap(taps, count, <usize>(ky * kernel + kx) * weightBytes, value);
      count++;
    }
  }
  return count;
}

function add_vector(target: usize, value: v128): void {
  v128.store(target, f32x4.add(v128.load(target), value));
}

/** The nine sums of a 3 x 3 filter at four channels; see add_weight_gradient. */
function add_weight_gradient_k3(
  target: usize, tapStride: usize, dy: usize, dyRowBytes: usize, values: usize, rowBytes: usize, pixel: usize,
  rows: i32, columns: i32, step: usize, hop: usize, line: usize,
): void {
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0;
  const hop2 = hop * 2;
  for (let row = 0; row < rows; row++) {
    let gradient = dy + <usize>row * dyRowBytes;
    let v0 = values + <usize>row * rowBytes;
    let v1 = v0 + line;
    let v2 = v1 + line;
    for (let column = 0; column < columns; column++) {
      const d = v128.load(gradient);
      s0 = f32x4.add(s0, f32x4.mul(d, v128.load(v0)));
      s1 = f32x4.add(s1, f32x4.mul(d, v128.load(v0 + hop)));
      s2 = f32x4.add(s2, f32x4.mul(d, v128.load(v0 + hop2)));
      s3 = f32x4.add(s3, f32x4.mul(d, v128.load(v1)));
      s4 = f32x4.add(s4, f32x4.mul(d, v128.load(v1 + hop)));
      s5 = f32x4.add(s5, f32x4.mul(d, v128.load(v1 + hop2)));
      s6 = f32x4.add(s6, f32x4.mul(d, v128.load(v2)));
      s7 = f32x4.add(s7, f32x4.mul(d, v128.load(v2 + hop)));
      s8 = f32x4.add(s8, f32x4.mul(d, v128.load(v2 + hop2)));
      gradient += pixel;
      v0 += step;
      v1 += step;
      v2 += step;
    }
  }
  add_vector(target + tapStride * 0, s0);
  add_vector(target + tapStride * 1, s1);
  add_vector(target + tapStride * 2, s2);
  add_vector(target + tapStride * 3, s3);
  add_vector(target + tapStride * 4, s4);
  add_vector(target + tapStride * 5, s5);
  add_vector(target + tapStride * 6, s6);
  add_vector(target + tapStride * 7, s7);
  add_vector(target + tapStride * 8, s8);
}

/** The five sums of one row of a 5 x 5 filter at four channels; see add_weight_gradient. */
function add_weight_gradient_k5(
  target: usize, tapStride: usize, dy: usize, dyRowBytes: usize, values: usize, rowBytes: usize, pixel: usize,
  rows: i32, columns: i32, step: usize, hop: usize,
): void {
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0;
  const hop2 = hop * 2;
  const hop3 = hop * 3;
  const hop4 = hop * 4;
  for (let row = 0; row < rows; row++) {
    let gradient = dy + <usize>row * dyRowBytes;
    let value = values + <usize>row * rowBytes;
    let column = 0;
    for (; column + 2 <= columns; column += 2) {
      const d = v128.load(gradient);
      const e = v128.load(gradient + pixel);
      const next = value + step;
      s0 = f32x4.add(s0, f32x4.mul(d, v128.load(value)));
      s5 = f32x4.add(s5, f32x4.mul(e, v128.load(next)));
      s1 = f32x4.add(s1, f32x4.mul(d, v128.load(value + hop)));
      s6 = f32x4.add(s6, f32x4.mul(e, v128.load(next + hop)));
      s2 = f32x4.add(s2, f32x4.mul(d, v128.load(value + hop2)));
      s7 = f32x4.add(s7, f32x4.mul(e, v128.load(next + hop2)));
      s3 = f32x4.add(s3, f32x4.mul(d, v128.load(value + hop3)));
      s8 = f32x4.add(s8, f32x4.mul(e, v128.load(next + hop3)));
      s4 = f32x4.add(s4, f32x4.mul(d, v128.load(value + hop4)));
      s9 = f32x4.add(s9, f32x4.mul(e, v128.load(next + hop4)));
      gradient += pixel * 2;
      value = next + step;
    }
    if (column < columns) {
      const d = v128.load(gradient);
      s0 = f32x4.add(s0, f32x4.mul(d, v128.load(value)));
      s1 = f32x4.add(s1, f32x4.mul(d, v128.load(value + hop)));
      s2 = f32x4.add(s2, f32x4.mul(d, v128.load(value + hop2)));
      s3 = f32x4.add(s3, f32x4.mul(d, v128.load(value + hop3)));
      s4 = f32x4.add(s4, f32x4.mul(d, v128.load(value + hop4)));
    }
  }
  add_vector(target + tapStride * 0, f32x4.add(s0, s5));
  add_vector(target + tapStride * 1, f32x4.add(s1, s6));
  add_vector(target + tapStride * 2, f32x4.add(s2, s7));
  add_vector(target + tapStride * 3, f32x4.add(s3, s8));
  add_vector(target + tapStride * 4, f32x4.add(s4, s9));
}

/** One tap at four channels. */
function add_weight_gradient_tap(
  target: usize, dy: usize, dyRowBytes: usize, values: usize, rowBytes: usize, pixel: usize, rows: i32, columns: i32, step: usize,
): void {
  let sum = f32x4.splat(0.0);
  for (let row = 0; row < rows; row++) {
    let gradient = dy + <usize>row * dyRowBytes;
    let value = values + <usize>row * rowBytes;
    for (let column = 0; column < columns; column++) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(gradient), v128.load(value)));
      gradient += pixel;
      value += step;
    }
  }
  add_vector(target, sum);
}

/** Adds to dWeight [K * K][channels] (taps `tapStride` bytes apart) the products of dy rows with the values they saw. */
function add_weight_gradient(
  dWeight: usize, tapStride: usize, dy: usize, dyRowBytes: usize, values: usize, rowBytes: usize, pixel: usize,
  rows: i32, columns: i32, kernel: i32, stride: i32, dilation: i32,
): void {
  const step = <usize>stride * pixel;
  const hop = <usize>dilation * pixel;
  const line = <usize>dilation * rowBytes;
  const stepBytes = <usize>stride * rowBytes;
  for (let c: usize = 0; c < pixel; c += 16) {
    if (kernel == 3) {
      add_weight_gradient_k3(dWeight + c, tapStride, dy + c, dyRowBytes, values + c, stepBytes, pixel, rows, columns, step, hop, line);
      continue;
    }
    for (let ky = 0; ky < kernel; ky++) {
      const first = dWeight + <usize>(ky * kernel) * tapStride + c;
      const row = values + <usize>ky * line + c;
      if (kernel == 5) {
        add_weight_gradient_k5(first, tapStride, dy + c, dyRowBytes, row, stepBytes, pixel, rows, columns, step, hop);
        continue;
      }
      for (let kx = 0; kx < kernel; kx++) {
        add_weight_gradient_tap(first + <usize>kx * tapStride, dy + c, dyRowBytes, row + <usize>kx * hop, stepBytes, pixel, rows, columns, step);
      }
    }
  }
}

/** target[rows][columns][channels] <- dy from (firstRow, firstColumn) on; zeros outside. Pointers are at this image and channel block. */
function load_padded_gradient(
  target: usize, da: usize, y: usize, pixelStride: usize, height: i32, width: i32,
  firstRow: i32, firstColumn: i32, rows: i32, columns: i32, channels: i32,
  coefficients: usize, factors: usize, activation: i32, gate: usize, pooled: usize,
): void {
  const pixel = <usize>channels << 2;
  const rowBytes = <usize>columns * pixel;
  const start = max(-firstColumn, 0);
  const end = max(min(width - firstColumn, columns), start);
  for (let row = firstRow; row < firstRow + rows; row++) {
    if (row < 0 || row >= height) {
      memory.fill(target, 0, rowBytes);
    } else {
      memory.fill(target, 0, <usize>start * pixel);
      const at = <usize>(row * width + firstColumn + start) * pixelStride;
      gradient_rows(
        target + <usize>start * pixel, pixel, da == 0 ? <usize>0 : da + at, y + at, pixelStride, end - start, channels,
        coefficients, factors, pixelStride, activation, gate, pooled,
      );
      memory.fill(target + <usize>end * pixel, 0, <usize>(columns - end) * pixel);
    }
    target += rowBytes;
  }
}

function floor_divide(a: i32, b: i32): i32 {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/**
 * Training, backward: with dy formed from (da, y) and a from x as in view.ts, dx (+)= the transposed
 * convolution of dy, partials[group] = the weights' gradient [K * K][channels], and sums[group] the
 * gradient sums of the input's batch norm (0: none). da [N][oh][ow][channels] or 0; y likewise;
 * coefficients, xCoefficients, xSaved [2][channels]; factors [3][channels]; gate, pooled [N][channels]
 * or 0; x, dx [N][height][width][channels]; weight packed [K * K][channels]. A tile is a group of
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
  const pixel = <usize>block << 2;
  const reach = (kernel - 1) * dilation;
  const firstColumn = floor_divide(padding - reach, stride);
  const gradientColumns = (width - 1 + padding) / stride - firstColumn + 1;
  const gradientRowBytes = <usize>gradientColumns * pixel;
  const valueColumns = (outWidth - 1) * stride + reach + 1;
  const valueRowBytes = <usize>valueColumns * pixel;
  const xScale = xCoefficients == 0 ? <usize>0 : xCoefficients + byte;
  const special = stride == 1 && is_special(kernel, 1, dilation, width, accumulate != 0);
  const lastTap = weight + byte + <usize>(kernel * kernel - 1) * pixelStride;

  const taps = scratch;
  const localSums = taps + TAP_BYTES;
  const dy = localSums + pixel * 2;
  const gradientRows = (rowsPerBlock + reach) / stride + 2;
  const values = dy + <usize>gradientRows * gradientRowBytes;
  const partial = partials + <usize>group * <usize>(kernel * kernel) * pixelStride + byte;
  for (let tap = 0; tap < kernel * kernel; tap++) memory.fill(partial + <usize>tap * pixelStride, 0, pixel);
  memory.fill(localSums, 0, pixel * 2);

  const endImage = min((group + 1) * imagesPerTask, images);
  for (let image = group * imagesPerTask; image < endImage; image++) {
    const outStart = <usize>(image * outHeight * outWidth) * pixelStride + byte;
    const inStart = <usize>(image * height * width) * pixelStride + byte;
    const vector = <usize>image * pixelStride + byte;
    for (let top = 0; top < height; top += rowsPerBlock) {
      const bottom = min(top + rowsPerBlock, height);
      const firstRow = floor_divide(top + padding - reach, stride);
      const rows = (bottom - 1 + padding) / stride - firstRow + 1;
      load_padded_gradient(
        dy, da == 0 ? <usize>0 : da + outStart, y + outStart, pixelStride, outHeight, outWidth, firstRow, firstColumn, rows, gradientColumns, block,
        coefficients + byte, factors + byte, activation, gate == 0 ? <usize>0 : gate + vector, pooled == 0 ? <usize>0 : pooled + vector,
      );
      // dx
      for (let h = top; h < bottom; h++) {
        const target = dx + inStart + <usize>(h * width) * pixelStride;
        if (special) {
          // stride 1: the transposed convolution is a convolution with the filter flipped
          const row = dy + <usize>(h + padding - reach - firstRow) * gradientRowBytes;
          correlate(kernel, 1, target, pixelStride, width, row, gradientRowBytes, pixel, lastTap, -<isize>pixelStride, block, 0, accumulate != 0);
          continue;
        }
        for (let w = 0; w < min(stride, width); w++) {
          const count = backward_taps(taps, h, w, firstRow, firstColumn, kernel, stride, padding, dilation, pixelStride, gradientRowBytes, pixel);
          correlate_taps(target + <usize>w * pixelStride, <usize>stride * pixelStride, (width - w + stride - 1) / stride, dy, pixel, taps, count, weight + byte, block, 0, accumulate != 0);
        }
      }
      // the weights' gradient, from the rows of dy that belong to this block
      const ownFirst = (top + stride - 1) / stride;
      const ownEnd = min((bottom + stride - 1) / stride, outHeight);
      if (ownEnd > ownFirst) {
        const valueRows = (ownEnd - ownFirst - 1) * stride + reach + 1;
        load_padded(values, x + inStart, pixelStride, height, width, ownFirst * stride - padding, -padding, valueRows, valueColumns, block, xScale, xScale + pixelStride, xActivation);
        const own = dy + <usize>(ownFirst - firstRow) * gradientRowBytes - <usize>firstColumn * pixel;
        add_weight_gradient(partial, pixelStride, own, gradientRowBytes, values, valueRowBytes, pixel, ownEnd - ownFirst, outWidth, kernel, stride, dilation);
      }
      if (sums != 0) {
        const at = inStart + <usize>(top * width) * pixelStride;
        add_gradient_sums(localSums, dx + at, pixelStride, x + at, pixelStride, (bottom - top) * width, block, xScale, xSaved + byte, pixelStride, xActivation);
      }
    }
  }
  if (sums != 0) {
    const sum = sums + <usize>group * pixelStride * 2 + byte;
    memory.copy(sum, localSums, pixel);
    memory.copy(sum + pixelStride, localSums + pixel, pixel);
  }
}
