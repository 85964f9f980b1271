// Pointwise (1x1) convolutions as matrix products over rows (pixels). In training maps are NHWC, and a task is a run of rows
// handled `rowsPerBlock` at a time, so that a block's operands stay in the core's cache from load to
// epilogue; in inference maps are in panels, which tiles read where they lie. Packed weights: see kernels/pack.ts.

import { NONE } from './activation';
import { EDGE_BYTES, multiply_into_panels, multiply_panels, multiply_transposed } from './gemm';
import { map_step, panel_bytes } from './panel';
import { average_panel } from './pooling';
import { read_two_ahead } from './read-ahead';
import { VECTOR } from './vector';
import { load_gradient, load_normalized } from './view';
import { accumulator_bytes, add_gradient_sums, add_statistics, begin_statistics, end_statistics, partial_bytes } from './statistics';

/**
 * Training: y = a w, a = activation(x * scale + shift) * gate, and batch norm's statistics of y.
 * x [rows][inChannels]; coefficients [2][inChannels] or 0; gate [images][inChannels] or 0; weight
 * packed; y [rows][outChannels] written; partials [tasks] of statistics.ts written.
 * flops 2 * rows * in * out; bytes 4 * rows * (in + out). A tile is `rowsPerTask` rows.
 */
export function f32_pointwise_conv_statistics_forward__5x8(
  x: usize, coefficients: usize, gate: usize, weight: usize, y: usize, partials: usize,
  rows: i32, inChannels: i32, outChannels: i32, rowsPerImage: i32, rowsPerTask: i32, rowsPerBlock: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const inStride = <usize>inChannels << 2;
  const outStride = <usize>outChannels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const loaded = scratch + EDGE_BYTES;
  const accumulators = loaded + panel_bytes(rowsPerBlock + 3, inChannels);
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    const step = <usize>count << 5;
    load_normalized(loaded, step, x, coefficients, activation, gate, row, count, inChannels, rowsPerImage);
    const target = y + <usize>row * outStride;
    const next = min(row + rowsPerBlock, end);
    read_two_ahead(x + <usize>next * inStride, <usize>min(rowsPerBlock, end - next) * inStride, 0, 0, count, inChannels, outChannels);
    multiply_panels(loaded, step, count, inChannels, weight, outChannels, target, outStride, 0, NONE, 0, scratch);
    if (row == first) begin_statistics(accumulators, target, outChannels);
    add_statistics(accumulators, target, outStride, count, outChannels);
  }
  end_statistics(accumulators, partials + <usize>tile * partial_bytes(outChannels), end - first, 0, outChannels, outChannels);
}

/** target [channels / 8][count][8], its panels `targetStep` bytes apart, <- rows of a panelled map, `step` bytes from panel to panel, times gate [channels]. */
export function load_gated_rows(target: usize, targetStep: usize, x: usize, step: usize, gate: usize, count: i32, channels: i32): void {
  const bytes = <usize>count << 5;
  for (const end = gate + (<usize>channels << 2); gate < end; gate += 32) {
    for (let at: usize = 0; at < 32; at += VECTOR) {
      const factor = v128.load(gate + at);
      const from = x + at;
      const to = target + at;
      for (let byte: usize = 0; byte < bytes; byte += 32) v128.store(to + byte, f32x4.mul(v128.load(from + byte), factor));
    }
    x += step;
    target += targetStep;
  }
}

/**
 * Inference: y = activation((x * gate) w + bias) + residual. Maps are in panels of eight channels (docs/kernels.md): x [inChannels / 8][rows][8]; gate
 * [images][inChannels] or 0; weight packed with batch norm folded in; bias [outChannels]; residual
 * [outChannels / 8][rows][8] or 0; y likewise, written. A tile is `rowsPerTask` rows by
 * `columnsPerTask` (a multiple of 8) output channels, column tiles innermost. Channels are multiples of 8.
 */
export function f32_pointwise_conv_forward__5x8(
  x: usize, gate: usize, weight: usize, bias: usize, residual: usize, y: usize,
  rows: i32, inChannels: i32, outChannels: i32, rowsPerImage: i32, rowsPerTask: i32, columnsPerTask: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const columnTasks = (outChannels + columnsPerTask - 1) / columnsPerTask;
  const first = (tile % columnTasks) * columnsPerTask;
  const columns = min(columnsPerTask, outChannels - first);
  const byte = <usize>first << 2;
  const step = map_step(rows);
  const gated = scratch + EDGE_BYTES;
  let row = (tile / columnTasks) * rowsPerTask;
  const end = min(row + rowsPerTask, rows);
  while (row < end) {
    const image = row / rowsPerImage;
    const count = gate == 0 ? end - row : min(end, (image + 1) * rowsPerImage) - row;
    let a = x + (<usize>row << 5);
    let aStep = step;
    if (gate != 0) {
      aStep = map_step(count);
      load_gated_rows(gated, aStep, a, step, gate + <usize>(image * inChannels << 2), count, inChannels);
      a = gated;
    }
    const at = <usize>(first >> 3) * step + (<usize>row << 5);
    multiply_into_panels(
      a, aStep, count, inChannels, weight + byte * <usize>inChannels, columns,
      y + at, step, bias + byte, activation, residual == 0 ? <usize>0 : residual + at, scratch,
    );
    row += count;
  }
}

/**
 * Inference: pooled [images][outChannels], written: the means over each image's rows of activation(x w + bias), of which sixteen columns at a time stand in scratch.
 * x, weight and bias as in f32_pointwise_conv_forward__5x8. A tile is `rowsPerTask` rows, of whole images, by `columnsPerTask` (a multiple of 8) output channels, column tiles innermost. Channels are multiples of 8.
 */
export function f32_pointwise_conv_average_pool_forward__5x8(
  x: usize, weight: usize, bias: usize, pooled: usize,
  rows: i32, inChannels: i32, outChannels: i32, rowsPerImage: i32, rowsPerTask: i32, columnsPerTask: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const columnTasks = (outChannels + columnsPerTask - 1) / columnsPerTask;
  const first = (tile % columnTasks) * columnsPerTask;
  const end = min(first + columnsPerTask, outChannels);
  const row = (tile / columnTasks) * rowsPerTask;
  const count = min(rowsPerTask, rows - row);
  const products = scratch + EDGE_BYTES;
  const step = map_step(count);
  const means = pooled + (<usize>(row / rowsPerImage * outChannels) << 2);
  for (let column = first; column < end; column += 16) {
    const columns = min(16, end - column);
    const byte = <usize>column << 2;
    multiply_into_panels(x + (<usize>row << 5), map_step(rows), count, inChannels, weight + byte * <usize>inChannels, columns, products, step, bias + byte, activation, 0, scratch);
    for (let panel = 0; panel < columns >> 3; panel++) {
      let mean = means + byte + (<usize>panel << 5);
      const at = products + <usize>panel * step;
      for (let pixel = 0; pixel < count; pixel += rowsPerImage) {
        average_panel(mean, at + (<usize>pixel << 5), rowsPerImage);
        mean += <usize>outChannels << 2;
      }
    }
  }
}

/**
 * Training, backward: with dy formed from (da, y) and a from x as in view.ts,
 * dx (+)= dy w^T, partials[task] = dy^T a, and, where the input went through batch norm without a
 * gate, the gradient sums of that batch norm (add_gradient_sums) into sums[task].
 * da [rows][out] or 0; y [rows][out]; coefficients [2][out]; factors [3][out]; gate, pooled
 * [images][out] or 0; x [rows][in]; xCoefficients [2][in] or 0; xGate [images][in] or 0; xSaved
 * [2][in]; weight packed transposed; dx [rows][in] written or (accumulate = 1) added to;
 * partials [tasks][out][in] written; sums [tasks][2][in] written, or 0.
 * flops 4 * rows * in * out; bytes 4 * rows * (2 out + 2 in). A tile is `rowsPerTask` rows.
 */
export function f32_pointwise_conv_grad_input_grad_weight__5x8(
  da: usize, y: usize, coefficients: usize, factors: usize, gate: usize, pooled: usize,
  x: usize, xCoefficients: usize, xGate: usize, xSaved: usize, weight: usize, dx: usize, partials: usize, sums: usize,
  rows: i32, inChannels: i32, outChannels: i32, rowsPerImage: i32, rowsPerTask: i32, rowsPerBlock: i32,
  activation: i32, xActivation: i32, accumulate: i32,
  tile: i32, scratch: usize,
): void {
  const inStride = <usize>inChannels << 2;
  const outStride = <usize>outChannels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const dy = scratch + EDGE_BYTES;
  const a = dy + panel_bytes(rowsPerBlock + 3, outChannels);
  const incoming = a + panel_bytes(rowsPerBlock, inChannels);
  const partial = partials + <usize>tile * inStride * <usize>outChannels;
  const sum = sums + <usize>tile * inStride * 2;
  if (sums != 0) memory.fill(sum, 0, inStride * 2);
  for (let row = first; row < end; row += rowsPerBlock) {
    const count = min(rowsPerBlock, end - row);
    const step = <usize>count << 5;
    load_gradient(dy, step, incoming, da, y, coefficients, factors, activation, gate, pooled, row, count, outChannels, rowsPerImage);
    load_normalized(a, step, x, xCoefficients, xActivation, xGate, row, count, inChannels, rowsPerImage);
    // the next block's rows, the wider map's while the first product is computed
    const next = min(row + rowsPerBlock, end);
    const nextRows = <usize>min(rowsPerBlock, end - next);
    const wider = inChannels >= outChannels;
    const xNext = x + <usize>next * inStride;
    const yNext = y + <usize>next * outStride;
    const xBytes = nextRows * inStride;
    const yBytes = nextRows * outStride;
    read_two_ahead(wider ? xNext : yNext, wider ? xBytes : yBytes, 0, 0, outChannels, count, inChannels);
    multiply_transposed(dy, outChannels, count, a, inChannels, partial, inStride, row == first ? <usize>0 : partial, scratch);
    const target = dx + <usize>row * inStride;
    read_two_ahead(wider ? yNext : xNext, wider ? yBytes : xBytes, da + <usize>next * outStride, da == 0 ? <usize>0 : yBytes, count, outChannels, inChannels);
    multiply_panels(dy, step, count, outChannels, weight, inChannels, target, inStride, 0, NONE, accumulate ? target : <usize>0, scratch);
    if (sums != 0) add_gradient_sums(sum, target, inStride, x + <usize>row * inStride, inStride, count, inChannels, xCoefficients, xSaved, inStride, xActivation);
  }
}
