// Dense K x K convolutions of few input channels (the stem), NHWC: rows of patches ([ky][kx][ci], zeros
// outside the picture) are gathered into scratch, then multiplied as a pointwise convolution is.

import { multiply_outer, multiply_panels } from './gemm';
import { gradient_image_rows } from './view';
import { accumulator_bytes, add_statistics, begin_statistics, end_statistics, partial_bytes } from './statistics';
import { finish_rows } from './epilogue';

/** target[rows][kernel * kernel * channels] <- the patches of output pixels number `first` onward. */
function gather_patches(
  target: usize, x: usize, first: i32, rows: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32,
): void {
  const pixel = <usize>channels << 2;
  for (let row = first; row < first + rows; row++) {
    const image = row / (outHeight * outWidth);
    const inside = row % (outHeight * outWidth);
    const top = (inside / outWidth) * stride - padding;
    const left = (inside % outWidth) * stride - padding;
    for (let ky = 0; ky < kernel; ky++) {
      const h = top + ky * dilation;
      for (let kx = 0; kx < kernel; kx++) {
        const w = left + kx * dilation;
        if (h >= 0 && h < height && w >= 0 && w < width) {
          const source = x + <usize>((image * height + h) * width + w) * pixel;
          for (let c: usize = 0; c < pixel; c += 4) store<f32>(target + c, load<f32>(source + c));
        } else {
          for (let c: usize = 0; c < pixel; c += 4) store<f32>(target + c, 0.0);
        }
        target += pixel;
      }
    }
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
  const accumulators = scratch + 32;
  const patches = accumulators + accumulator_bytes(outChannels);
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    gather_patches(patches, x, row, count, height, width, inChannels, outHeight, outWidth, kernel, stride, padding, dilation);
    const target = y + <usize>row * outStride;
    multiply_panels(patches, <usize>depth << 2, count, depth, weight, outChannels, target, outStride, 0, 0, scratch);
    if (row == first) begin_statistics(accumulators, target, outChannels);
    add_statistics(accumulators, target, outStride, count, outChannels);
  }
  end_statistics(accumulators, partials + <usize>tile * partial_bytes(outChannels), end - first, 0, outChannels, outChannels);
}

/** Inference: y = activation(conv(x) + bias), as above without statistics. */
export function f32_conv_forward__patches(
  x: usize, weight: usize, bias: usize, y: usize,
  rows: i32, height: i32, width: i32, inChannels: i32, outHeight: i32, outWidth: i32, outChannels: i32,
  kernel: i32, stride: i32, padding: i32, dilation: i32, rowsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const depth = kernel * kernel * inChannels;
  const outStride = <usize>outChannels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const patches = scratch + 32;
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    gather_patches(patches, x, row, count, height, width, inChannels, outHeight, outWidth, kernel, stride, padding, dilation);
    const target = y + <usize>row * outStride;
    multiply_panels(patches, <usize>depth << 2, count, depth, weight, outChannels, target, outStride, bias, 0, scratch);
    finish_rows(target, outStride, count, outChannels, activation, 0);
  }
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
  const depthStride = <usize>depth << 2;
  const outStride = <usize>outChannels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const dy = scratch;
  const patches = dy + <usize>rowsPerBlock * outStride;
  const partial = partials + <usize>tile * depthStride * <usize>outChannels;
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    gradient_image_rows(dy, da, y, coefficients, factors, activation, 0, 0, row, count, outChannels, outHeight * outWidth);
    gather_patches(patches, x, row, count, height, width, inChannels, outHeight, outWidth, kernel, stride, padding, dilation);
    multiply_outer(dy, outStride, patches, depthStride, count, outChannels, depth, partial, depthStride, row != first);
  }
}
