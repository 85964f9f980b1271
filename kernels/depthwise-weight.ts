// The gradient of a depthwise convolution's weights over planes (plane.ts): for each tap the sum over outputs of
// dy times the value that the tap saw, in registers for a whole plane. A loop's loads and sums together must fit the
// fifteen registers V8 has, since Binaryen, or an older V8, moves all loads of a loop to its front (docs/experiments.md).

import { VECTOR, add_vector } from './vector';

/** One row of a 3 x 3 filter, stride 1, two columns at a time. */
function add_k3s1(
  target: usize, tapStep: usize, dy: usize, dyRowBytes: usize, values: usize, outputRowBytes: usize, rows: i32, columns: i32,
): void {
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0;
  for (let row = 0; row < rows; row++) {
    const end = dy + <usize>columns * VECTOR;
    let value = values;
    let gradient = dy;
    do {
      const d = v128.load(gradient);
      const e = v128.load(gradient, VECTOR);
      const v0 = v128.load(value);
      const v1 = v128.load(value, VECTOR);
      const v2 = v128.load(value, 2 * VECTOR);
      const v3 = v128.load(value, 3 * VECTOR);
      s0 = f32x4.add(s0, f32x4.add(f32x4.mul(d, v0), f32x4.mul(e, v1)));
      s1 = f32x4.add(s1, f32x4.add(f32x4.mul(d, v1), f32x4.mul(e, v2)));
      s2 = f32x4.add(s2, f32x4.add(f32x4.mul(d, v2), f32x4.mul(e, v3)));
      value += 2 * VECTOR;
      gradient += 2 * VECTOR;
    } while (gradient < end);
    dy += dyRowBytes;
    values += outputRowBytes;
  }
  add_vector(target, s0);
  add_vector(target + tapStep, s1);
  add_vector(target + tapStep * 2, s2);
}

/** One row of a 3 x 3 filter, stride 2, two columns at a time. */
function add_k3s2(
  target: usize, tapStep: usize, dy: usize, dyRowBytes: usize, values: usize, outputRowBytes: usize, rows: i32, columns: i32,
): void {
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0;
  for (let row = 0; row < rows; row++) {
    const end = dy + <usize>columns * VECTOR;
    let value = values;
    let gradient = dy;
    do {
      const d = v128.load(gradient);
      const e = v128.load(gradient, VECTOR);
      const v0 = v128.load(value);
      const v1 = v128.load(value, VECTOR);
      const v2 = v128.load(value, 2 * VECTOR);
      const v3 = v128.load(value, 3 * VECTOR);
      const v4 = v128.load(value, 4 * VECTOR);
      s0 = f32x4.add(s0, f32x4.add(f32x4.mul(d, v0), f32x4.mul(e, v2)));
      s1 = f32x4.add(s1, f32x4.add(f32x4.mul(d, v1), f32x4.mul(e, v3)));
      s2 = f32x4.add(s2, f32x4.add(f32x4.mul(d, v2), f32x4.mul(e, v4)));
      value += 4 * VECTOR;
      gradient += 2 * VECTOR;
    } while (gradient < end);
    dy += dyRowBytes;
    values += outputRowBytes;
  }
  // in another order than above: the compiler would share what is equal, and cut the first pair apart
  add_vector(target + tapStep * 2, s2);
  add_vector(target + tapStep, s1);
  add_vector(target, s0);
}

/** One row of a 5 x 5 filter, stride 1, two columns at a time. */
function add_k5s1(
  target: usize, tapStep: usize, dy: usize, dyRowBytes: usize, values: usize, outputRowBytes: usize, rows: i32, columns: i32,
): void {
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0;
  for (let row = 0; row < rows; row++) {
    const end = dy + <usize>columns * VECTOR;
    let value = values;
    let gradient = dy;
    do {
      const d = v128.load(gradient);
      const e = v128.load(gradient, VECTOR);
      const v0 = v128.load(value);
      const v1 = v128.load(value, VECTOR);
      const v2 = v128.load(value, 2 * VECTOR);
      const v3 = v128.load(value, 3 * VECTOR);
      const v4 = v128.load(value, 4 * VECTOR);
      const v5 = v128.load(value, 5 * VECTOR);
      s0 = f32x4.add(s0, f32x4.add(f32x4.mul(d, v0), f32x4.mul(e, v1)));
      s1 = f32x4.add(s1, f32x4.add(f32x4.mul(d, v1), f32x4.mul(e, v2)));
      s2 = f32x4.add(s2, f32x4.add(f32x4.mul(d, v2), f32x4.mul(e, v3)));
      s3 = f32x4.add(s3, f32x4.add(f32x4.mul(d, v3), f32x4.mul(e, v4)));
      s4 = f32x4.add(s4, f32x4.add(f32x4.mul(d, v4), f32x4.mul(e, v5)));
      value += 2 * VECTOR;
      gradient += 2 * VECTOR;
    } while (gradient < end);
    dy += dyRowBytes;
    values += outputRowBytes;
  }
  add_vector(target, s0);
  add_vector(target + tapStep, s1);
  add_vector(target + tapStep * 2, s2);
  add_vector(target + tapStep * 3, s3);
  add_vector(target + tapStep * 4, s4);
}

/** One row of a 5 x 5 filter, stride 2, two columns at a time. */
function add_k5s2(
  target: usize, tapStep: usize, dy: usize, dyRowBytes: usize, values: usize, outputRowBytes: usize, rows: i32, columns: i32,
): void {
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0;
  for (let row = 0; row < rows; row++) {
    const end = dy + <usize>columns * VECTOR;
    let value = values;
    let gradient = dy;
    do {
      const d = v128.load(gradient);
      const e = v128.load(gradient, VECTOR);
      const v0 = v128.load(value);
      const v1 = v128.load(value, VECTOR);
      const v2 = v128.load(value, 2 * VECTOR);
      const v3 = v128.load(value, 3 * VECTOR);
      const v4 = v128.load(value, 4 * VECTOR);
      const v5 = v128.load(value, 5 * VECTOR);
      const v6 = v128.load(value, 6 * VECTOR);
      s0 = f32x4.add(s0, f32x4.add(f32x4.mul(d, v0), f32x4.mul(e, v2)));
      s1 = f32x4.add(s1, f32x4.add(f32x4.mul(d, v1), f32x4.mul(e, v3)));
      s2 = f32x4.add(s2, f32x4.add(f32x4.mul(d, v2), f32x4.mul(e, v4)));
      s3 = f32x4.add(s3, f32x4.add(f32x4.mul(d, v3), f32x4.mul(e, v5)));
      s4 = f32x4.add(s4, f32x4.add(f32x4.mul(d, v4), f32x4.mul(e, v6)));
      value += 4 * VECTOR;
      gradient += 2 * VECTOR;
    } while (gradient < end);
    dy += dyRowBytes;
    values += outputRowBytes;
  }
  add_vector(target, s0);
  add_vector(target + tapStep, s1);
  add_vector(target + tapStep * 2, s2);
  add_vector(target + tapStep * 3, s3);
  add_vector(target + tapStep * 4, s4);
}

/** One tap of any filter. */
function add_tap_gradient(
  target: usize, dy: usize, dyRowBytes: usize, values: usize, outputRowBytes: usize, rows: i32, columns: i32, step: usize,
): void {
  let sum = f32x4.splat(0.0);
  for (let row = 0; row < rows; row++) {
    const end = dy + <usize>columns * VECTOR;
    let value = values;
    let gradient = dy;
    do {
      sum = f32x4.add(sum, f32x4.mul(v128.load(gradient), v128.load(value)));
      value += step;
      gradient += VECTOR;
    } while (gradient < end);
    dy += dyRowBytes;
    values += outputRowBytes;
  }
  add_vector(target, sum);
}

/**
 * Adds to dWeight[tap] (taps `tapStep` bytes apart) the products of dy [rows][columns], its rows `dyRowBytes` apart and
 * followed by a zero, with the values they saw: output (i, j) saw value (i * stride + ky * dilation, j * stride + kx * dilation). Rows of values before number
 * `valueRow` and from `endValueRow` on are zeros, padding, which products are not taken with.
 */
export function add_weight_gradient(
  dWeight: usize, tapStep: usize, dy: usize, dyRowBytes: usize, values: usize, valueRowBytes: usize,
  valueRow: i32, endValueRow: i32, rows: i32, columns: i32, kernel: i32, stride: i32, dilation: i32,
): void {
  const outputRowBytes = <usize>stride * valueRowBytes;
  const special = dilation == 1 && stride <= 2;
  for (let ky = 0; ky < kernel; ky++) {
    const target = dWeight + <usize>(ky * kernel) * tapStep;
    const first = max(0, (valueRow - ky * dilation + stride - 1) / stride);
    const count = min(rows, (endValueRow - ky * dilation + stride - 1) / stride) - first;
    if (count <= 0) continue;
    const row = values + <usize>(first * stride + ky * dilation) * valueRowBytes;
    const gradient = dy + <usize>first * dyRowBytes;
    if (special && kernel == 3) {
      if (stride == 1) add_k3s1(target, tapStep, gradient, dyRowBytes, row, outputRowBytes, count, columns);
      else add_k3s2(target, tapStep, gradient, dyRowBytes, row, outputRowBytes, count, columns);
    } else if (special && kernel == 5) {
      if (stride == 1) add_k5s1(target, tapStep, gradient, dyRowBytes, row, outputRowBytes, count, columns);
      else add_k5s2(target, tapStep, gradient, dyRowBytes, row, outputRowBytes, count, columns);
    } else {
      for (let kx = 0; kx < kernel; kx++) {
        const value = row + <usize>(kx * dilation) * VECTOR;
        add_tap_gradient(target + <usize>kx * tapStep, gradient, dyRowBytes, value, outputRowBytes, count, columns, <usize>stride * VECTOR);
      }
    }
  }
}
