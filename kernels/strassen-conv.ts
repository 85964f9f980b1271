// Large pointwise convolutions of inference by products of quarters (strassen.ts). Maps are in panels, as in pointwise-conv.ts.

import { EDGE_BYTES, multiply_into_panels } from './gemm';
import { map_step } from './panel';
import { load_gated_rows } from './pointwise-conv';
import { GROUP_COLUMNS, gate_quarters, halved_rows, multiply_quarters, quarters_bytes, sum_quarters } from './strassen';
import { VECTOR } from './vector';

/**
 * f32_pointwise_conv_forward__5x8 by products of quarters (strassen.ts): weightSums as f32_strassen_weight_sums_forward leaves them. A tile is `rowsPerTask` rows of each half of an image, the last one with rows that have no partner.
 * inChannels are a multiple of 16.
 */
export function f32_pointwise_conv_forward__strassen(
  x: usize, gate: usize, weight: usize, weightSums: usize, bias: usize, residual: usize, y: usize,
  rows: i32, inChannels: i32, outChannels: i32, rowsPerImage: i32, rowsPerTask: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const half = halved_rows(rowsPerImage);
  const tasks = (half + rowsPerTask - 1) / rowsPerTask;
  const image = tile / tasks;
  const row = tile % tasks * rowsPerTask;
  const count = min(rowsPerTask, half - row);
  const left = row + count == half ? rowsPerImage - 2 * half : 0;
  const step = map_step(rows);
  const panels = <usize>(inChannels >> 4);
  const sumStep = map_step(count);
  const sumBytes = panels * sumStep;
  const work = scratch + EDGE_BYTES;
  const places = work + quarters_bytes(count);
  const sums = places + (<usize>(count + 15 & ~15) << 2);
  for (let i = 0; i < count; i++) store<u32>(places + (<usize>i << 2), <u32>i << 5);
  const pixel = <usize>(image * rowsPerImage + row) << 5;
  let a = x + pixel;
  let aStep = step;
  let down = <usize>half << 5;
  if (gate != 0) {
    const gated = sums + 4 * sumBytes;
    const gatedStep = map_step(2 * count + left);
    const factors = gate + (<usize>(image * inChannels) << 2);
    const gatedDown = <usize>count << 5;
    const across = panels * gatedStep;
    for (let panel: usize = 0; panel < panels; panel++) {
      const from = a + panel * step, to = gated + panel * gatedStep;
      const leftGate = factors + (panel << 5), rightGate = leftGate + (panels << 5);
      gate_quarters(to, across, gatedDown, sums + panel * sumStep, sumBytes, from, panels * step, down, leftGate, rightGate, count);
      if (left > 0) {
        const rest = <usize>count << 5;
        load_gated_rows(to + gatedDown + rest, 0, from + down + rest, 0, leftGate, left, 8);
        load_gated_rows(to + across + gatedDown + rest, 0, from + panels * step + down + rest, 0, rightGate, left, 8);
      }
    }
    a = gated;
    aStep = gatedStep;
    down = gatedDown;
  } else {
    for (let panel: usize = 0; panel < panels; panel++) sum_quarters(sums + panel * sumStep, sumBytes, a + panel * step, panels * step, down, count);
  }
  const whole = outChannels & ~(GROUP_COLUMNS - 1);
  const target = y + pixel;
  const other = residual == 0 ? residual : residual + pixel;
  const below = <usize>half << 5;
  multiply_quarters(a, aStep, panels * aStep, down, sums, sumStep, sumBytes, count, inChannels >> 1, weight, weightSums, whole, bias, target, step, VECTOR, other, places, 0, below, activation, work);
  const byte = <usize>whole << 2;
  const at = <usize>(whole >> 3) * step;
  const rest = weight + byte * <usize>inChannels;
  if (whole < outChannels) {
    multiply_into_panels(a, aStep, count, inChannels, rest, outChannels - whole, target + at, step, bias + byte, activation, other == 0 ? other : other + at, scratch);
    multiply_into_panels(a + down, aStep, count + left, inChannels, rest, outChannels - whole, target + at + below, step, bias + byte, activation, other == 0 ? other : other + at + below, scratch);
  }
  if (left == 0) return;
  const last = below + (<usize>count << 5);
  multiply_into_panels(a + down + (<usize>count << 5), aStep, left, inChannels, weight, whole, target + last, step, bias, activation, other == 0 ? other : other + last, scratch);
}
