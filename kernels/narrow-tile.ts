// The matrix tile of eight columns (tile.ts).

import { HALF_ROOT, NONE, RELU, ROOT, SCALED_HARD_SWISH, clamp, held, high_of, low_of, scaled_hard_swish } from './activation';
import { apart_ahead, next_ahead } from './read-ahead';
import { height_of, in_panels, of_picture, row_bytes, row_offset, step_of } from './tile-forms';

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
