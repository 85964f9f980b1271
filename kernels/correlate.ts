// The inner loops of depthwise convolutions over planes (plane.ts): four neighbouring outputs in registers, so that
// a value is loaded once for all the outputs of a row that it reaches. Rows of 1, 2, 3 and 5 taps have loops
// of their own; any other geometry goes over a list of taps. Each sum takes one addition a turn of the loop, the
// products of a turn being added up first: otherwise a chain of additions is what the core waits for. There is at least one row.

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
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: isize, tapStep: isize,
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
    source += sourceRowStep;
  }
}

/** 2 taps a row; see correlate. */
function correlate_n2s1(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: isize, tapStep: isize,
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
    source += sourceRowStep;
  }
}

/** 3 taps a row; see correlate. */
function correlate_n3s1(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: isize, tapStep: isize,
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
    source += sourceRowStep;
  }
}

/** 5 taps a row; see correlate. */
function correlate_n5s1(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: isize, tapStep: isize,
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
        const w3 = v128.load(filter + tapStep * 3);
        const w4 = v128.load(filter + tapStep * 4);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        const x5 = v128.load(at, 5 * VECTOR);
        const x6 = v128.load(at, 6 * VECTOR);
        const x7 = v128.load(at, 7 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.add(f32x4.mul(w2, x2), f32x4.mul(w3, x3))), f32x4.mul(w4, x4)));
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x1), f32x4.mul(w1, x2)), f32x4.add(f32x4.mul(w2, x3), f32x4.mul(w3, x4))), f32x4.mul(w4, x5)));
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.add(f32x4.mul(w2, x4), f32x4.mul(w3, x5))), f32x4.mul(w4, x6)));
        s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x3), f32x4.mul(w1, x4)), f32x4.add(f32x4.mul(w2, x5), f32x4.mul(w3, x6))), f32x4.mul(w4, x7)));
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
    source += sourceRowStep;
  }
}

/** 3 taps a row, every second value; see correlate. */
function correlate_n3s2(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: isize, tapStep: isize,
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
        const x6 = v128.load(at, 6 * VECTOR);
        const x7 = v128.load(at, 7 * VECTOR);
        const x8 = v128.load(at, 8 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.mul(w2, x2)));
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.mul(w2, x4)));
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.mul(w0, x4), f32x4.mul(w1, x5)), f32x4.mul(w2, x6)));
        s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.mul(w0, x6), f32x4.mul(w1, x7)), f32x4.mul(w2, x8)));
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
      first += 8 * VECTOR;
    }
    target += targetRowStep;
    source += sourceRowStep;
  }
}

/** 5 taps a row, every second value; see correlate. */
function correlate_n5s2(
  target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32, source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32,
  weight: usize, rowStep: isize, tapStep: isize,
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
        const w3 = v128.load(filter + tapStep * 3);
        const w4 = v128.load(filter + tapStep * 4);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        const x5 = v128.load(at, 5 * VECTOR);
        const x6 = v128.load(at, 6 * VECTOR);
        const x7 = v128.load(at, 7 * VECTOR);
        const x8 = v128.load(at, 8 * VECTOR);
        const x9 = v128.load(at, 9 * VECTOR);
        const x10 = v128.load(at, 10 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.add(f32x4.mul(w2, x2), f32x4.mul(w3, x3))), f32x4.mul(w4, x4)));
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.add(f32x4.mul(w2, x4), f32x4.mul(w3, x5))), f32x4.mul(w4, x6)));
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x4), f32x4.mul(w1, x5)), f32x4.add(f32x4.mul(w2, x6), f32x4.mul(w3, x7))), f32x4.mul(w4, x8)));
        s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x6), f32x4.mul(w1, x7)), f32x4.add(f32x4.mul(w2, x8), f32x4.mul(w3, x9))), f32x4.mul(w4, x10)));
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
      first += 8 * VECTOR;
    }
    target += targetRowStep;
    source += sourceRowStep;
  }
}

/**
 * Rows of outputs: target[o][i] = sum over (row, tap) of weight[row][tap] * source[o][row][stride * i + tap], for
 * `count` outputs a row, rounded up to a multiple of four. Outputs stand `targetStep` bytes apart, their rows
 * `targetRowStep`; the values of successive output rows start `sourceRowStep` apart, their own rows `rowBytes`; weights
 * stand `rowStep` and `tapStep` apart (negative: the filter is flipped). Taps: 1, 2, 3 or 5; with stride 2, 3 or 5.
 */
export function correlate(
  taps: i32, stride: i32, target: usize, targetStep: usize, targetRowStep: usize, outRows: i32, count: i32,
  source: usize, sourceRowStep: usize, rowBytes: usize, rows: i32, weight: usize, rowStep: isize, tapStep: isize,
): void {
  if (stride == 2 && taps == 3) correlate_n3s2(target, targetStep, targetRowStep, outRows, count, source, sourceRowStep, rowBytes, rows, weight, rowStep, tapStep);
  else if (stride == 2) correlate_n5s2(target, targetStep, targetRowStep, outRows, count, source, sourceRowStep, rowBytes, rows, weight, rowStep, tapStep);
  else if (taps == 5) correlate_n5s1(target, targetStep, targetRowStep, outRows, count, source, sourceRowStep, rowBytes, rows, weight, rowStep, tapStep);
  else if (taps == 3) correlate_n3s1(target, targetStep, targetRowStep, outRows, count, source, sourceRowStep, rowBytes, rows, weight, rowStep, tapStep);
  else if (taps == 2) correlate_n2s1(target, targetStep, targetRowStep, outRows, count, source, sourceRowStep, rowBytes, rows, weight, rowStep, tapStep);
  else correlate_n1s1(target, targetStep, targetRowStep, outRows, count, source, sourceRowStep, rowBytes, rows, weight, rowStep, tapStep);
}
