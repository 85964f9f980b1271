// The matrix inner loops. c[m][n] = activation(sum over k of a[m][k] * b[k][n] + bias[n]) + residual[m][n], in registers a
// tile at a time, in k order, so that a result depends on its inputs alone. 4 rows x 8 columns fill
// eight accumulators. V8 unrolls a k loop twice only where it stands inside other loops, so a tile is no
// function of its own: worth a fifth of the speed (docs/experiments.md).
// Strides are in bytes; bias and residual 0: none; a residual is laid out as c, and may be c.

import { HARD_SWISH, NONE, activate, clamp, hard_swish, high_of, low_of } from './activation';

/**
 * Whole 4 x 8 tiles: rows a multiple of 4, columns of 8. Panels of b stand `panelStep` apart, their rows of 8 floats
 * `bStride`.
 */
function multiply_tiles(
  a: usize, aStride: usize, rows: i32, k: i32, b: usize, bStride: usize, panelStep: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize,
): void {
  const low = low_of(activation);
  const high = high_of(activation);
  for (let column = 0; column < columns; column += 8) {
    let a0 = a;
    let at = <usize>column << 2;
    for (let row = 0; row < rows; row += 4) {
      let s00 = f32x4.splat(0.0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
      let a1 = a0 + aStride;
      let a2 = a1 + aStride;
      let a3 = a2 + aStride;
      const next = a3 + aStride;
      let p = b;
      for (const end = a0 + (<usize>k << 2); a0 < end; a0 += 4) {
        const b0 = v128.load(p);
        const b1 = v128.load(p, 16);
        let x = v128.load32_splat(a0);
        s00 = f32x4.add(s00, f32x4.mul(x, b0));
        s01 = f32x4.add(s01, f32x4.mul(x, b1));
        x = v128.load32_splat(a1);
        s10 = f32x4.add(s10, f32x4.mul(x, b0));
        s11 = f32x4.add(s11, f32x4.mul(x, b1));
        x = v128.load32_splat(a2);
        s20 = f32x4.add(s20, f32x4.mul(x, b0));
        s21 = f32x4.add(s21, f32x4.mul(x, b1));
        x = v128.load32_splat(a3);
        s30 = f32x4.add(s30, f32x4.mul(x, b0));
        s31 = f32x4.add(s31, f32x4.mul(x, b1));
        a1 += 4; a2 += 4; a3 += 4;
        p += bStride;
      }
      if (bias != 0) {
        const v = bias + (<usize>column << 2);
        const b0 = v128.load(v);
        const b1 = v128.load(v, 16);
        s00 = f32x4.add(s00, b0); s01 = f32x4.add(s01, b1); s10 = f32x4.add(s10, b0); s11 = f32x4.add(s11, b1);
        s20 = f32x4.add(s20, b0); s21 = f32x4.add(s21, b1); s30 = f32x4.add(s30, b0); s31 = f32x4.add(s31, b1);
        if (activation == HARD_SWISH) {
          s00 = hard_swish(s00); s01 = hard_swish(s01); s10 = hard_swish(s10); s11 = hard_swish(s11);
          s20 = hard_swish(s20); s21 = hard_swish(s21); s30 = hard_swish(s30); s31 = hard_swish(s31);
        } else if (activation != NONE) {
          s00 = clamp(s00, low, high); s01 = clamp(s01, low, high); s10 = clamp(s10, low, high); s11 = clamp(s11, low, high);
          s20 = clamp(s20, low, high); s21 = clamp(s21, low, high); s30 = clamp(s30, low, high); s31 = clamp(s31, low, high);
        }
      }
      if (residual != 0) {
        let v = residual + at;
        s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(v, 16)); v += cStride;
        s10 = f32x4.add(s10, v128.load(v)); s11 = f32x4.add(s11, v128.load(v, 16)); v += cStride;
        s20 = f32x4.add(s20, v128.load(v)); s21 = f32x4.add(s21, v128.load(v, 16)); v += cStride;
        s30 = f32x4.add(s30, v128.load(v)); s31 = f32x4.add(s31, v128.load(v, 16));
      }
      let target = c + at;
      v128.store(target, s00); v128.store(target, s01, 16); target += cStride;
      v128.store(target, s10); v128.store(target, s11, 16); target += cStride;
      v128.store(target, s20); v128.store(target, s21, 16); target += cStride;
      v128.store(target, s30); v128.store(target, s31, 16);
      at += cStride << 2;
      a0 = next;
    }
    b += panelStep;
  }
}

/** 1 x 8 outputs: the rows left over by multiply_tiles. */
function tile_1x8(a: usize, b: usize, bStride: usize, k: i32, c: usize, bias: usize, activation: i32, residual: usize): void {
  let s0 = f32x4.splat(0.0), s1 = s0;
  const end = a + (<usize>k << 2);
  while (a < end) {
    const x = v128.load32_splat(a);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b, 16)));
    a += 4;
    b += bStride;
  }
  if (bias != 0) {
    s0 = f32x4.add(s0, v128.load(bias));
    s1 = f32x4.add(s1, v128.load(bias, 16));
  }
  if (activation != NONE) {
    s0 = activate(s0, activation);
    s1 = activate(s1, activation);
  }
  if (residual != 0) {
    s0 = f32x4.add(s0, v128.load(residual));
    s1 = f32x4.add(s1, v128.load(residual, 16));
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
}

/** 1 x 1 output with b a column of floats `bStride` apart: the columns left over where b is not packed. */
function tile_1x1(a: usize, b: usize, bStride: usize, k: i32): f32 {
  let sum: f32 = 0.0;
  for (let i = 0; i < k; i++) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += bStride;
  }
  return sum;
}

function copy_floats(target: usize, source: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(target + (<usize>i << 2), load<f32>(source + (<usize>i << 2)));
}

/** Bytes of scratch that multiply_panels takes as `temporary`. */
export const TEMPORARY_BYTES: usize = 64;

/**
 * c[rows][columns] from a[rows][k] and panels of 8 columns of b, `panelStep` apart, whose rows stand
 * `bStride` apart. Where columns are not a multiple of 8 the last panel must be padded.
 */
function multiply_columns(
  a: usize, aStride: usize, rows: i32, k: i32, b: usize, bStride: usize, panelStep: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, temporary: usize,
): void {
  const wholeRows = rows & ~3;
  multiply_tiles(a, aStride, wholeRows, k, b, bStride, panelStep, columns & ~7, c, cStride, bias, activation, residual);
  for (let column = 0; column < columns; column += 8) {
    const byte = <usize>column << 2;
    const count = columns - column;
    let vector = bias == 0 ? <usize>0 : bias + byte;
    if (count < 8 && bias != 0) {
      copy_floats(temporary, vector, count);
      vector = temporary;
    }
    for (let row = count < 8 ? 0 : wholeRows; row < rows; row++) {
      const at = byte + <usize>row * cStride;
      let addend = residual == 0 ? <usize>0 : residual + at;
      let target = c + at;
      if (count < 8) {
        target = temporary + 32;
        if (addend != 0) {
          copy_floats(target, addend, count);
          addend = target;
        }
      }
      tile_1x8(a + <usize>row * aStride, b, bStride, k, target, vector, activation, addend);
      if (count < 8) copy_floats(c + at, target, count);
    }
    b += panelStep;
  }
}

/** multiply_columns for b packed in panels [panel][k][8], the last one padded with zeros (pack.ts). */
export function multiply_panels(
  a: usize, aStride: usize, rows: i32, k: i32, packed: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, temporary: usize,
): void {
  multiply_columns(a, aStride, rows, k, packed, 32, <usize>k << 5, columns, c, cStride, bias, activation, residual, temporary);
}

/** c[rows][columns] = a b for b[k][columns] as it is, any sizes. */
export function multiply(
  a: usize, aStride: usize, rows: i32, k: i32, b: usize, bStride: usize, columns: i32, c: usize, cStride: usize,
): void {
  const whole = columns & ~7;
  multiply_columns(a, aStride, rows, k, b, bStride, 32, whole, c, cStride, 0, NONE, 0, 0);
  for (let column = whole; column < columns; column++) {
    const byte = <usize>column << 2;
    for (let row = 0; row < rows; row++) {
      store<f32>(c + <usize>row * cStride + byte, tile_1x1(a + <usize>row * aStride, b + byte, bStride, k));
    }
  }
}

/** 4 x 8 outputs of c[m][n] (+)= sum over r of d[r][m] * a[r][n]: both operands row-major, r outermost. */
function outer_4x8(d: usize, dStride: usize, a: usize, aStride: usize, rows: i32, c: usize, cStride: usize, accumulate: bool): void {
  let s00 = f32x4.splat(0.0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  const c1 = c + cStride;
  const c2 = c1 + cStride;
  const c3 = c2 + cStride;
  if (accumulate) {
    s00 = v128.load(c); s01 = v128.load(c, 16);
    s10 = v128.load(c1); s11 = v128.load(c1, 16);
    s20 = v128.load(c2); s21 = v128.load(c2, 16);
    s30 = v128.load(c3); s31 = v128.load(c3, 16);
  }
  for (let row = 0; row < rows; row++) {
    const a0 = v128.load(a);
    const a1 = v128.load(a, 16);
    let x = v128.load32_splat(d);
    s00 = f32x4.add(s00, f32x4.mul(x, a0));
    s01 = f32x4.add(s01, f32x4.mul(x, a1));
    x = v128.load32_splat(d, 4);
    s10 = f32x4.add(s10, f32x4.mul(x, a0));
    s11 = f32x4.add(s11, f32x4.mul(x, a1));
    x = v128.load32_splat(d, 8);
    s20 = f32x4.add(s20, f32x4.mul(x, a0));
    s21 = f32x4.add(s21, f32x4.mul(x, a1));
    x = v128.load32_splat(d, 12);
    s30 = f32x4.add(s30, f32x4.mul(x, a0));
    s31 = f32x4.add(s31, f32x4.mul(x, a1));
    d += dStride;
    a += aStride;
  }
  v128.store(c, s00); v128.store(c, s01, 16);
  v128.store(c1, s10); v128.store(c1, s11, 16);
  v128.store(c2, s20); v128.store(c2, s21, 16);
  v128.store(c3, s30); v128.store(c3, s31, 16);
}

function outer_1x1(d: usize, dStride: usize, a: usize, aStride: usize, rows: i32, c: usize, accumulate: bool): void {
  let sum: f32 = accumulate ? load<f32>(c) : 0.0;
  for (let row = 0; row < rows; row++) {
    sum += load<f32>(d) * load<f32>(a);
    d += dStride;
    a += aStride;
  }
  store<f32>(c, sum);
}

/** c[m][n] (+)= d^T a for d[rows][m] and a[rows][n], any m and n. */
export function multiply_outer(
  d: usize, dStride: usize, a: usize, aStride: usize, rows: i32, m: i32, n: i32,
  c: usize, cStride: usize, accumulate: bool,
): void {
  const m4 = m & ~3;
  const n8 = n & ~7;
  for (let j = 0; j < n8; j += 8) {
    for (let i = 0; i < m4; i += 4) {
      outer_4x8(d + (<usize>i << 2), dStride, a + (<usize>j << 2), aStride, rows, c + <usize>i * cStride + (<usize>j << 2), cStride, accumulate);
    }
  }
  for (let i = 0; i < m; i++) {
    for (let j = i < m4 ? n8 : 0; j < n; j++) {
      outer_1x1(d + (<usize>i << 2), dStride, a + (<usize>j << 2), aStride, rows, c + <usize>i * cStride + (<usize>j << 2), accumulate);
    }
  }
}
