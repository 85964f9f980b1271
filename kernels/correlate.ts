// Loops over planes (plane.ts) for what depthwise-tile.ts has none: any geometry goes over a list of taps; and the gradient of a convolution with stride 2 has filters of
// 1, 2 or 3 taps a row, whose outputs stand apart. Four neighbouring outputs are in registers, and products of a row of taps are added up before the sum. There is at least one row.

import { VECTOR } from './vector';

/** Room for a tap list of up to 15 x 15, in whole cache lines: what follows in scratch stays aligned. */
export const TAP_BYTES: usize = 1856;

/** Tap number `index`: the offsets of its weight and of its value. */
export function add_tap(taps: usize, index: i32, weight: usize, value: isize): void {
  store<usize>(taps + (<usize>index << 3), weight);
  store<isize>(taps + (<usize>index << 3), value, 4);
}

/**
 * target[i] = sum over taps of weight[tap] * value[tap] for `count` outputs, `targetStep` bytes apart; the values of
 * neighbouring outputs stand `sourceStep` apart.
 */
export function correlate_taps(
  target: usize, targetStep: usize, count: i32, source: usize, sourceStep: usize, taps: usize, tapCount: i32, weight: usize,
): void {
  const endTap = taps + (<usize>tapCount << 3);
  for (let i = 0; i < count; i++) {
    let sum = f32x4.splat(0.0);
    for (let tap = taps; tap < endTap; tap += 8) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(weight + load<usize>(tap)), v128.load(source + load<usize>(tap, 4))));
    }
    v128.store(target, sum);
    target += targetStep;
    source += sourceStep;
  }
}

/** 1 tap a row; see correlate. */
function correlate_n1s1(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: usize, tapStep: usize,
): void {
  const end = weight + rowStep * rows;
  for (let out = 0; out < outRows; out++) {
    let output = target;
    let first = source;
    for (let i = 0; i < count; i += 4) {
      let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0;
      let at = first;
      let filter = weight;
      do {
        const w0 = v128.load(filter);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        s0 = f32x4.add(s0, f32x4.mul(w0, x0));
        s1 = f32x4.add(s1, f32x4.mul(w0, x1));
        s2 = f32x4.add(s2, f32x4.mul(w0, x2));
        s3 = f32x4.add(s3, f32x4.mul(w0, x3));
        at += rowBytes;
        filter += rowStep;
      } while (filter != end);
      v128.store(output, s0);
      output += targetStep;
      v128.store(output, s1);
      output += targetStep;
      v128.store(output, s2);
      output += targetStep;
      v128.store(output, s3);
      output += targetStep;
      first += 4 * VECTOR;
    }
    target += targetRowStep;
    source += rowBytes;
  }
}

/** 2 taps a row; see correlate. */
function correlate_n2s1(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: usize, tapStep: usize,
): void {
  const end = weight + rowStep * rows;
  for (let out = 0; out < outRows; out++) {
    let output = target;
    let first = source;
    for (let i = 0; i < count; i += 4) {
      let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0;
      let at = first;
      let filter = weight;
      do {
        const w0 = v128.load(filter);
        const w1 = v128.load(filter + tapStep);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)));
        s1 = f32x4.add(s1, f32x4.add(f32x4.mul(w0, x1), f32x4.mul(w1, x2)));
        s2 = f32x4.add(s2, f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)));
        s3 = f32x4.add(s3, f32x4.add(f32x4.mul(w0, x3), f32x4.mul(w1, x4)));
        at += rowBytes;
        filter += rowStep;
      } while (filter != end);
      v128.store(output, s0);
      output += targetStep;
      v128.store(output, s1);
      output += targetStep;
      v128.store(output, s2);
      output += targetStep;
      v128.store(output, s3);
      output += targetStep;
      first += 4 * VECTOR;
    }
    target += targetRowStep;
    source += rowBytes;
  }
}

/** 3 taps a row; see correlate. */
function correlate_n3s1(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: usize, tapStep: usize,
): void {
  const end = weight + rowStep * rows;
  for (let out = 0; out < outRows; out++) {
    let output = target;
    let first = source;
    for (let i = 0; i < count; i += 4) {
      let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0;
      let at = first;
      let filter = weight;
      do {
        const w0 = v128.load(filter);
        const w1 = v128.load(filter + tapStep);
        const w2 = v128.load(filter + tapStep * 2);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        const x5 = v128.load(at, 5 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.mul(w2, x2)));
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.mul(w0, x1), f32x4.mul(w1, x2)), f32x4.mul(w2, x3)));
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.mul(w2, x4)));
        s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.mul(w0, x3), f32x4.mul(w1, x4)), f32x4.mul(w2, x5)));
        at += rowBytes;
        filter += rowStep;
      } while (filter != end);
      v128.store(output, s0);
      output += targetStep;
      v128.store(output, s1);
      output += targetStep;
      v128.store(output, s2);
      output += targetStep;
      v128.store(output, s3);
      output += targetStep;
      first += 4 * VECTOR;
    }
    target += targetRowStep;
    source += rowBytes;
  }
}

/**
 * Rows of outputs: target[o][i] = sum over (row, tap) of weight[row][tap] * source[o + row][i + tap], for
 * `count` outputs a row, rounded up to a multiple of four. Outputs stand `targetStep` bytes apart, their rows
 * `targetRowStep`, rows of values `rowBytes`, weights `rowStep` and `tapStep`. Taps: 1, 2 or 3.
 */
export function correlate(
  taps: i32, target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32,
  source: usize, rowBytes: usize, rows: i32, weight: usize, rowStep: usize, tapStep: usize,
): void {
  if (taps == 3) correlate_n3s1(target, targetStep, targetRowStep, outRows, count, source, rowBytes, rows, weight, rowStep, tapStep);
  else if (taps == 2) correlate_n2s1(target, targetStep, targetRowStep, outRows, count, source, rowBytes, rows, weight, rowStep, tapStep);
  else correlate_n1s1(target, targetStep, targetRowStep, outRows, count, source, rowBytes, rows, weight, rowStep, tapStep);
}
