// The two passes of resampling 8-bit pictures (src/data/resample.ts): a module of its own, that runs where pictures are prepared. Pixels are
// three bytes. A tap's weight has 22 fractional bits, one more than a product of 16-bit integers takes: it comes as two numbers of 11 bits, and
// taps in pairs, since i32x4.dot_i16x8_s adds two products. Sums are exact, so the order does not matter.

const BITS: i32 = 22;
const LOW_BITS: i32 = 11;
const HALF: i32 = 1 << (BITS - 1);

/** Bytes r g b r g b of two pixels as integers r r g g b b. */
// @ts-ignore: decorator
@inline
function two_pixels(at: usize): v128 {
  const pixels = v128.load64_zero(at);
  return i16x8.extend_low_i8x16_u(v128.shuffle<u8>(pixels, i64x2.shr_u(pixels, 24), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
}

/** Sums of the upper and the lower parts, to integers of 0 to 255. */
// @ts-ignore: decorator
@inline
function round(high: v128, low: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.shl(high, LOW_BITS), low), BITS);
}

/**
 * target [rows][targetRowBytes] <- rows of `width` pixels, from the pixels of source [rows][rowBytes]. For output x the first of 2 * `pairs` taps
 * stands at the byte firsts[x] (i32) of a row; weights i16 [width][pairs][4]: two upper parts, two lower parts. Two bytes behind
 * the taps are read, one behind each row is written. Two rows at a time, the last two perhaps again.
 */
export function resample_rows(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, weights: usize, pairs: i32, width: i32, target: usize, targetRowBytes: usize,
): void {
  const second = rows > 1 ? rowBytes : 0;
  const targetSecond = rows > 1 ? targetRowBytes : 0;
  for (let row = 0; row < rows; row += 2) {
    const from = <usize>min(row, max(rows - 2, 0));
    const line = source + from * rowBytes;
    let write = target + from * targetRowBytes;
    let weight = weights;
    let first = firsts;
    for (const end = firsts + (<usize>width << 2); first < end; first += 4) {
      let read = line + load<u32>(first);
      let high0 = i32x4.splat(0), high1 = high0;
      let low0 = i32x4.splat(HALF), low1 = low0;
      for (const last = weight + (<usize>pairs << 3); weight < last; weight += 8) {
        const upper = v128.load32_splat(weight);
        const lower = v128.load32_splat(weight, 4);
        const pixels0 = two_pixels(read);
        const pixels1 = two_pixels(read + second);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pixels0, upper));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pixels0, lower));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pixels1, upper));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pixels1, lower));
        read += 6;
      }
      const both = i16x8.narrow_i32x4_s(round(high0, low0), round(high1, low1));
      const bytes = i8x16.narrow_i16x8_u(both, both);
      v128.store32_lane(write, bytes, 0);
      v128.store32_lane(write + targetSecond, bytes, 1);
      write += 3;
    }
  }
}

/**
 * target [height][targetRowBytes] <- the rows of source [..][rowBytes], a multiple of 16. For output y the first of 2 * `pairs` rows is number firsts[y] (i32); weights
 * as above. Rows are written from the first to the last, each up to `rowBytes` long: what is behind `targetRowBytes` belongs to the next one.
 */
export function resample_columns(
  source: usize, rowBytes: usize, firsts: usize, weights: usize, pairs: i32, height: i32, target: usize, targetRowBytes: usize,
): void {
  const pairBytes = <usize>pairs << 3;
  for (let y = 0; y < height; y++) {
    const start = source + <usize>load<u32>(firsts + (<usize>y << 2)) * rowBytes;
    for (let byte: usize = 0; byte < rowBytes; byte += 16) {
      let h0 = i32x4.splat(0), h1 = h0, h2 = h0, h3 = h0;
      let l0 = i32x4.splat(HALF), l1 = l0, l2 = l0, l3 = l0;
      let read = start + byte;
      for (let weight = weights; weight < weights + pairBytes; weight += 8) {
        const upper = v128.load(read);
        const lower = v128.load(read + rowBytes);
        const left = v128.shuffle<u8>(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = v128.shuffle<u8>(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const v0 = i16x8.extend_low_i8x16_u(left), v1 = i16x8.extend_high_i8x16_u(left);
        const v2 = i16x8.extend_low_i8x16_u(right), v3 = i16x8.extend_high_i8x16_u(right);
        const high = v128.load32_splat(weight), low = v128.load32_splat(weight, 4);
        h0 = i32x4.add(h0, i32x4.dot_i16x8_s(v0, high)); l0 = i32x4.add(l0, i32x4.dot_i16x8_s(v0, low));
        h1 = i32x4.add(h1, i32x4.dot_i16x8_s(v1, high)); l1 = i32x4.add(l1, i32x4.dot_i16x8_s(v1, low));
        h2 = i32x4.add(h2, i32x4.dot_i16x8_s(v2, high)); l2 = i32x4.add(l2, i32x4.dot_i16x8_s(v2, low));
        h3 = i32x4.add(h3, i32x4.dot_i16x8_s(v3, high)); l3 = i32x4.add(l3, i32x4.dot_i16x8_s(v3, low));
        read += rowBytes << 1;
      }
      const left = i16x8.narrow_i32x4_s(round(h0, l0), round(h1, l1));
      const right = i16x8.narrow_i32x4_s(round(h2, l2), round(h3, l3));
      v128.store(target + byte, i8x16.narrow_i16x8_u(left, right));
    }
    weights += pairBytes;
    target += targetRowBytes;
  }
}
