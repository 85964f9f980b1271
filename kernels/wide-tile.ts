// The matrix tile of sixteen columns (tile.ts), in the build for wide vectors.

import { HALF_ROOT, NONE, RELU, ROOT, SCALED_HARD_SWISH, clamp, held, high_of, low_of, scaled_hard_swish } from './activation';
import { apart_ahead, next_ahead } from './read-ahead';
import { height_of, in_panels, of_picture, row_bytes, row_offset, step_of } from './tile-forms';

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
export function multiply_wide_tiles<Target, Operand, Height>(
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
