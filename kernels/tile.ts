// The matrix inner loops. c[m][n] = activation(bias[n] + sum over k of a[m][k] * b[k][n]) + residual[m][n], in registers a
// tile at a time, from the bias on in k order, so that a result depends on its inputs alone. Five rows (or four, of what five leave over) x 8 columns fill ten accumulators. Both operands are
// panels of eight columns of a matrix, as maps are in inference, and brought into by view.ts and panel.ts in training: one pointer each walks them, and all else is constant. A core takes up six instructions
// a cycle, of which the arithmetic wants four. Binaryen leaves these functions in the order in which they are written (scripts/compile.js), V8 from 13.6 on too, and a turn is
// written as the processor likes it: a broadcast, its products, their sums. Older V8s order a block's instructions themselves, loads first, and run out of registers where a block has more
// than one turn. Hence, in the loop that they run, a way out after each turn, and a store that never happens: no address of a float is 1 (docs/kernels.md).
// In every eighth turn a byte of what is wanted later is loaded (read-ahead.ts).
// Strides are in bytes; bias and residual 0: none; a residual is laid out as c, and may be c.

import { apart_ahead, next_ahead } from './read-ahead';
import { HALF_ROOT, NONE, RELU, ROOT, SCALED_HARD_SWISH, clamp, held, high_of, low_of, scaled_hard_swish } from './activation';

// Type parameters, so that each use has a function of its own, which asks nothing in its loops.
/** Where a tile leaves c: rows cStride apart; panels of eight columns, cStride apart; planes with places of their own. */
export type InRows = f32;
export type InPanels = f64;
export type InPlanes = u32;
/**
 * How a is given: in its own panels, [k / 8][rows][8]; in those of a transposed, [rows / 8][k][8]; or as lines of a picture of three channels, `aStep` apart, of which a row is three
 * pixels of each of three lines, and the next row the same two pixels further on.
 */
export type Upright = f32;
export type Transposed = u32;
export type Picture = f64;
/** Rows of a tile. Transposed has four; eight are for Upright, by eight columns, in the build for wide vectors. */
export type Four = f32;
type Five = u32;
type Eight = f64;

// @ts-ignore: decorator
@inline
function height_of<Height>(): i32 {
  return isInteger<Height>() ? 5 : sizeof<Height>() == 8 ? 8 : 4;
}

// @ts-ignore: decorator
@inline
function of_picture<Operand>(): bool {
  return sizeof<Operand>() == 8;
}

// @ts-ignore: decorator
@inline
function upright<Operand>(): bool {
  return !isInteger<Operand>() && sizeof<Operand>() == 4;
}

// @ts-ignore: decorator
@inline
export function in_panels<Target>(): bool {
  return sizeof<Target>() == 8;
}

/** From one row of a to the next. */
// @ts-ignore: decorator
@inline
function row_bytes<Operand>(): usize {
  return isInteger<Operand>() ? 4 : of_picture<Operand>() ? 24 : 32;
}

/** From one turn to the next. */
// @ts-ignore: decorator
@inline
function step_of<Operand>(): usize {
  return isInteger<Operand>() ? 32 : 4;
}

/** Where row number `row` of a begins; of Transposed a multiple of four. */
export function row_offset<Operand>(row: i32, aStep: usize): usize {
  if (isInteger<Operand>()) return <usize>(row >> 3) * aStep + (<usize>(row & 4) << 2);
  return <usize>row * row_bytes<Operand>();
}

/** What becomes of a tile's values; `at` is where it belongs in c and residual, `place` where its rows' places stand. Each way through a tile has a copy: where ways meet, values move to other registers. */
// @ts-ignore: decorator
@inline
function leave_tile<Target, Height>(
  c: usize, at: usize, cStride: usize, residual: usize, place: usize,
  s00: v128, s01: v128, s10: v128, s11: v128, s20: v128, s21: v128, s30: v128, s31: v128, s40: v128, s41: v128,
  s50: v128, s51: v128, s60: v128, s61: v128, s70: v128, s71: v128,
): void {
  if (in_panels<Target>()) {
    if (residual != 0) {
      const v = residual + at;
      s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(v, 16));
      s10 = f32x4.add(s10, v128.load(v, 32)); s11 = f32x4.add(s11, v128.load(v, 48));
      s20 = f32x4.add(s20, v128.load(v, 64)); s21 = f32x4.add(s21, v128.load(v, 80));
      s30 = f32x4.add(s30, v128.load(v, 96)); s31 = f32x4.add(s31, v128.load(v, 112));
      if (height_of<Height>() > 4) { s40 = f32x4.add(s40, v128.load(v, 128)); s41 = f32x4.add(s41, v128.load(v, 144)); }
      if (height_of<Height>() > 5) {
        s50 = f32x4.add(s50, v128.load(v, 160)); s51 = f32x4.add(s51, v128.load(v, 176));
        s60 = f32x4.add(s60, v128.load(v, 192)); s61 = f32x4.add(s61, v128.load(v, 208));
        s70 = f32x4.add(s70, v128.load(v, 224)); s71 = f32x4.add(s71, v128.load(v, 240));
      }
    }
    const target = c + at;
    v128.store(target, s01, 16); v128.store(target, s00);
    v128.store(target, s11, 48); v128.store(target, s10, 32);
    v128.store(target, s21, 80); v128.store(target, s20, 64);
    v128.store(target, s31, 112); v128.store(target, s30, 96);
    if (height_of<Height>() > 4) { v128.store(target, s41, 144); v128.store(target, s40, 128); }
    if (height_of<Height>() > 5) {
      v128.store(target, s51, 176); v128.store(target, s50, 160);
      v128.store(target, s61, 208); v128.store(target, s60, 192);
      v128.store(target, s71, 240); v128.store(target, s70, 224);
    }
    return;
  }
  if (isInteger<Target>()) {
    if (WIDE) {
      // planes of eight channels
      let plane = c + load<u32>(place);
      v128.store(plane, s01, 16); v128.store(plane, s00);
      plane = c + load<u32>(place, 4);
      v128.store(plane, s11, 16); v128.store(plane, s10);
      plane = c + load<u32>(place, 8);
      v128.store(plane, s21, 16); v128.store(plane, s20);
      plane = c + load<u32>(place, 12);
      v128.store(plane, s31, 16); v128.store(plane, s30);
      if (height_of<Height>() > 4) {
        plane = c + load<u32>(place, 16);
        v128.store(plane, s41, 16); v128.store(plane, s40);
      }
      if (height_of<Height>() > 5) {
        plane = c + load<u32>(place, 20);
        v128.store(plane, s51, 16); v128.store(plane, s50);
        plane = c + load<u32>(place, 24);
        v128.store(plane, s61, 16); v128.store(plane, s60);
        plane = c + load<u32>(place, 28);
        v128.store(plane, s71, 16); v128.store(plane, s70);
      }
    } else {
      const second = c + cStride;
      v128.store(c + load<u32>(place), s00); v128.store(second + load<u32>(place), s01);
      v128.store(c + load<u32>(place, 4), s10); v128.store(second + load<u32>(place, 4), s11);
      v128.store(c + load<u32>(place, 8), s20); v128.store(second + load<u32>(place, 8), s21);
      v128.store(c + load<u32>(place, 12), s30); v128.store(second + load<u32>(place, 12), s31);
      if (height_of<Height>() > 4) { v128.store(c + load<u32>(place, 16), s40); v128.store(second + load<u32>(place, 16), s41); }
    }
    return;
  }
  if (residual != 0) {
    let v = residual + at;
    s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(v, 16)); v += cStride;
    s10 = f32x4.add(s10, v128.load(v)); s11 = f32x4.add(s11, v128.load(v, 16)); v += cStride;
    s20 = f32x4.add(s20, v128.load(v)); s21 = f32x4.add(s21, v128.load(v, 16)); v += cStride;
    s30 = f32x4.add(s30, v128.load(v)); s31 = f32x4.add(s31, v128.load(v, 16));
    if (height_of<Height>() > 4) {
      v += cStride;
      s40 = f32x4.add(s40, v128.load(v)); s41 = f32x4.add(s41, v128.load(v, 16));
    }
    if (height_of<Height>() > 5) {
      v += cStride; s50 = f32x4.add(s50, v128.load(v)); s51 = f32x4.add(s51, v128.load(v, 16));
      v += cStride; s60 = f32x4.add(s60, v128.load(v)); s61 = f32x4.add(s61, v128.load(v, 16));
      v += cStride; s70 = f32x4.add(s70, v128.load(v)); s71 = f32x4.add(s71, v128.load(v, 16));
    }
  }
  let target = c + at;
  v128.store(target, s01, 16); v128.store(target, s00); target += cStride;
  v128.store(target, s11, 16); v128.store(target, s10); target += cStride;
  v128.store(target, s21, 16); v128.store(target, s20); target += cStride;
  v128.store(target, s31, 16); v128.store(target, s30);
  if (height_of<Height>() > 4) {
    target += cStride;
    v128.store(target, s41, 16); v128.store(target, s40);
  }
  if (height_of<Height>() > 5) {
    target += cStride; v128.store(target, s51, 16); v128.store(target, s50);
    target += cStride; v128.store(target, s61, 16); v128.store(target, s60);
    target += cStride; v128.store(target, s71, 16); v128.store(target, s70);
  }
}

/**
 * Rows [firstRow, endRow) and columns [firstColumn, endColumn) of c in whole tiles of 4, 5 or 8 x 8: a in panels `aStep` apart, b packed [columns / 8][k][8].
 * Eight rows also read the next panel, in four places at once, as memory likes it best.
 * InPlanes: columns of c stand by fours (by eights in the build for wide vectors) in planes, each row of a plane at the offset that
 * places (u32 [rows]) has for it, and there is no residual.
 */
export function multiply_narrow_tiles<Target, Operand, Height>(
  a: usize, aStep: usize, firstRow: i32, endRow: i32, k: i32, b: usize, firstColumn: i32, endColumn: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, places: usize,
): void {
  const low = low_of(activation);
  const high = high_of(activation);
  const half = held(HALF_ROOT), root = held(ROOT);
  const height = height_of<Height>();
  const first = a + row_offset<Operand>(firstRow, aStep);
  b += <usize>firstColumn * (<usize>k << 2);
  if (in_panels<Target>() || isInteger<Target>()) c += <usize>(firstColumn >> 3) * cStride;
  if (in_panels<Target>() && residual != 0) residual += <usize>(firstColumn >> 3) * cStride;
  for (let column = firstColumn; column < endColumn; column += 8) {
    let first0 = f32x4.splat(0.0), first1 = first0;
    if (bias != 0) {
      const v = bias + (<usize>column << 2);
      first0 = v128.load(v); first1 = v128.load(v, 16);
    }
    const end = b + (<usize>k << 5);
    const eights = b + (<usize>(k & ~7) << 5);
    let later = WIDE || TURBOFAN ? b : next_ahead((k >> 3) * ((endRow - firstRow) / height), b);
    const apart = apart_ahead();
    const quarter = <usize>(k & ~7) << 3;
    let upper = first;
    let at = in_panels<Target>() ? <usize>firstRow << 5 : <usize>firstRow * cStride + (<usize>column << 2);
    let place = places + (<usize>firstRow << 2);
    for (let row = firstRow; row < endRow; row += height) {
      let s00 = first0, s01 = first1, s10 = first0, s11 = first1, s20 = first0;
      let s21 = first1, s30 = first0, s31 = first1, s40 = first0, s41 = first1;
      let s50 = first0, s51 = first1, s60 = first0, s61 = first1, s70 = first0, s71 = first1;
      let a0 = upper;
      let p = b;
      if (height_of<Height>() > 5) later = column + 8 < endColumn ? end : b;
      let a1: usize, x: v128, b0: v128, b1: v128, m0: v128, m1: v128;
      if (of_picture<Operand>()) {
        while (p != end) {
          for (let turn: usize = 0; turn < 9; turn++) { // written out
            a1 = a0 + 4 * turn;
            b0 = v128.load(p, 32 * turn); b1 = v128.load(p, 32 * turn + 16);
            if (height_of<Height>() > 5) {
              x = v128.load32_splat(a1, 7 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s70 = f32x4.add(s70, m0); s71 = f32x4.add(s71, m1);
              x = v128.load32_splat(a1, 6 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s60 = f32x4.add(s60, m0); s61 = f32x4.add(s61, m1);
              x = v128.load32_splat(a1, 5 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s50 = f32x4.add(s50, m0); s51 = f32x4.add(s51, m1);
            }
            if (height_of<Height>() > 4) {
              x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1);
            }
            x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1);
            x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1);
            x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1);
            x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1);
          }
          a0 += aStep; p += 288;
        }
      } else if (TURBOFAN) {
        do {
          for (let turn: usize = 0; turn < 8; turn++) { // written out
            a1 = a0;
            b0 = v128.load(p); b1 = v128.load(p, 16);
            if (height_of<Height>() > 5) {
              x = v128.load32_splat(a1, 7 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s70 = f32x4.add(s70, m0); s71 = f32x4.add(s71, m1);
              x = v128.load32_splat(a1, 6 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s60 = f32x4.add(s60, m0); s61 = f32x4.add(s61, m1);
              x = v128.load32_splat(a1, 5 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s50 = f32x4.add(s50, m0); s51 = f32x4.add(s51, m1);
            }
            if (height_of<Height>() > 4) {
              x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1);
            }
            x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1);
            x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1);
            x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1);
            x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1);
            a0 += step_of<Operand>(); p += 32;
            if (p == end) break;
            if (p == 1) store<i32>(p, 0);
          }
          if (!isInteger<Operand>()) a0 += aStep - 32;
        } while (p != end);
      } else {
        while (p != eights) {
          for (let turn: usize = 0; turn < 8; turn++) { // written out
            a1 = a0 + step_of<Operand>() * turn;
            b0 = v128.load(p, 32 * turn); b1 = v128.load(p, 32 * turn + 16);
            if (height_of<Height>() > 5) {
              x = v128.load32_splat(a1, 7 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s70 = f32x4.add(s70, m0); s71 = f32x4.add(s71, m1);
              x = v128.load32_splat(a1, 6 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s60 = f32x4.add(s60, m0); s61 = f32x4.add(s61, m1);
              x = v128.load32_splat(a1, 5 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s50 = f32x4.add(s50, m0); s51 = f32x4.add(s51, m1);
            }
            if (height_of<Height>() > 4) {
              x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1);
            }
            x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1);
            x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1);
            x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1);
            x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1);
          }
          a0 += isInteger<Operand>() ? 256 : aStep; p += 256;
          if (!WIDE) {
            load<u8>(later);
            later += apart;
          } else if (height_of<Height>() > 5) {
            load<u8>(later);
            load<u8>(later + quarter);
            load<u8>(later + quarter * 2);
            load<u8>(later + quarter * 3);
            later += 64;
          }
        }
        while (p != end) {
          a1 = a0;
          b0 = v128.load(p); b1 = v128.load(p, 16);
          if (height_of<Height>() > 5) {
            x = v128.load32_splat(a1, 7 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s70 = f32x4.add(s70, m0); s71 = f32x4.add(s71, m1);
            x = v128.load32_splat(a1, 6 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s60 = f32x4.add(s60, m0); s61 = f32x4.add(s61, m1);
            x = v128.load32_splat(a1, 5 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s50 = f32x4.add(s50, m0); s51 = f32x4.add(s51, m1);
          }
          if (height_of<Height>() > 4) {
            x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1);
          }
          x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1);
          x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1);
          x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1);
          x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1);
          a0 += step_of<Operand>(); p += 32;
        }
      }
      if (isInteger<Operand>()) upper += (row & 4) == 0 ? <usize>16 : aStep - 16;
      else upper += height * row_bytes<Operand>();
      if (activation == SCALED_HARD_SWISH) {
        s00 = scaled_hard_swish(s00, low, half, root); s01 = scaled_hard_swish(s01, low, half, root);
        s10 = scaled_hard_swish(s10, low, half, root); s11 = scaled_hard_swish(s11, low, half, root);
        s20 = scaled_hard_swish(s20, low, half, root); s21 = scaled_hard_swish(s21, low, half, root);
        s30 = scaled_hard_swish(s30, low, half, root); s31 = scaled_hard_swish(s31, low, half, root);
        if (height_of<Height>() > 4) {
          s40 = scaled_hard_swish(s40, low, half, root); s41 = scaled_hard_swish(s41, low, half, root);
        }
        if (height_of<Height>() > 5) {
          s50 = scaled_hard_swish(s50, low, half, root); s51 = scaled_hard_swish(s51, low, half, root);
          s60 = scaled_hard_swish(s60, low, half, root); s61 = scaled_hard_swish(s61, low, half, root);
          s70 = scaled_hard_swish(s70, low, half, root); s71 = scaled_hard_swish(s71, low, half, root);
        }
        leave_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51, s60, s61, s70, s71);
      } else if (activation == RELU) {
        s00 = f32x4.pmax(s00, low); s01 = f32x4.pmax(s01, low);
        s10 = f32x4.pmax(s10, low); s11 = f32x4.pmax(s11, low);
        s20 = f32x4.pmax(s20, low); s21 = f32x4.pmax(s21, low);
        s30 = f32x4.pmax(s30, low); s31 = f32x4.pmax(s31, low);
        if (height_of<Height>() > 4) {
          s40 = f32x4.pmax(s40, low); s41 = f32x4.pmax(s41, low);
        }
        if (height_of<Height>() > 5) {
          s50 = f32x4.pmax(s50, low); s51 = f32x4.pmax(s51, low);
          s60 = f32x4.pmax(s60, low); s61 = f32x4.pmax(s61, low);
          s70 = f32x4.pmax(s70, low); s71 = f32x4.pmax(s71, low);
        }
        leave_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51, s60, s61, s70, s71);
      } else if (activation != NONE) {
        s00 = clamp(s00, low, high); s01 = clamp(s01, low, high);
        s10 = clamp(s10, low, high); s11 = clamp(s11, low, high);
        s20 = clamp(s20, low, high); s21 = clamp(s21, low, high);
        s30 = clamp(s30, low, high); s31 = clamp(s31, low, high);
        if (height_of<Height>() > 4) {
          s40 = clamp(s40, low, high); s41 = clamp(s41, low, high);
        }
        if (height_of<Height>() > 5) {
          s50 = clamp(s50, low, high); s51 = clamp(s51, low, high);
          s60 = clamp(s60, low, high); s61 = clamp(s61, low, high);
          s70 = clamp(s70, low, high); s71 = clamp(s71, low, high);
        }
        leave_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51, s60, s61, s70, s71);
      } else {
        leave_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s10, s11, s20, s21, s30, s31, s40, s41, s50, s51, s60, s61, s70, s71);
      }
      if (in_panels<Target>()) at += <usize>height << 5;
      else if (isInteger<Target>()) place += height << 2;
      else at += cStride * height;
    }
    b += <usize>k << 5;
    if (in_panels<Target>()) {
      c += cStride;
      if (residual != 0) residual += cStride;
    } else if (isInteger<Target>()) c += WIDE ? cStride : cStride << 1;
  }
}

/** What becomes of a tile's values; `at` is where it belongs in c and residual, `place` where its rows' places stand. */
// @ts-ignore: decorator
@inline
function leave_wide_tile<Target, Height>(
  c: usize, at: usize, cStride: usize, residual: usize, place: usize,
  s00: v128, s01: v128, s02: v128, s03: v128, s10: v128, s11: v128, s12: v128, s13: v128, s20: v128, s21: v128,
  s22: v128, s23: v128, s30: v128, s31: v128, s32: v128, s33: v128, s40: v128, s41: v128, s42: v128, s43: v128,
): void {
  if (in_panels<Target>()) {
    if (residual != 0) {
      const v = residual + at, w = v + cStride;
      s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(v, 16)); s02 = f32x4.add(s02, v128.load(w)); s03 = f32x4.add(s03, v128.load(w, 16));
      s10 = f32x4.add(s10, v128.load(v, 32)); s11 = f32x4.add(s11, v128.load(v, 48)); s12 = f32x4.add(s12, v128.load(w, 32)); s13 = f32x4.add(s13, v128.load(w, 48));
      s20 = f32x4.add(s20, v128.load(v, 64)); s21 = f32x4.add(s21, v128.load(v, 80)); s22 = f32x4.add(s22, v128.load(w, 64)); s23 = f32x4.add(s23, v128.load(w, 80));
      s30 = f32x4.add(s30, v128.load(v, 96)); s31 = f32x4.add(s31, v128.load(v, 112)); s32 = f32x4.add(s32, v128.load(w, 96)); s33 = f32x4.add(s33, v128.load(w, 112));
      if (height_of<Height>() > 4) { s40 = f32x4.add(s40, v128.load(v, 128)); s41 = f32x4.add(s41, v128.load(v, 144)); s42 = f32x4.add(s42, v128.load(w, 128)); s43 = f32x4.add(s43, v128.load(w, 144)); }
    }
    const target = c + at, second = target + cStride;
    v128.store(target, s01, 16); v128.store(target, s00); v128.store(second, s03, 16); v128.store(second, s02);
    v128.store(target, s11, 48); v128.store(target, s10, 32); v128.store(second, s13, 48); v128.store(second, s12, 32);
    v128.store(target, s21, 80); v128.store(target, s20, 64); v128.store(second, s23, 80); v128.store(second, s22, 64);
    v128.store(target, s31, 112); v128.store(target, s30, 96); v128.store(second, s33, 112); v128.store(second, s32, 96);
    if (height_of<Height>() > 4) { v128.store(target, s41, 144); v128.store(target, s40, 128); v128.store(second, s43, 144); v128.store(second, s42, 128); }
    return;
  }
  if (isInteger<Target>()) {
    let first = c + load<u32>(place), second = first + cStride;
    v128.store(first, s01, 16); v128.store(first, s00); v128.store(second, s03, 16); v128.store(second, s02);
    first = c + load<u32>(place, 4); second = first + cStride;
    v128.store(first, s11, 16); v128.store(first, s10); v128.store(second, s13, 16); v128.store(second, s12);
    first = c + load<u32>(place, 8); second = first + cStride;
    v128.store(first, s21, 16); v128.store(first, s20); v128.store(second, s23, 16); v128.store(second, s22);
    first = c + load<u32>(place, 12); second = first + cStride;
    v128.store(first, s31, 16); v128.store(first, s30); v128.store(second, s33, 16); v128.store(second, s32);
    if (height_of<Height>() > 4) {
      first = c + load<u32>(place, 16); second = first + cStride;
      v128.store(first, s41, 16); v128.store(first, s40); v128.store(second, s43, 16); v128.store(second, s42);
    }
    return;
  }
  if (residual != 0) {
    let v = residual + at;
    s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(v, 16)); s02 = f32x4.add(s02, v128.load(v, 32)); s03 = f32x4.add(s03, v128.load(v, 48)); v += cStride;
    s10 = f32x4.add(s10, v128.load(v)); s11 = f32x4.add(s11, v128.load(v, 16)); s12 = f32x4.add(s12, v128.load(v, 32)); s13 = f32x4.add(s13, v128.load(v, 48)); v += cStride;
    s20 = f32x4.add(s20, v128.load(v)); s21 = f32x4.add(s21, v128.load(v, 16)); s22 = f32x4.add(s22, v128.load(v, 32)); s23 = f32x4.add(s23, v128.load(v, 48)); v += cStride;
    s30 = f32x4.add(s30, v128.load(v)); s31 = f32x4.add(s31, v128.load(v, 16)); s32 = f32x4.add(s32, v128.load(v, 32)); s33 = f32x4.add(s33, v128.load(v, 48));
    if (height_of<Height>() > 4) {
      v += cStride;
      s40 = f32x4.add(s40, v128.load(v)); s41 = f32x4.add(s41, v128.load(v, 16)); s42 = f32x4.add(s42, v128.load(v, 32)); s43 = f32x4.add(s43, v128.load(v, 48));
    }
  }
  let target = c + at;
  v128.store(target, s01, 16); v128.store(target, s00); v128.store(target, s03, 48); v128.store(target, s02, 32); target += cStride;
  v128.store(target, s11, 16); v128.store(target, s10); v128.store(target, s13, 48); v128.store(target, s12, 32); target += cStride;
  v128.store(target, s21, 16); v128.store(target, s20); v128.store(target, s23, 48); v128.store(target, s22, 32); target += cStride;
  v128.store(target, s31, 16); v128.store(target, s30); v128.store(target, s33, 48); v128.store(target, s32, 32);
  if (height_of<Height>() > 4) {
    target += cStride;
    v128.store(target, s41, 16); v128.store(target, s40); v128.store(target, s43, 48); v128.store(target, s42, 32);
  }
}

/**
 * multiply_narrow_tiles with 16 columns, two panels of b, for V8s that make one 256-bit vector of two stores (and all that leads to them) 16 bytes
 * apart in a block: 80 sums fill ten of fifteen registers. The upper half is stored first, since the lower one alone would otherwise have to be stored
 * before a fault of the upper one. Columns are multiples of 16.
 */
function multiply_wide_tiles<Target, Operand, Height>(
  a: usize, aStep: usize, firstRow: i32, endRow: i32, k: i32, b: usize, firstColumn: i32, endColumn: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, places: usize,
): void {
  const panel = <usize>k << 5;
  const low = low_of(activation);
  const high = high_of(activation);
  const half = held(HALF_ROOT), root = held(ROOT);
  const height = height_of<Height>();
  const first = a + row_offset<Operand>(firstRow, aStep);
  b += <usize>(firstColumn >> 3) * panel;
  if (in_panels<Target>() || isInteger<Target>()) c += <usize>(firstColumn >> 3) * cStride;
  if (in_panels<Target>() && residual != 0) residual += <usize>(firstColumn >> 3) * cStride;
  for (let column = firstColumn; column < endColumn; column += 16) {
    let first0 = f32x4.splat(0.0), first1 = first0, first2 = first0, first3 = first0;
    if (bias != 0) {
      const v = bias + (<usize>column << 2);
      first0 = v128.load(v); first1 = v128.load(v, 16); first2 = v128.load(v, 32); first3 = v128.load(v, 48);
    }
    const end = b + panel;
    const eights = b + (<usize>(k & ~7) << 5);
    let later = next_ahead((k >> 3) * ((endRow - firstRow) / height), b);
    const apart = apart_ahead();
    let upper = first;
    let at = in_panels<Target>() ? <usize>firstRow << 5 : <usize>firstRow * cStride + (<usize>column << 2);
    let place = places + (<usize>firstRow << 2);
    for (let row = firstRow; row < endRow; row += height) {
      let s00 = first0, s01 = first1, s02 = first2, s03 = first3, s10 = first0, s11 = first1, s12 = first2, s13 = first3, s20 = first0, s21 = first1;
      let s22 = first2, s23 = first3, s30 = first0, s31 = first1, s32 = first2, s33 = first3, s40 = first0, s41 = first1, s42 = first2, s43 = first3;
      let a0 = upper;
      let p = b;
      let q = b + panel;
      let a1: usize, x: v128, b0: v128, b1: v128, b2: v128, b3: v128, m0: v128, m1: v128, m2: v128, m3: v128;
      if (of_picture<Operand>()) {
        while (p != end) {
          for (let turn: usize = 0; turn < 9; turn++) { // written out
            a1 = a0 + 4 * turn;
            b0 = v128.load(p, 32 * turn); b1 = v128.load(p, 32 * turn + 16); b2 = v128.load(q, 32 * turn); b3 = v128.load(q, 32 * turn + 16);
            if (height_of<Height>() > 4) {
              x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
              s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1); s42 = f32x4.add(s42, m2); s43 = f32x4.add(s43, m3);
            }
            x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
            s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1); s32 = f32x4.add(s32, m2); s33 = f32x4.add(s33, m3);
            x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
            s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1); s22 = f32x4.add(s22, m2); s23 = f32x4.add(s23, m3);
            x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
            s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1); s12 = f32x4.add(s12, m2); s13 = f32x4.add(s13, m3);
            x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
            s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1); s02 = f32x4.add(s02, m2); s03 = f32x4.add(s03, m3);
          }
          a0 += aStep; p += 288; q += 288;
        }
      } else {
        while (p != eights) {
          for (let half: usize = 0; half < 2; half++) { // written out
            for (let turn: usize = 0; turn < 8; turn++) { // written out
              a1 = a0 + step_of<Operand>() * turn;
              b0 = v128.load(p, 32 * turn); b1 = v128.load(p, 32 * turn + 16); b2 = v128.load(q, 32 * turn); b3 = v128.load(q, 32 * turn + 16);
              if (height_of<Height>() > 4) {
                x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
                s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1); s42 = f32x4.add(s42, m2); s43 = f32x4.add(s43, m3);
              }
              x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
              s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1); s32 = f32x4.add(s32, m2); s33 = f32x4.add(s33, m3);
              x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
              s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1); s22 = f32x4.add(s22, m2); s23 = f32x4.add(s23, m3);
              x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
              s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1); s12 = f32x4.add(s12, m2); s13 = f32x4.add(s13, m3);
              x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
              s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1); s02 = f32x4.add(s02, m2); s03 = f32x4.add(s03, m3);
            }
            a0 += isInteger<Operand>() ? 256 : aStep; p += 256; q += 256;
            load<u8>(later);
            later += apart;
            if (half == 0 && p == eights) break;
          }
        }
        while (p != end) {
          a1 = a0;
          b0 = v128.load(p); b1 = v128.load(p, 16); b2 = v128.load(q); b3 = v128.load(q, 16);
          if (height_of<Height>() > 4) {
            x = v128.load32_splat(a1, 4 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
            s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1); s42 = f32x4.add(s42, m2); s43 = f32x4.add(s43, m3);
          }
          x = v128.load32_splat(a1, 3 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1); s32 = f32x4.add(s32, m2); s33 = f32x4.add(s33, m3);
          x = v128.load32_splat(a1, 2 * row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1); s22 = f32x4.add(s22, m2); s23 = f32x4.add(s23, m3);
          x = v128.load32_splat(a1, row_bytes<Operand>()); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1); s12 = f32x4.add(s12, m2); s13 = f32x4.add(s13, m3);
          x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1); s02 = f32x4.add(s02, m2); s03 = f32x4.add(s03, m3);
          a0 += step_of<Operand>(); p += 32; q += 32;
        }
      }
      if (isInteger<Operand>()) upper += (row & 4) == 0 ? <usize>16 : aStep - 16;
      else upper += height * row_bytes<Operand>();
      if (activation == SCALED_HARD_SWISH) {
        s00 = scaled_hard_swish(s00, low, half, root); s01 = scaled_hard_swish(s01, low, half, root);
        s02 = scaled_hard_swish(s02, low, half, root); s03 = scaled_hard_swish(s03, low, half, root);
        s10 = scaled_hard_swish(s10, low, half, root); s11 = scaled_hard_swish(s11, low, half, root);
        s12 = scaled_hard_swish(s12, low, half, root); s13 = scaled_hard_swish(s13, low, half, root);
        s20 = scaled_hard_swish(s20, low, half, root); s21 = scaled_hard_swish(s21, low, half, root);
        s22 = scaled_hard_swish(s22, low, half, root); s23 = scaled_hard_swish(s23, low, half, root);
        s30 = scaled_hard_swish(s30, low, half, root); s31 = scaled_hard_swish(s31, low, half, root);
        s32 = scaled_hard_swish(s32, low, half, root); s33 = scaled_hard_swish(s33, low, half, root);
        if (height_of<Height>() > 4) {
          s40 = scaled_hard_swish(s40, low, half, root); s41 = scaled_hard_swish(s41, low, half, root);
          s42 = scaled_hard_swish(s42, low, half, root); s43 = scaled_hard_swish(s43, low, half, root);
        }
        leave_wide_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, s40, s41, s42, s43);
      } else if (activation == RELU) {
        s00 = f32x4.pmax(s00, low); s01 = f32x4.pmax(s01, low); s02 = f32x4.pmax(s02, low); s03 = f32x4.pmax(s03, low);
        s10 = f32x4.pmax(s10, low); s11 = f32x4.pmax(s11, low); s12 = f32x4.pmax(s12, low); s13 = f32x4.pmax(s13, low);
        s20 = f32x4.pmax(s20, low); s21 = f32x4.pmax(s21, low); s22 = f32x4.pmax(s22, low); s23 = f32x4.pmax(s23, low);
        s30 = f32x4.pmax(s30, low); s31 = f32x4.pmax(s31, low); s32 = f32x4.pmax(s32, low); s33 = f32x4.pmax(s33, low);
        if (height_of<Height>() > 4) {
          s40 = f32x4.pmax(s40, low); s41 = f32x4.pmax(s41, low); s42 = f32x4.pmax(s42, low); s43 = f32x4.pmax(s43, low);
        }
        leave_wide_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, s40, s41, s42, s43);
      } else if (activation != NONE) {
        s00 = clamp(s00, low, high); s01 = clamp(s01, low, high); s02 = clamp(s02, low, high); s03 = clamp(s03, low, high);
        s10 = clamp(s10, low, high); s11 = clamp(s11, low, high); s12 = clamp(s12, low, high); s13 = clamp(s13, low, high);
        s20 = clamp(s20, low, high); s21 = clamp(s21, low, high); s22 = clamp(s22, low, high); s23 = clamp(s23, low, high);
        s30 = clamp(s30, low, high); s31 = clamp(s31, low, high); s32 = clamp(s32, low, high); s33 = clamp(s33, low, high);
        if (height_of<Height>() > 4) {
          s40 = clamp(s40, low, high); s41 = clamp(s41, low, high); s42 = clamp(s42, low, high); s43 = clamp(s43, low, high);
        }
        leave_wide_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, s40, s41, s42, s43);
      } else {
        leave_wide_tile<Target, Height>(c, at, cStride, residual, place, s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33, s40, s41, s42, s43);
      }
      if (in_panels<Target>()) at += <usize>height << 5;
      else if (isInteger<Target>()) place += height << 2;
      else at += cStride * height;
    }
    b += panel << 1;
    if (in_panels<Target>() || isInteger<Target>()) c += cStride << 1;
    if (in_panels<Target>() && residual != 0) residual += cStride << 1;
  }
}

/** From so many rows on, a panel of b is worth reading ahead. */
const LARGE: i32 = 512;

/** How many rows can go through tiles as they are: all, or, of fewer than twelve, what is whole fours. */
export function whole_rows(rows: i32): i32 {
  return rows >= 12 || rows == 5 || rows == 9 || rows == 10 ? rows : rows & ~3;
}

/** Of so many rows, those that go through tiles of five; what these leave is whole fours. Older V8s have no register for a fifth row. */
function rows_by_fives(rows: i32): i32 {
  return TURBOFAN ? 5 * (rows & 3) : rows - 4 * ((5 - rows % 5) % 5);
}

/** Of so many rows, those that go through tiles of eight; what these leave is fives and fours. */
function rows_by_eights(rows: i32): i32 {
  const left = rows & 7;
  return left == 0 || left == 4 || left == 5 ? rows - left : max(rows - 12, 0) & ~7;
}

/**
 * c[rows][columns], `whole_rows` rows (of Transposed a multiple of four), columns a multiple of eight. In the build for wide vectors two panels of b are taken at a time, and one that is left alone. Of the eight
 * or sixteen rows of a linear layer each panel is taken alone, so that b, which is large and comes from memory, is gone through once or twice.
 */
export function multiply_tiles<Target, Operand>(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, places: usize,
): void {
  let wide = 0, eights = 0;
  if (WIDE) {
    wide = upright<Operand>() && (rows == 8 || rows == 16) && k >= LARGE ? 0 : columns & ~15;
    const fives = isInteger<Operand>() ? 0 : rows_by_fives(rows);
    if (!isInteger<Operand>()) multiply_wide_tiles<Target, Operand, Five>(a, aStep, 0, fives, k, b, 0, wide, c, cStride, bias, activation, residual, places);
    multiply_wide_tiles<Target, Operand, Four>(a, aStep, fives, rows, k, b, 0, wide, c, cStride, bias, activation, residual, places);
    if (wide == columns) return;
    if (upright<Operand>()) {
      eights = rows_by_eights(rows);
      multiply_narrow_tiles<Target, Operand, Eight>(a, aStep, 0, eights, k, b, wide, columns, c, cStride, bias, activation, residual, places);
    }
  }
  const fives = isInteger<Operand>() ? eights : eights + rows_by_fives(rows - eights);
  if (!isInteger<Operand>()) multiply_narrow_tiles<Target, Operand, Five>(a, aStep, eights, fives, k, b, wide, columns, c, cStride, bias, activation, residual, places);
  multiply_narrow_tiles<Target, Operand, Four>(a, aStep, fives, rows, k, b, wide, columns, c, cStride, bias, activation, residual, places);
}
