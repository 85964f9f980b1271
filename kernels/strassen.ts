// Products of matrices by seven products of their quarters in place of eight: Strassen's, in Winograd's form (docs/kernels.md). Rows are halved within an image, pixel i and pixel i + half; a's columns (input channels)
// in the middle; b's columns (output channels) by thirty-two, sixteen and sixteen. Sums of products stay near, in two buffers.

import { NONE } from './activation';
import { map_step } from './panel';
import { sum_narrow_tiles, sum_wide_tiles } from './strassen-tile';
import { rows_by_fives } from './tile';
import { Five, Four } from './tile-forms';
import { VECTOR } from './vector';

/** Columns that are halved together. */
export const GROUP_COLUMNS: i32 = 32;

/** Bytes of a row of sums: two vectors. */
const ROW_BYTES: usize = 2 * VECTOR;

/** Bytes of scratch for multiply_quarters of so many rows, of the build for wide vectors: two sums, and a row of zeros. */
export function quarters_bytes(rows: i32): usize {
  return (2 * <usize>rows + 1) * 64;
}

/** Pixels of an image that have a partner, of each half. Of an odd number five are left alone. */
export function halved_rows(pixels: i32): i32 {
  return (pixels - 5 * (pixels & 1)) >> 1;
}

/**
 * The sums of a's quarters of `rows` rows of each half: s1 = a21 + a22, s2 = s1 - a11, s3 = a11 - a21, s4 = a12 - s2, of one panel of eight columns; the four `bytes` apart.
 */
export function sum_quarters(sums: usize, bytes: usize, a: usize, across: usize, down: usize, rows: i32): void {
  for (let at: usize = 0; at < 32; at += VECTOR) {
    let from = a + at;
    let to = sums + at;
    for (const end = from + (<usize>rows << 5); from != end; from += 32) {
      const a11 = v128.load(from);
      const a21 = v128.load(from + down);
      const s1 = f32x4.add(a21, v128.load(from + down + across));
      const s2 = f32x4.sub(s1, a11);
      const s3 = f32x4.sub(a11, a21);
      const s4 = f32x4.sub(v128.load(from + across), s2);
      v128.store(to, s1);
      const to2 = to + bytes;
      v128.store(to2, s2);
      const to3 = to2 + bytes;
      v128.store(to3, s3);
      const to4 = to3 + bytes;
      v128.store(to4, s4);
      to += 32;
    }
  }
}

/** The same of a x gate: target <- the quarters themselves, laid out as a is, with steps of its own; gates of the eight columns of the left and of the right quarters. */
export function gate_quarters(
  target: usize, targetAcross: usize, targetDown: usize, sums: usize, bytes: usize, a: usize, across: usize, down: usize, leftGate: usize, rightGate: usize, rows: i32,
): void {
  for (let at: usize = 0; at < 32; at += VECTOR) {
    const left = v128.load(leftGate + at);
    const right = v128.load(rightGate + at);
    let from = a + at;
    let to = target + at;
    let sum = sums + at;
    for (const end = from + (<usize>rows << 5); from != end; from += 32) {
      const lower = from + down, toLower = to + targetDown;
      const a11 = f32x4.mul(v128.load(from), left);
      const a21 = f32x4.mul(v128.load(lower), left);
      const a22 = f32x4.mul(v128.load(lower + across), right);
      const a12 = f32x4.mul(v128.load(from + across), right);
      const s1 = f32x4.add(a21, a22);
      const s2 = f32x4.sub(s1, a11);
      const s3 = f32x4.sub(a11, a21);
      const s4 = f32x4.sub(a12, s2);
      v128.store(to, a11);
      const to12 = to + targetAcross;
      v128.store(to12, a12);
      v128.store(toLower, a21);
      const to22 = toLower + targetAcross;
      v128.store(to22, a22);
      v128.store(sum, s1);
      const sum2 = sum + bytes;
      v128.store(sum2, s2);
      const sum3 = sum2 + bytes;
      v128.store(sum3, s3);
      const sum4 = sum3 + bytes;
      v128.store(sum4, s4);
      to += 32;
      sum += 32;
    }
  }
}

/** Sums of the quarters of each image of x [channels / 8][rows][8], in panels: sums [4][channels / 16][images * halved_rows][8]. A tile is a panel of an image's half. */
export function f32_strassen_sums_forward(x: usize, sums: usize, rows: i32, channels: i32, rowsPerImage: i32, tile: i32, scratch: usize): void {
  const panels = channels >> 4;
  const panel = <usize>(tile % panels);
  const image = tile / panels;
  const half = halved_rows(rowsPerImage);
  const step = map_step(rows);
  const sumStep = map_step(rows / rowsPerImage * half);
  const from = x + panel * step + (<usize>(image * rowsPerImage) << 5);
  sum_quarters(sums + panel * sumStep + (<usize>(image * half) << 5), <usize>panels * sumStep, from, <usize>panels * step, <usize>half << 5, half);
}

/** sums [4][2][inChannels / 2][8] <- t1 = b12 - b11, t2 = b22 - t1, t3 = b22 - b12, b21 - t2 of 32 columns of packed weights (f32_pack_panels_forward). */
export function sum_weight_quarters(sums: usize, b: usize, inChannels: i32): void {
  const panel = <usize>inChannels << 5;
  const half = panel >> 1;
  for (let side: usize = 0; side < 2; side++) {
    let from = b + side * panel;
    let to = sums + side * half;
    for (const end = from + half; from != end; from += VECTOR) {
      const b12 = v128.load(from + 2 * panel);
      const b22 = v128.load(from + 2 * panel + half);
      const t1 = f32x4.sub(b12, v128.load(from));
      const t2 = f32x4.sub(b22, t1);
      const t3 = f32x4.sub(b22, b12);
      const t4 = f32x4.sub(v128.load(from + half), t2);
      v128.store(to, t1);
      const to2 = to + panel;
      v128.store(to2, t2);
      const to3 = to2 + panel;
      v128.store(to3, t3);
      const to4 = to3 + panel;
      v128.store(to4, t4);
      to += VECTOR;
    }
  }
}

/** sum_weight_quarters of all whole groups of 32 columns: sums [outChannels / 32][4][2][inChannels / 2][8]. A tile is a group. */
export function f32_strassen_weight_sums_forward(packed: usize, sums: usize, outChannels: i32, inChannels: i32, tile: i32, scratch: usize): void {
  const at = <usize>(tile * inChannels) << 7;
  sum_weight_quarters(sums + at, packed + at, inChannels);
}

/** sum_narrow_tiles or sum_wide_tiles of `rows` rows, of which `fives` go by fives. */
function sum_rows(
  a: usize, aStep: usize, fives: i32, rows: i32, k: i32, b: usize, panel: usize, from: usize, stride: usize, to: usize,
  more: usize, moreStride: usize, c: usize, step: usize, residual: usize, places: usize, activation: i32,
): void {
  if (WIDE) {
    if (fives > 0) sum_wide_tiles<Five>(a, aStep, 0, fives, k, b, panel, from, stride, to, more, moreStride, c, step, residual, places, activation);
    if (fives < rows) sum_wide_tiles<Four>(a, aStep, fives, rows, k, b, panel, from, stride, to, more, moreStride, c, step, residual, places, activation);
  } else {
    if (fives > 0) sum_narrow_tiles<Five>(a, aStep, 0, fives, k, b, from, stride, to, more, moreStride, c, step, residual, places, activation);
    if (fives < rows) sum_narrow_tiles<Four>(a, aStep, fives, rows, k, b, from, stride, to, more, moreStride, c, step, residual, places, activation);
  }
}

/**
 * c = activation(a b + bias) + residual for `rows` rows (four, five, eight to ten, twelve or more) of each half and whole groups of columns. a in panels aStep apart, its right half of columns `across` behind the left, its lower rows `down` behind the upper ones;
 * sums of its quarters in panels sumStep apart, the four sumBytes apart. b in panels of 2 * k rows, and sums of its quarters. Row i of the upper half stands at places[i] of c (and residual, or 0), that of the lower one at places[lowerPlaces + i] and `below` further on;
 * eight columns are panelStep apart, in narrow builds the second four of them vectorStep. work: quarters_bytes(rows).
 */
export function multiply_quarters(
  a: usize, aStep: usize, across: usize, down: usize, sums: usize, sumStep: usize, sumBytes: usize, rows: i32, k: i32, b: usize, bSums: usize, columns: i32, bias: usize,
  c: usize, panelStep: usize, vectorStep: usize, residual: usize, places: usize, lowerPlaces: i32, below: usize, activation: i32, work: usize,
): void {
  // what the next product begins with (p1, then u2, then u3), and p5, which waits for u2 and u3
  const current = work + 64, p5 = current + (<usize>rows << 6);
  for (let at: usize = 0; at < 64; at += VECTOR) v128.store(work + at, f32x4.splat(0.0));
  const fives = rows_by_fives(rows);
  const panel = <usize>k << 6, half = <usize>k << 5;
  const cStep = WIDE ? panelStep : vectorStep;
  const lower = places + (<usize>lowerPlaces << 2);
  const a12 = a + across, a22 = a12 + down;
  const s2 = sums + sumBytes, s3 = s2 + sumBytes, s4 = s3 + sumBytes;
  for (let column = 0; column < columns; column += GROUP_COLUMNS) {
    for (let part: usize = 0; part < 16 / (ROW_BYTES >> 2); part++) {
      const b1 = b + part * panel, b2 = b1 + 2 * panel + half;
      const t1 = bSums + part * half, t2 = t1 + panel, t3 = t2 + panel, t4 = t3 + panel;
      const left = bias + part * ROW_BYTES, right = left + 64;
      const c1 = c + part * panelStep, c2 = c1 + 2 * panelStep;
      const r1 = residual == 0 ? residual : residual + part * panelStep, r2 = residual == 0 ? residual : r1 + 2 * panelStep;
      const r3 = residual == 0 ? residual : r1 + below, r4 = residual == 0 ? residual : r2 + below;
      sum_rows(a, aStep, fives, rows, k, b1, panel, work, 0, current, 0, 0, 0, 0, 0, 0, NONE);
      sum_rows(a12, aStep, fives, rows, k, b1 + half, panel, current, ROW_BYTES, 0, left, 0, c1, cStep, r1, places, activation);
      sum_rows(sums, sumStep, fives, rows, k, t1, half, right, 0, p5, 0, 0, 0, 0, 0, 0, NONE);
      sum_rows(s2, sumStep, fives, rows, k, t2, half, current, ROW_BYTES, current, 0, 0, 0, 0, 0, 0, NONE);
      sum_rows(s4, sumStep, fives, rows, k, b2, panel, current, ROW_BYTES, 0, p5, ROW_BYTES, c2, cStep, r2, places, activation);
      sum_rows(s3, sumStep, fives, rows, k, t3, half, current, ROW_BYTES, current, p5, ROW_BYTES, c2 + below, cStep, r4, lower, activation);
      sum_rows(a22, aStep, fives, rows, k, t4, half, current, ROW_BYTES, 0, left, 0, c1 + below, cStep, r3, lower, activation);
    }
    b += 4 * panel;
    bSums += 4 * panel;
    bias += <usize>GROUP_COLUMNS << 2;
    c += 4 * panelStep;
    if (residual != 0) residual += 4 * panelStep;
  }
}
