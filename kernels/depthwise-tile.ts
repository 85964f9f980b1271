// The inner loops of depthwise convolutions, over planes (plane.ts): four or three neighbouring outputs in registers, so that a value is loaded once for all outputs of a row that it reaches.
// Weights of eight channels stand together, [channels / 8][K * K][8], and the rows of a filter are written out: all offsets are constants, and a core takes up few instructions
// beside the arithmetic. Products of a row of taps are added up before the sum, so that a core does not wait for a chain of additions. As in tile.ts, what stands here is what the processor
// gets (scripts/compile.js), and older V8s, which order a block's instructions themselves, need a block for each row of a filter: a way out, though none is taken but the last, and
// a store that never happens.

import { HALF_ROOT, RELU, ROOT, SCALED_HARD_SWISH, clamp, held, high_of, low_of, scaled_hard_swish } from './activation';
import { VECTOR } from './vector';

// Type parameters.
/** Sums, in a plane. */
export type Plain = f32;
/** Inference: sums begin with the bias and end as activations, in a panel. */
export type Activated = u32;

/** From an output to the next. */
// @ts-ignore: decorator
@inline
function pixel_bytes<End>(): usize {
  return isInteger<End>() ? 32 : VECTOR;
}

/** A constant from before a loop: the same in both halves of a wide vector (scripts/widen.js). */
type Held = v128;

/** Outputs of a tile. */
type Three = f32;
type Four = f64;

/** Filters: 3 x 3 or 5 x 5, with stride 1 or 2. */
type ThreeStride1 = f32;
type FiveStride1 = f64;
type ThreeStride2 = u32;
type FiveStride2 = u64;

// @ts-ignore: decorator
@inline
function stride_of<Filter>(): usize {
  return isInteger<Filter>() ? 2 : 1;
}

// @ts-ignore: decorator
@inline
function count_of<Count>(): i32 {
  return sizeof<Count>() == 8 ? 4 : 3;
}

/** Stores a tile's outputs. Each activation has stores of its own: where ways meet, values move to other registers. */
// @ts-ignore: decorator
@inline
function leave<End, Count>(
  output: usize, activation: i32, low: Held, high: Held, half: Held, root: Held, s0: v128, s1: v128, s2: v128, s3: v128,
): void {
  if (!isInteger<End>()) {
    v128.store(output, s0);
    v128.store(output, s1, VECTOR);
    v128.store(output, s2, 2 * VECTOR);
    if (count_of<Count>() == 4) {
      v128.store(output, s3, 3 * VECTOR);
    }
  } else if (activation == SCALED_HARD_SWISH) {
    v128.store(output, scaled_hard_swish(s0, low, half, root));
    v128.store(output, scaled_hard_swish(s1, low, half, root), 32);
    v128.store(output, scaled_hard_swish(s2, low, half, root), 64);
    if (count_of<Count>() == 4) {
      v128.store(output, scaled_hard_swish(s3, low, half, root), 96);
    }
  } else if (activation == RELU) {
    v128.store(output, f32x4.pmax(s0, low));
    v128.store(output, f32x4.pmax(s1, low), 32);
    v128.store(output, f32x4.pmax(s2, low), 64);
    if (count_of<Count>() == 4) {
      v128.store(output, f32x4.pmax(s3, low), 96);
    }
  } else {
    v128.store(output, clamp(s0, low, high));
    v128.store(output, clamp(s1, low, high), 32);
    v128.store(output, clamp(s2, low, high), 64);
    if (count_of<Count>() == 4) {
      v128.store(output, clamp(s3, low, high), 96);
    }
  }
}

/** How many tiles of three outputs a row has, so that all others are of four and, if it can be, none is computed twice. */
function tiles_of_three(outWidth: i32): i32 {
  const threes = -outWidth & 3;
  return 3 * threes > outWidth ? outWidth >> 2 : threes;
}

/** The tiles of four: one at least of one or two outputs, behind which there is room. Five are four and the last three. */
function tiles_of_four(outWidth: i32): i32 {
  return max((outWidth - 3 * tiles_of_three(outWidth) + 3) >> 2, 0);
}

// @ts-ignore: decorator
@inline
function tile_k3s1<End, Count>(
  output: usize, first: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32, low: Held, high: Held, half: Held, root: Held,
): void {
  let at = first;
  let s0 = f32x4.splat(0.0);
  if (isInteger<End>()) s0 = v128.load(bias);
  let s1 = s0, s2 = s0, s3 = s0;
  const last = first + 3 * rowBytes;
  do {
    for (let row: usize = 0; row < 3; row++) { // written out
      {
        const w0 = v128.load(weight, 96 * row);
        const w1 = v128.load(weight, 96 * row + 32);
        const w2 = v128.load(weight, 96 * row + 64);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.mul(w2, x2)));
        const x3 = v128.load(at, 3 * VECTOR);
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.mul(w0, x1), f32x4.mul(w1, x2)), f32x4.mul(w2, x3)));
        const x4 = v128.load(at, 4 * VECTOR);
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.mul(w2, x4)));
        if (count_of<Count>() == 4) {
          const x5 = v128.load(at, 5 * VECTOR);
          s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.mul(w0, x3), f32x4.mul(w1, x4)), f32x4.mul(w2, x5)));
        }
        at += rowBytes;
        if (TURBOFAN) {
          if (at == last) break;
          if (at == 1) store<i32>(at, 0);
        }
      }
    }
  } while (false);
  leave<End, Count>(output, activation, low, high, half, root, s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
function tile_k5s1<End, Count>(
  output: usize, first: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32, low: Held, high: Held, half: Held, root: Held,
): void {
  let at = first;
  let s0 = f32x4.splat(0.0);
  if (isInteger<End>()) s0 = v128.load(bias);
  let s1 = s0, s2 = s0, s3 = s0;
  const last = first + 5 * rowBytes;
  do {
    for (let row: usize = 0; row < 5; row++) { // written out
      {
        const w0 = v128.load(weight, 160 * row);
        const w1 = v128.load(weight, 160 * row + 32);
        const w2 = v128.load(weight, 160 * row + 64);
        const w3 = v128.load(weight, 160 * row + 96);
        const w4 = v128.load(weight, 160 * row + 128);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.add(f32x4.mul(w2, x2), f32x4.mul(w3, x3))), f32x4.mul(w4, x4)));
        const x5 = v128.load(at, 5 * VECTOR);
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x1), f32x4.mul(w1, x2)), f32x4.add(f32x4.mul(w2, x3), f32x4.mul(w3, x4))), f32x4.mul(w4, x5)));
        const x6 = v128.load(at, 6 * VECTOR);
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.add(f32x4.mul(w2, x4), f32x4.mul(w3, x5))), f32x4.mul(w4, x6)));
        if (count_of<Count>() == 4) {
          const x7 = v128.load(at, 7 * VECTOR);
          s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x3), f32x4.mul(w1, x4)), f32x4.add(f32x4.mul(w2, x5), f32x4.mul(w3, x6))), f32x4.mul(w4, x7)));
        }
        at += rowBytes;
        if (TURBOFAN) {
          if (at == last) break;
          if (at == 1) store<i32>(at, 0);
        }
      }
    }
  } while (false);
  leave<End, Count>(output, activation, low, high, half, root, s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
function tile_k3s2<End, Count>(
  output: usize, first: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32, low: Held, high: Held, half: Held, root: Held,
): void {
  let at = first;
  let s0 = f32x4.splat(0.0);
  if (isInteger<End>()) s0 = v128.load(bias);
  let s1 = s0, s2 = s0, s3 = s0;
  const last = first + 3 * rowBytes;
  do {
    for (let row: usize = 0; row < 3; row++) { // written out
      {
        const w0 = v128.load(weight, 96 * row);
        const w1 = v128.load(weight, 96 * row + 32);
        const w2 = v128.load(weight, 96 * row + 64);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.mul(w2, x2)));
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.mul(w2, x4)));
        const x5 = v128.load(at, 5 * VECTOR);
        const x6 = v128.load(at, 6 * VECTOR);
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.mul(w0, x4), f32x4.mul(w1, x5)), f32x4.mul(w2, x6)));
        if (count_of<Count>() == 4) {
          const x7 = v128.load(at, 7 * VECTOR);
          const x8 = v128.load(at, 8 * VECTOR);
          s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.mul(w0, x6), f32x4.mul(w1, x7)), f32x4.mul(w2, x8)));
        }
        at += rowBytes;
        if (TURBOFAN) {
          if (at == last) break;
          if (at == 1) store<i32>(at, 0);
        }
      }
    }
  } while (false);
  leave<End, Count>(output, activation, low, high, half, root, s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
function tile_k5s2<End, Count>(
  output: usize, first: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32, low: Held, high: Held, half: Held, root: Held,
): void {
  let at = first;
  let s0 = f32x4.splat(0.0);
  if (isInteger<End>()) s0 = v128.load(bias);
  let s1 = s0, s2 = s0, s3 = s0;
  const last = first + 5 * rowBytes;
  do {
    for (let row: usize = 0; row < 5; row++) { // written out
      {
        const w0 = v128.load(weight, 160 * row);
        const w1 = v128.load(weight, 160 * row + 32);
        const w2 = v128.load(weight, 160 * row + 64);
        const w3 = v128.load(weight, 160 * row + 96);
        const w4 = v128.load(weight, 160 * row + 128);
        const x0 = v128.load(at);
        const x1 = v128.load(at, VECTOR);
        const x2 = v128.load(at, 2 * VECTOR);
        const x3 = v128.load(at, 3 * VECTOR);
        const x4 = v128.load(at, 4 * VECTOR);
        s0 = f32x4.add(s0, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x0), f32x4.mul(w1, x1)), f32x4.add(f32x4.mul(w2, x2), f32x4.mul(w3, x3))), f32x4.mul(w4, x4)));
        const x5 = v128.load(at, 5 * VECTOR);
        const x6 = v128.load(at, 6 * VECTOR);
        s1 = f32x4.add(s1, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x2), f32x4.mul(w1, x3)), f32x4.add(f32x4.mul(w2, x4), f32x4.mul(w3, x5))), f32x4.mul(w4, x6)));
        const x7 = v128.load(at, 7 * VECTOR);
        const x8 = v128.load(at, 8 * VECTOR);
        s2 = f32x4.add(s2, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x4), f32x4.mul(w1, x5)), f32x4.add(f32x4.mul(w2, x6), f32x4.mul(w3, x7))), f32x4.mul(w4, x8)));
        if (count_of<Count>() == 4) {
          const x9 = v128.load(at, 9 * VECTOR);
          const x10 = v128.load(at, 10 * VECTOR);
          s3 = f32x4.add(s3, f32x4.add(f32x4.add(f32x4.add(f32x4.mul(w0, x6), f32x4.mul(w1, x7)), f32x4.add(f32x4.mul(w2, x8), f32x4.mul(w3, x9))), f32x4.mul(w4, x10)));
        }
        at += rowBytes;
        if (TURBOFAN) {
          if (at == last) break;
          if (at == 1) store<i32>(at, 0);
        }
      }
    }
  } while (false);
  leave<End, Count>(output, activation, low, high, half, root, s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
function tile<End, Count, Filter>(
  output: usize, first: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32, low: Held, high: Held, half: Held, root: Held,
): void {
  if (stride_of<Filter>() == 1) {
    if (sizeof<Filter>() == 4) tile_k3s1<End, Count>(output, first, rowBytes, weight, bias, activation, low, high, half, root);
    else tile_k5s1<End, Count>(output, first, rowBytes, weight, bias, activation, low, high, half, root);
  } else {
    if (sizeof<Filter>() == 4) tile_k3s2<End, Count>(output, first, rowBytes, weight, bias, activation, low, high, half, root);
    else tile_k5s2<End, Count>(output, first, rowBytes, weight, bias, activation, low, high, half, root);
  }
}

/** See convolve. */
function convolve_rows<End, Filter>(
  y: usize, yRowBytes: usize, rows: i32, outWidth: i32, values: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32,
): void {
  const low = low_of(activation);
  const high = high_of(activation);
  const half = held(HALF_ROOT), root = held(ROOT);
  const fours = tiles_of_four(outWidth), threes = tiles_of_three(outWidth), back = <usize>max(4 * fours + 3 * threes - outWidth, 0);
  for (let out = 0; out < rows; out++) {
    let output = y;
    let first = values;
    for (let left = fours; left > 0; left--) {
      tile<End, Four, Filter>(output, first, rowBytes, weight, bias, activation, low, high, half, root);
      output += 4 * pixel_bytes<End>();
      first += 4 * stride_of<Filter>() * VECTOR;
    }
    output -= back * pixel_bytes<End>();
    first -= back * stride_of<Filter>() * VECTOR;
    for (let left = threes; left > 0; left--) {
      tile<End, Three, Filter>(output, first, rowBytes, weight, bias, activation, low, high, half, root);
      output += 3 * pixel_bytes<End>();
      first += 3 * stride_of<Filter>() * VECTOR;
    }
    y += yRowBytes;
    values += stride_of<Filter>() * rowBytes;
  }
}

/**
 * `rows` rows of a convolution of the channels of a plane, `yRowBytes` apart in y. Plain: outputs stand as those of a plane, and a row has room for four at least. Activated: activation(sum + bias), outputs as in a
 * panel, at least four a row. Rows of values stand `rowBytes` apart, the values of a tap 32. The filter is 3 x 3 or 5 x 5, its stride 1 or 2.
 */
export function convolve<End>(
  kernel: i32, stride: i32, y: usize, yRowBytes: usize, rows: i32, outWidth: i32, values: usize, rowBytes: usize, weight: usize, bias: usize, activation: i32,
): void {
  if (kernel == 3) {
    if (stride == 1) convolve_rows<End, ThreeStride1>(y, yRowBytes, rows, outWidth, values, rowBytes, weight, bias, activation);
    else convolve_rows<End, ThreeStride2>(y, yRowBytes, rows, outWidth, values, rowBytes, weight, bias, activation);
  } else if (stride == 1) convolve_rows<End, FiveStride1>(y, yRowBytes, rows, outWidth, values, rowBytes, weight, bias, activation);
  else convolve_rows<End, FiveStride2>(y, yRowBytes, rows, outWidth, values, rowBytes, weight, bias, activation);
}
