// The matrix tiles of tile.ts for Strassen's products (strassen.ts): sums begin with those of another product, and what becomes of them is asked at a tile's end.

import { HALF_ROOT, NONE, RELU, ROOT, SCALED_HARD_SWISH, clamp, held, high_of, low_of, scaled_hard_swish } from './activation';
import { height_of } from './tile-forms';

/**
 * Rows [first, end), whole tiles of 4 or 5, of sums [rows][8] = from + a b: a in panels aStep apart; b [k][8], k a multiple of eight; rows of from `stride` bytes apart, 0 where all are one.
 * to [rows][8] <- sums, unless 0; it may be from; c <- activation(sums + more) + residual, unless 0: row i at places[i] of c and residual (or 0), its second vector `step` further on; rows of more, or 0, as those of from.
 */
export function sum_narrow_tiles<Height>(
  a: usize, aStep: usize, first: i32, end: i32, k: i32, b: usize, from: usize, stride: usize, to: usize,
  more: usize, moreStride: usize, c: usize, step: usize, residual: usize, places: usize, activation: i32,
): void {
  const height = height_of<Height>();
  const low = low_of(activation);
  const high = high_of(activation);
  const half = held(HALF_ROOT), root = held(ROOT);
  const last = b + (<usize>k << 5);
  a += <usize>first << 5;
  from += <usize>first * stride;
  places += <usize>first << 2;
  const ahead = <usize>first * 32;
  to += to == 0 ? 0 : ahead;
  more += <usize>first * moreStride;
  for (let row = first; row < end; row += height) {
    let s00 = v128.load(from), s01 = v128.load(from, 16);
    from += stride;
    let s10 = v128.load(from), s11 = v128.load(from, 16);
    from += stride;
    let s20 = v128.load(from), s21 = v128.load(from, 16);
    from += stride;
    let s30 = v128.load(from), s31 = v128.load(from, 16);
    from += stride;
    let s40 = s30, s41 = s31;
    if (height_of<Height>() > 4) {
      s40 = v128.load(from); s41 = v128.load(from, 16);
      from += stride;
    }
    let a0 = a, p = b;
    let a1: usize, x: v128, b0: v128, b1: v128, m0: v128, m1: v128;
    if (TURBOFAN) {
      do {
        for (let turn: usize = 0; turn < 8; turn++) { // written out
          a1 = a0;
          b0 = v128.load(p); b1 = v128.load(p, 16);
          if (height_of<Height>() > 4) {
            x = v128.load32_splat(a1, 128); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1);
          }
          x = v128.load32_splat(a1, 96); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1);
          x = v128.load32_splat(a1, 64); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1);
          x = v128.load32_splat(a1, 32); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1);
          x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1);
          a0 += 4; p += 32;
          if (p == last) break;
          if (p == 1) store<i32>(p, 0);
        }
        a0 += aStep - 32;
      } while (p != last);
    } else {
      do {
        for (let turn: usize = 0; turn < 8; turn++) { // written out
          a1 = a0 + 4 * turn;
          b0 = v128.load(p, 32 * turn); b1 = v128.load(p, 32 * turn + 16);
          if (height_of<Height>() > 4) {
            x = v128.load32_splat(a1, 128); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1);
          }
          x = v128.load32_splat(a1, 96); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1);
          x = v128.load32_splat(a1, 64); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1);
          x = v128.load32_splat(a1, 32); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1);
          x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1);
        }
        a0 += aStep; p += 256;
      } while (p != last);
    }
    a += height << 5;
    if (to != 0) {
      v128.store(to, s01, 16); v128.store(to, s00);
      v128.store(to, s11, 48); v128.store(to, s10, 32);
      v128.store(to, s21, 80); v128.store(to, s20, 64);
      v128.store(to, s31, 112); v128.store(to, s30, 96);
      if (height_of<Height>() > 4) {
        v128.store(to, s41, 144); v128.store(to, s40, 128);
      }
      to += height * 32;
    }
    if (c == 0) continue;
    if (more != 0) {
      s00 = f32x4.add(s00, v128.load(more)); s01 = f32x4.add(s01, v128.load(more, 16));
      more += moreStride;
      s10 = f32x4.add(s10, v128.load(more)); s11 = f32x4.add(s11, v128.load(more, 16));
      more += moreStride;
      s20 = f32x4.add(s20, v128.load(more)); s21 = f32x4.add(s21, v128.load(more, 16));
      more += moreStride;
      s30 = f32x4.add(s30, v128.load(more)); s31 = f32x4.add(s31, v128.load(more, 16));
      more += moreStride;
      if (height_of<Height>() > 4) {
        s40 = f32x4.add(s40, v128.load(more)); s41 = f32x4.add(s41, v128.load(more, 16));
        more += moreStride;
      }
    }
    if (activation == SCALED_HARD_SWISH) {
      s00 = scaled_hard_swish(s00, low, half, root); s01 = scaled_hard_swish(s01, low, half, root);
      s10 = scaled_hard_swish(s10, low, half, root); s11 = scaled_hard_swish(s11, low, half, root);
      s20 = scaled_hard_swish(s20, low, half, root); s21 = scaled_hard_swish(s21, low, half, root);
      s30 = scaled_hard_swish(s30, low, half, root); s31 = scaled_hard_swish(s31, low, half, root);
      if (height_of<Height>() > 4) {
        s40 = scaled_hard_swish(s40, low, half, root); s41 = scaled_hard_swish(s41, low, half, root);
      }
    } else if (activation == RELU) {
      s00 = f32x4.pmax(s00, low); s01 = f32x4.pmax(s01, low);
      s10 = f32x4.pmax(s10, low); s11 = f32x4.pmax(s11, low);
      s20 = f32x4.pmax(s20, low); s21 = f32x4.pmax(s21, low);
      s30 = f32x4.pmax(s30, low); s31 = f32x4.pmax(s31, low);
      if (height_of<Height>() > 4) {
        s40 = f32x4.pmax(s40, low); s41 = f32x4.pmax(s41, low);
      }
    } else if (activation != NONE) {
      s00 = clamp(s00, low, high); s01 = clamp(s01, low, high);
      s10 = clamp(s10, low, high); s11 = clamp(s11, low, high);
      s20 = clamp(s20, low, high); s21 = clamp(s21, low, high);
      s30 = clamp(s30, low, high); s31 = clamp(s31, low, high);
      if (height_of<Height>() > 4) {
        s40 = clamp(s40, low, high); s41 = clamp(s41, low, high);
      }
    }
    if (residual != 0) {
      let v = residual + load<u32>(places), w = v + step;
      s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(w));
      v = residual + load<u32>(places, 4); w = v + step;
      s10 = f32x4.add(s10, v128.load(v)); s11 = f32x4.add(s11, v128.load(w));
      v = residual + load<u32>(places, 8); w = v + step;
      s20 = f32x4.add(s20, v128.load(v)); s21 = f32x4.add(s21, v128.load(w));
      v = residual + load<u32>(places, 12); w = v + step;
      s30 = f32x4.add(s30, v128.load(v)); s31 = f32x4.add(s31, v128.load(w));
      if (height_of<Height>() > 4) {
        v = residual + load<u32>(places, 16); w = v + step;
        s40 = f32x4.add(s40, v128.load(v)); s41 = f32x4.add(s41, v128.load(w));
      }
    }
    let v = c + load<u32>(places), w = v + step;
    v128.store(v, s00); v128.store(w, s01);
    v = c + load<u32>(places, 4); w = v + step;
    v128.store(v, s10); v128.store(w, s11);
    v = c + load<u32>(places, 8); w = v + step;
    v128.store(v, s20); v128.store(w, s21);
    v = c + load<u32>(places, 12); w = v + step;
    v128.store(v, s30); v128.store(w, s31);
    if (height_of<Height>() > 4) {
      v = c + load<u32>(places, 16); w = v + step;
      v128.store(v, s40); v128.store(w, s41);
    }
    places += height << 2;
  }
}

/** sum_narrow_tiles with 16 columns, two panels of b `panel` bytes apart. */
export function sum_wide_tiles<Height>(
  a: usize, aStep: usize, first: i32, end: i32, k: i32, b: usize, panel: usize, from: usize, stride: usize, to: usize,
  more: usize, moreStride: usize, c: usize, step: usize, residual: usize, places: usize, activation: i32,
): void {
  const height = height_of<Height>();
  const low = low_of(activation);
  const high = high_of(activation);
  const half = held(HALF_ROOT), root = held(ROOT);
  const last = b + (<usize>k << 5);
  a += <usize>first << 5;
  from += <usize>first * stride;
  places += <usize>first << 2;
  const ahead = <usize>first * 64;
  to += to == 0 ? 0 : ahead;
  more += <usize>first * moreStride;
  for (let row = first; row < end; row += height) {
    let s00 = v128.load(from), s01 = v128.load(from, 16), s02 = v128.load(from, 32), s03 = v128.load(from, 48);
    from += stride;
    let s10 = v128.load(from), s11 = v128.load(from, 16), s12 = v128.load(from, 32), s13 = v128.load(from, 48);
    from += stride;
    let s20 = v128.load(from), s21 = v128.load(from, 16), s22 = v128.load(from, 32), s23 = v128.load(from, 48);
    from += stride;
    let s30 = v128.load(from), s31 = v128.load(from, 16), s32 = v128.load(from, 32), s33 = v128.load(from, 48);
    from += stride;
    let s40 = s30, s41 = s31, s42 = s32, s43 = s33;
    if (height_of<Height>() > 4) {
      s40 = v128.load(from); s41 = v128.load(from, 16); s42 = v128.load(from, 32); s43 = v128.load(from, 48);
      from += stride;
    }
    let a0 = a, p = b, q = b + panel;
    let a1: usize, x: v128, b0: v128, b1: v128, b2: v128, b3: v128, m0: v128, m1: v128, m2: v128, m3: v128;
    do {
      for (let half: usize = 0; half < 2; half++) { // written out
        for (let turn: usize = 0; turn < 8; turn++) { // written out
          a1 = a0 + 4 * turn;
          b0 = v128.load(p, 32 * turn); b1 = v128.load(p, 32 * turn + 16); b2 = v128.load(q, 32 * turn); b3 = v128.load(q, 32 * turn + 16);
          if (height_of<Height>() > 4) {
            x = v128.load32_splat(a1, 128); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
            s40 = f32x4.add(s40, m0); s41 = f32x4.add(s41, m1); s42 = f32x4.add(s42, m2); s43 = f32x4.add(s43, m3);
          }
          x = v128.load32_splat(a1, 96); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s30 = f32x4.add(s30, m0); s31 = f32x4.add(s31, m1); s32 = f32x4.add(s32, m2); s33 = f32x4.add(s33, m3);
          x = v128.load32_splat(a1, 64); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s20 = f32x4.add(s20, m0); s21 = f32x4.add(s21, m1); s22 = f32x4.add(s22, m2); s23 = f32x4.add(s23, m3);
          x = v128.load32_splat(a1, 32); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s10 = f32x4.add(s10, m0); s11 = f32x4.add(s11, m1); s12 = f32x4.add(s12, m2); s13 = f32x4.add(s13, m3);
          x = v128.load32_splat(a1); m0 = f32x4.mul(x, b0); m1 = f32x4.mul(x, b1); m2 = f32x4.mul(x, b2); m3 = f32x4.mul(x, b3);
          s00 = f32x4.add(s00, m0); s01 = f32x4.add(s01, m1); s02 = f32x4.add(s02, m2); s03 = f32x4.add(s03, m3);
        }
        load<u8>(a0, 287); // a line of the next tile's rows: a product is too short for prefetchers to find their way
        a0 += aStep; p += 256; q += 256;
        if (half == 0 && p == last) break;
      }
    } while (p != last);
    a += height << 5;
    if (to != 0) {
      v128.store(to, s01, 16); v128.store(to, s00); v128.store(to, s03, 48); v128.store(to, s02, 32);
      v128.store(to, s11, 80); v128.store(to, s10, 64); v128.store(to, s13, 112); v128.store(to, s12, 96);
      v128.store(to, s21, 144); v128.store(to, s20, 128); v128.store(to, s23, 176); v128.store(to, s22, 160);
      v128.store(to, s31, 208); v128.store(to, s30, 192); v128.store(to, s33, 240); v128.store(to, s32, 224);
      if (height_of<Height>() > 4) {
        v128.store(to, s41, 272); v128.store(to, s40, 256); v128.store(to, s43, 304); v128.store(to, s42, 288);
      }
      to += height * 64;
    }
    if (c == 0) continue;
    if (more != 0) {
      s00 = f32x4.add(s00, v128.load(more)); s01 = f32x4.add(s01, v128.load(more, 16)); s02 = f32x4.add(s02, v128.load(more, 32)); s03 = f32x4.add(s03, v128.load(more, 48));
      more += moreStride;
      s10 = f32x4.add(s10, v128.load(more)); s11 = f32x4.add(s11, v128.load(more, 16)); s12 = f32x4.add(s12, v128.load(more, 32)); s13 = f32x4.add(s13, v128.load(more, 48));
      more += moreStride;
      s20 = f32x4.add(s20, v128.load(more)); s21 = f32x4.add(s21, v128.load(more, 16)); s22 = f32x4.add(s22, v128.load(more, 32)); s23 = f32x4.add(s23, v128.load(more, 48));
      more += moreStride;
      s30 = f32x4.add(s30, v128.load(more)); s31 = f32x4.add(s31, v128.load(more, 16)); s32 = f32x4.add(s32, v128.load(more, 32)); s33 = f32x4.add(s33, v128.load(more, 48));
      more += moreStride;
      if (height_of<Height>() > 4) {
        s40 = f32x4.add(s40, v128.load(more)); s41 = f32x4.add(s41, v128.load(more, 16)); s42 = f32x4.add(s42, v128.load(more, 32)); s43 = f32x4.add(s43, v128.load(more, 48));
        more += moreStride;
      }
    }
    if (activation == SCALED_HARD_SWISH) {
      s00 = scaled_hard_swish(s00, low, half, root); s01 = scaled_hard_swish(s01, low, half, root); s02 = scaled_hard_swish(s02, low, half, root); s03 = scaled_hard_swish(s03, low, half, root);
      s10 = scaled_hard_swish(s10, low, half, root); s11 = scaled_hard_swish(s11, low, half, root); s12 = scaled_hard_swish(s12, low, half, root); s13 = scaled_hard_swish(s13, low, half, root);
      s20 = scaled_hard_swish(s20, low, half, root); s21 = scaled_hard_swish(s21, low, half, root); s22 = scaled_hard_swish(s22, low, half, root); s23 = scaled_hard_swish(s23, low, half, root);
      s30 = scaled_hard_swish(s30, low, half, root); s31 = scaled_hard_swish(s31, low, half, root); s32 = scaled_hard_swish(s32, low, half, root); s33 = scaled_hard_swish(s33, low, half, root);
      if (height_of<Height>() > 4) {
        s40 = scaled_hard_swish(s40, low, half, root); s41 = scaled_hard_swish(s41, low, half, root); s42 = scaled_hard_swish(s42, low, half, root); s43 = scaled_hard_swish(s43, low, half, root);
      }
    } else if (activation == RELU) {
      s00 = f32x4.pmax(s00, low); s01 = f32x4.pmax(s01, low); s02 = f32x4.pmax(s02, low); s03 = f32x4.pmax(s03, low);
      s10 = f32x4.pmax(s10, low); s11 = f32x4.pmax(s11, low); s12 = f32x4.pmax(s12, low); s13 = f32x4.pmax(s13, low);
      s20 = f32x4.pmax(s20, low); s21 = f32x4.pmax(s21, low); s22 = f32x4.pmax(s22, low); s23 = f32x4.pmax(s23, low);
      s30 = f32x4.pmax(s30, low); s31 = f32x4.pmax(s31, low); s32 = f32x4.pmax(s32, low); s33 = f32x4.pmax(s33, low);
      if (height_of<Height>() > 4) {
        s40 = f32x4.pmax(s40, low); s41 = f32x4.pmax(s41, low); s42 = f32x4.pmax(s42, low); s43 = f32x4.pmax(s43, low);
      }
    } else if (activation != NONE) {
      s00 = clamp(s00, low, high); s01 = clamp(s01, low, high); s02 = clamp(s02, low, high); s03 = clamp(s03, low, high);
      s10 = clamp(s10, low, high); s11 = clamp(s11, low, high); s12 = clamp(s12, low, high); s13 = clamp(s13, low, high);
      s20 = clamp(s20, low, high); s21 = clamp(s21, low, high); s22 = clamp(s22, low, high); s23 = clamp(s23, low, high);
      s30 = clamp(s30, low, high); s31 = clamp(s31, low, high); s32 = clamp(s32, low, high); s33 = clamp(s33, low, high);
      if (height_of<Height>() > 4) {
        s40 = clamp(s40, low, high); s41 = clamp(s41, low, high); s42 = clamp(s42, low, high); s43 = clamp(s43, low, high);
      }
    }
    if (residual != 0) {
      let v = residual + load<u32>(places), w = v + step;
      s00 = f32x4.add(s00, v128.load(v)); s01 = f32x4.add(s01, v128.load(v, 16)); s02 = f32x4.add(s02, v128.load(w)); s03 = f32x4.add(s03, v128.load(w, 16));
      v = residual + load<u32>(places, 4); w = v + step;
      s10 = f32x4.add(s10, v128.load(v)); s11 = f32x4.add(s11, v128.load(v, 16)); s12 = f32x4.add(s12, v128.load(w)); s13 = f32x4.add(s13, v128.load(w, 16));
      v = residual + load<u32>(places, 8); w = v + step;
      s20 = f32x4.add(s20, v128.load(v)); s21 = f32x4.add(s21, v128.load(v, 16)); s22 = f32x4.add(s22, v128.load(w)); s23 = f32x4.add(s23, v128.load(w, 16));
      v = residual + load<u32>(places, 12); w = v + step;
      s30 = f32x4.add(s30, v128.load(v)); s31 = f32x4.add(s31, v128.load(v, 16)); s32 = f32x4.add(s32, v128.load(w)); s33 = f32x4.add(s33, v128.load(w, 16));
      if (height_of<Height>() > 4) {
        v = residual + load<u32>(places, 16); w = v + step;
        s40 = f32x4.add(s40, v128.load(v)); s41 = f32x4.add(s41, v128.load(v, 16)); s42 = f32x4.add(s42, v128.load(w)); s43 = f32x4.add(s43, v128.load(w, 16));
      }
    }
    let v = c + load<u32>(places), w = v + step;
    v128.store(v, s01, 16); v128.store(v, s00); v128.store(w, s03, 16); v128.store(w, s02);
    v = c + load<u32>(places, 4); w = v + step;
    v128.store(v, s11, 16); v128.store(v, s10); v128.store(w, s13, 16); v128.store(w, s12);
    v = c + load<u32>(places, 8); w = v + step;
    v128.store(v, s21, 16); v128.store(v, s20); v128.store(w, s23, 16); v128.store(w, s22);
    v = c + load<u32>(places, 12); w = v + step;
    v128.store(v, s31, 16); v128.store(v, s30); v128.store(w, s33, 16); v128.store(w, s32);
    if (height_of<Height>() > 4) {
      v = c + load<u32>(places, 16); w = v + step;
      v128.store(v, s41, 16); v128.store(v, s40); v128.store(w, s43, 16); v128.store(w, s42);
    }
    places += height << 2;
  }
}
