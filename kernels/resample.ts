// The two passes of resampling 8-bit pictures (src/data/resample.ts), the first in two ways: a module of its own, that runs where pictures are prepared. Pixels are
// three bytes. A tap's weight has 22 fractional bits, more than a product of 16-bit integers takes: it comes as two numbers, an upper one of 7 bits
// and a lower one of 15, and taps in pairs, since i32x4.dot_i16x8_s adds two products. Sums are exact, so the order does not matter. Weights add up to
// 2^22, so both sums, the lower one without its last 15 bits, fit into 16 bits; what rounding of many weights adds to that is more than 255 and ends there.

const LOW_BITS: i32 = 15;
const HIGH_BITS: i32 = 7;

/** Bytes r g b r g b of two pixels as integers r r g g b b. */
// @ts-ignore: decorator
@inline
function two_pixels(at: usize): v128 {
  const pixels = v128.load64_zero(at);
  return i16x8.extend_low_i8x16_u(v128.shuffle<u8>(pixels, i64x2.shr_u(pixels, 24), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
}

/** Bytes a0 b0 a1 b1 .. of the first eight of each, then of the last. */
// @ts-ignore: decorator
@inline
function interleave_low(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function interleave_high(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** One more pair of taps. */
// @ts-ignore: decorator
@inline
function add_pair(sum: v128, values: v128, weights: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(values, weights));
}

/** Sums of the upper and the lower parts, of four values and four more, rounded to integers of 0 to 255. */
// @ts-ignore: decorator
@inline
function round(high0: v128, low0: v128, high1: v128, low1: v128): v128 {
  const carried = i16x8.narrow_i32x4_s(i32x4.shr_s(low0, LOW_BITS), i32x4.shr_s(low1, LOW_BITS));
  const sum = i16x8.add(i16x8.narrow_i32x4_s(high0, high1), carried);
  // half of what is one more: a sum with a constant, which V8 would make anew each time
  return i16x8.avgr_u(i16x8.shr_u(sum, HIGH_BITS - 1), i64x2.splat(0));
}

/**
 * target [rows][targetRowBytes] <- rows of `width` pixels, from the pixels of source [rows][rowBytes]. For output x the first of 2 * `pairs` taps
 * stands at the byte firsts[x] (i32) of a row; weights i16 [width][pairs][4]: two upper parts, two lower parts. Two bytes behind
 * the taps are read, one behind each row is written. Four rows at a time, the last ones perhaps again.
 */
export function resample_rows(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, weights: usize, pairs: i32, width: i32, target: usize, targetRowBytes: usize,
): void {
  for (let row = 0; row < rows; row += 4) {
    const row0 = max(min(row, rows - 4), 0), row1 = min(row0 + 1, rows - 1), row2 = min(row0 + 2, rows - 1), row3 = min(row0 + 3, rows - 1);
    const line0 = source + <usize>row0 * rowBytes, line1 = source + <usize>row1 * rowBytes, line2 = source + <usize>row2 * rowBytes, line3 = source + <usize>row3 * rowBytes;
    let write0 = target + <usize>row0 * targetRowBytes, write1 = target + <usize>row1 * targetRowBytes, write2 = target + <usize>row2 * targetRowBytes, write3 = target + <usize>row3 * targetRowBytes;
    let weight = weights;
    for (let first = firsts, end = firsts + (<usize>width << 2); first < end; first += 4) {
      let read = <usize>load<u32>(first);
      let upper = v128.load32_splat(weight), lower = v128.load32_splat(weight, 4);
      let pixels0 = two_pixels(line0 + read), pixels1 = two_pixels(line1 + read), pixels2 = two_pixels(line2 + read), pixels3 = two_pixels(line3 + read);
      let high0 = i32x4.dot_i16x8_s(pixels0, upper), low0 = i32x4.dot_i16x8_s(pixels0, lower);
      let high1 = i32x4.dot_i16x8_s(pixels1, upper), low1 = i32x4.dot_i16x8_s(pixels1, lower);
      let high2 = i32x4.dot_i16x8_s(pixels2, upper), low2 = i32x4.dot_i16x8_s(pixels2, lower);
      let high3 = i32x4.dot_i16x8_s(pixels3, upper), low3 = i32x4.dot_i16x8_s(pixels3, lower);
      weight += 8;
      for (const last = weight + ((<usize>pairs - 1) << 3); weight < last; weight += 8) {
        read += 6;
        upper = v128.load32_splat(weight); lower = v128.load32_splat(weight, 4);
        pixels0 = two_pixels(line0 + read); high0 = add_pair(high0, pixels0, upper); low0 = add_pair(low0, pixels0, lower);
        pixels1 = two_pixels(line1 + read); high1 = add_pair(high1, pixels1, upper); low1 = add_pair(low1, pixels1, lower);
        pixels2 = two_pixels(line2 + read); high2 = add_pair(high2, pixels2, upper); low2 = add_pair(low2, pixels2, lower);
        pixels3 = two_pixels(line3 + read); high3 = add_pair(high3, pixels3, upper); low3 = add_pair(low3, pixels3, lower);
      }
      const bytes = i8x16.narrow_i16x8_u(round(high0, low0, high1, low1), round(high2, low2, high3, low3));
      v128.store32_lane(write0, bytes, 0);
      v128.store32_lane(write1, bytes, 1);
      v128.store32_lane(write2, bytes, 2);
      v128.store32_lane(write3, bytes, 3);
      write0 += 3; write1 += 3; write2 += 3; write3 += 3;
    }
  }
}

/** Of a row, the four values each that three vectors of taps make: the first eight as integers of 16 bits; the last four are left to `last_four`. */
// @ts-ignore: decorator
@inline
function first_eight(pixels: v128, taps: usize): v128 {
  const values0 = i8x16.swizzle(pixels, v128.load(taps)), values1 = i8x16.swizzle(pixels, v128.load(taps, 16));
  return round(
    i32x4.dot_i16x8_s(values0, v128.load(taps, 48)), i32x4.dot_i16x8_s(values0, v128.load(taps, 96)),
    i32x4.dot_i16x8_s(values1, v128.load(taps, 64)), i32x4.dot_i16x8_s(values1, v128.load(taps, 112)),
  );
}

/** The last four values of one row and of another. */
// @ts-ignore: decorator
@inline
function last_four(pixels0: v128, pixels1: v128, taps: usize): v128 {
  const order = v128.load(taps, 32), upper = v128.load(taps, 80), lower = v128.load(taps, 128);
  const values0 = i8x16.swizzle(pixels0, order), values1 = i8x16.swizzle(pixels1, order);
  return round(
    i32x4.dot_i16x8_s(values0, upper), i32x4.dot_i16x8_s(values0, lower), i32x4.dot_i16x8_s(values1, upper), i32x4.dot_i16x8_s(values1, lower),
  );
}

/**
 * `resample_rows` of two taps each that lie close, as where pictures are enlarged: four pixels at a time, from 16 bytes. For the four outputs x..x+3 these stand at the
 * byte firsts[x / 4] (i32) of a row; taps [width / 4][3][3][16 bytes] are for their twelve values which two bytes each takes, a zero behind either (as
 * i8x16.swizzle has it), then the upper parts of the weights (i16 [4][2]), then the lower ones. 16 bytes are read; of the last four pixels, all are written.
 */
export function enlarge_rows(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, taps: usize, fours: i32, target: usize, targetRowBytes: usize,
): void {
  for (let row = 0; row < rows; row += 4) {
    const row0 = max(min(row, rows - 4), 0), row1 = min(row0 + 1, rows - 1), row2 = min(row0 + 2, rows - 1), row3 = min(row0 + 3, rows - 1);
    const line0 = source + <usize>row0 * rowBytes, line1 = source + <usize>row1 * rowBytes, line2 = source + <usize>row2 * rowBytes, line3 = source + <usize>row3 * rowBytes;
    let write0 = target + <usize>row0 * targetRowBytes, write1 = target + <usize>row1 * targetRowBytes, write2 = target + <usize>row2 * targetRowBytes, write3 = target + <usize>row3 * targetRowBytes;
    let tap = taps;
    for (let first = firsts, end = firsts + (<usize>fours << 2); first < end; first += 4) {
      const read = <usize>load<u32>(first);
      const pixels0 = v128.load(line0 + read), pixels1 = v128.load(line1 + read), pixels2 = v128.load(line2 + read), pixels3 = v128.load(line3 + read);
      const eights01 = i8x16.narrow_i16x8_u(first_eight(pixels0, tap), first_eight(pixels1, tap));
      v128.store64_lane(write0, eights01, 0);
      v128.store64_lane(write1, eights01, 1);
      const eights23 = i8x16.narrow_i16x8_u(first_eight(pixels2, tap), first_eight(pixels3, tap));
      v128.store64_lane(write2, eights23, 0);
      v128.store64_lane(write3, eights23, 1);
      const fours0123 = i8x16.narrow_i16x8_u(last_four(pixels0, pixels1, tap), last_four(pixels2, pixels3, tap));
      v128.store32_lane(write0, fours0123, 0, 8);
      v128.store32_lane(write1, fours0123, 1, 8);
      v128.store32_lane(write2, fours0123, 2, 8);
      v128.store32_lane(write3, fours0123, 3, 8);
      write0 += 12; write1 += 12; write2 += 12; write3 += 12;
      tap += 144;
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
      let read = start + byte;
      let h0: v128, h1: v128, h2: v128, h3: v128, l0: v128, l1: v128, l2: v128, l3: v128;
      {
        const upper = v128.load(read), lower = v128.load(read + rowBytes);
        const left = interleave_low(upper, lower);
        const right = interleave_high(upper, lower);
        const v0 = i16x8.extend_low_i8x16_u(left), v1 = i16x8.extend_high_i8x16_u(left);
        const v2 = i16x8.extend_low_i8x16_u(right), v3 = i16x8.extend_high_i8x16_u(right);
        const high = v128.load32_splat(weights), low = v128.load32_splat(weights, 4);
        h0 = i32x4.dot_i16x8_s(v0, high); l0 = i32x4.dot_i16x8_s(v0, low);
        h1 = i32x4.dot_i16x8_s(v1, high); l1 = i32x4.dot_i16x8_s(v1, low);
        h2 = i32x4.dot_i16x8_s(v2, high); l2 = i32x4.dot_i16x8_s(v2, low);
        h3 = i32x4.dot_i16x8_s(v3, high); l3 = i32x4.dot_i16x8_s(v3, low);
      }
      for (let weight = weights + 8; weight < weights + pairBytes; weight += 8) {
        read += rowBytes << 1;
        const upper = v128.load(read), lower = v128.load(read + rowBytes);
        const left = interleave_low(upper, lower);
        const right = interleave_high(upper, lower);
        const v0 = i16x8.extend_low_i8x16_u(left), v1 = i16x8.extend_high_i8x16_u(left);
        const v2 = i16x8.extend_low_i8x16_u(right), v3 = i16x8.extend_high_i8x16_u(right);
        const high = v128.load32_splat(weight), low = v128.load32_splat(weight, 4);
        h0 = add_pair(h0, v0, high); l0 = add_pair(l0, v0, low);
        h1 = add_pair(h1, v1, high); l1 = add_pair(l1, v1, low);
        h2 = add_pair(h2, v2, high); l2 = add_pair(l2, v2, low);
        h3 = add_pair(h3, v3, high); l3 = add_pair(l3, v3, low);
      }
      v128.store(target + byte, i8x16.narrow_i16x8_u(round(h0, l0, h1, l1), round(h2, l2, h3, l3)));
    }
    weights += pairBytes;
    target += targetRowBytes;
  }
}
