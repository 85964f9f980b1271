// The two passes of resampling 8-bit pictures (src/data/resample-passes.ts), the first in two ways: a module of its own, that runs where pictures are prepared. Pixels are
// three bytes. A tap's weight has 22 fractional bits, more than a product of 16-bit integers takes: it comes as two numbers, an upper one of 7 bits
// and a lower one of 15, and taps in pairs, since i32x4.dot_i16x8_s adds two products. Sums are exact, so the order does not matter. Weights add up to
// 2^22, so both sums, the lower one without its last 15 bits, fit into 16 bits; what rounding of many weights adds to that is more than 255 and ends there.
// Where sizes are in whole ratios, as 512 pixels to 256 or 224 to 256, weights are `short`: all lower parts are 0 and nothing is done with them.

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

/** The lower parts of a first pair. */
// @ts-ignore: decorator
@inline
function low_pair(values: v128, weights: v128, short: bool): v128 {
  return short ? values : i32x4.dot_i16x8_s(values, weights);
}

/** The lower parts of one more pair. */
// @ts-ignore: decorator
@inline
function add_low_pair(sum: v128, values: v128, weights: v128, short: bool): v128 {
  return short ? sum : add_pair(sum, values, weights);
}

/** Sums of eight values, in units of upper parts, rounded to integers of 0 to 255. */
// @ts-ignore: decorator
@inline
function round_short(sum: v128): v128 {
  // half of what is one more: a sum with a constant, which V8 would make anew each time
  return i16x8.avgr_u(i16x8.shr_u(sum, HIGH_BITS - 1), i64x2.splat(0));
}

/** Sums of the upper and the lower parts, of four values and four more, rounded to integers of 0 to 255. */
// @ts-ignore: decorator
@inline
function round(high0: v128, low0: v128, high1: v128, low1: v128, short: bool): v128 {
  const high = i16x8.narrow_i32x4_s(high0, high1);
  if (short) return round_short(high);
  const carried = i16x8.narrow_i32x4_s(i32x4.shr_s(low0, LOW_BITS), i32x4.shr_s(low1, LOW_BITS));
  return round_short(i16x8.add(high, carried));
}

/**
 * target [rows][targetRowBytes] <- rows of `width` pixels, from the pixels of source [rows][rowBytes]. For output x the first of 2 * `pairs` taps
 * stands at the byte firsts[x] (i32) of a row; weights i16 [width][pairs][4]: two upper parts, two lower parts. Two bytes behind
 * the taps are read, one behind each row is written. Four rows at a time, the last ones perhaps again.
 */
// @ts-ignore: decorator
@inline
function reduce(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, weights: usize, pairs: i32, width: i32, target: usize, targetRowBytes: usize, short: bool,
): void {
  for (let row = 0; row < rows; row += 4) {
    const row0 = max(min(row, rows - 4), 0), row1 = min(row0 + 1, rows - 1), row2 = min(row0 + 2, rows - 1), row3 = min(row0 + 3, rows - 1);
    const line0 = source + <usize>row0 * rowBytes, line1 = source + <usize>row1 * rowBytes, line2 = source + <usize>row2 * rowBytes, line3 = source + <usize>row3 * rowBytes;
    let write0 = target + <usize>row0 * targetRowBytes, write1 = target + <usize>row1 * targetRowBytes, write2 = target + <usize>row2 * targetRowBytes, write3 = target + <usize>row3 * targetRowBytes;
    let weight = weights;
    for (let first = firsts, end = firsts + (<usize>width << 2); first < end; first += 4) {
      let read = <usize>load<u32>(first);
      let upper = v128.load32_splat(weight), lower = short ? upper : v128.load32_splat(weight, 4);
      let pixels0 = two_pixels(line0 + read), pixels1 = two_pixels(line1 + read), pixels2 = two_pixels(line2 + read), pixels3 = two_pixels(line3 + read);
      let high0 = i32x4.dot_i16x8_s(pixels0, upper), low0 = low_pair(pixels0, lower, short);
      let high1 = i32x4.dot_i16x8_s(pixels1, upper), low1 = low_pair(pixels1, lower, short);
      let high2 = i32x4.dot_i16x8_s(pixels2, upper), low2 = low_pair(pixels2, lower, short);
      let high3 = i32x4.dot_i16x8_s(pixels3, upper), low3 = low_pair(pixels3, lower, short);
      weight += 8;
      for (const last = weight + ((<usize>pairs - 1) << 3); weight < last; weight += 8) {
        read += 6;
        upper = v128.load32_splat(weight); lower = short ? upper : v128.load32_splat(weight, 4);
        pixels0 = two_pixels(line0 + read); high0 = add_pair(high0, pixels0, upper); low0 = add_low_pair(low0, pixels0, lower, short);
        pixels1 = two_pixels(line1 + read); high1 = add_pair(high1, pixels1, upper); low1 = add_low_pair(low1, pixels1, lower, short);
        pixels2 = two_pixels(line2 + read); high2 = add_pair(high2, pixels2, upper); low2 = add_low_pair(low2, pixels2, lower, short);
        pixels3 = two_pixels(line3 + read); high3 = add_pair(high3, pixels3, upper); low3 = add_low_pair(low3, pixels3, lower, short);
      }
      const bytes = i8x16.narrow_i16x8_u(round(high0, low0, high1, low1, short), round(high2, low2, high3, low3, short));
      v128.store32_lane(write0, bytes, 0);
      v128.store32_lane(write1, bytes, 1);
      v128.store32_lane(write2, bytes, 2);
      v128.store32_lane(write3, bytes, 3);
      write0 += 3; write1 += 3; write2 += 3; write3 += 3;
    }
  }
}

/** As `reduce`. */
export function resample_rows(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, weights: usize, pairs: i32, width: i32, target: usize, targetRowBytes: usize, short: bool,
): void {
  if (short) reduce(source, rowBytes, rows, firsts, weights, pairs, width, target, targetRowBytes, true);
  else reduce(source, rowBytes, rows, firsts, weights, pairs, width, target, targetRowBytes, false);
}

/** Of a row, the four values each that three vectors of taps make: the first eight as integers of 16 bits; the last four are left to `last_four`. */
// @ts-ignore: decorator
@inline
function first_eight(pixels: v128, taps: usize, short: bool): v128 {
  const values0 = i8x16.swizzle(pixels, v128.load(taps)), values1 = i8x16.swizzle(pixels, v128.load(taps, 16));
  return round(
    i32x4.dot_i16x8_s(values0, v128.load(taps, 48)), short ? values0 : i32x4.dot_i16x8_s(values0, v128.load(taps, 96)),
    i32x4.dot_i16x8_s(values1, v128.load(taps, 64)), short ? values1 : i32x4.dot_i16x8_s(values1, v128.load(taps, 112)), short,
  );
}

/** The last four values of one row and of another. */
// @ts-ignore: decorator
@inline
function last_four(pixels0: v128, pixels1: v128, taps: usize, short: bool): v128 {
  const order = v128.load(taps, 32), upper = v128.load(taps, 80), lower = short ? upper : v128.load(taps, 128);
  const values0 = i8x16.swizzle(pixels0, order), values1 = i8x16.swizzle(pixels1, order);
  return round(
    i32x4.dot_i16x8_s(values0, upper), low_pair(values0, lower, short), i32x4.dot_i16x8_s(values1, upper), low_pair(values1, lower, short), short,
  );
}

/**
 * `resample_rows` of two taps each that lie close, as where pictures are enlarged: four pixels at a time, from 16 bytes. For the four outputs x..x+3 these stand at the
 * byte firsts[x / 4] (i32) of a row; taps [width / 4][3][3][16 bytes] are for their twelve values which two bytes each takes, a zero behind either (as
 * i8x16.swizzle has it), then the upper parts of the weights (i16 [4][2]), then the lower ones. 16 bytes are read; of the last four pixels, all are written.
 */
// @ts-ignore: decorator
@inline
function enlarge(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, taps: usize, fours: i32, target: usize, targetRowBytes: usize, short: bool,
): void {
  for (let row = 0; row < rows; row += 4) {
    const row0 = max(min(row, rows - 4), 0), row1 = min(row0 + 1, rows - 1), row2 = min(row0 + 2, rows - 1), row3 = min(row0 + 3, rows - 1);
    const line0 = source + <usize>row0 * rowBytes, line1 = source + <usize>row1 * rowBytes, line2 = source + <usize>row2 * rowBytes, line3 = source + <usize>row3 * rowBytes;
    let write0 = target + <usize>row0 * targetRowBytes, write1 = target + <usize>row1 * targetRowBytes, write2 = target + <usize>row2 * targetRowBytes, write3 = target + <usize>row3 * targetRowBytes;
    let tap = taps;
    for (let first = firsts, end = firsts + (<usize>fours << 2); first < end; first += 4) {
      const read = <usize>load<u32>(first);
      const pixels0 = v128.load(line0 + read), pixels1 = v128.load(line1 + read), pixels2 = v128.load(line2 + read), pixels3 = v128.load(line3 + read);
      const eights01 = i8x16.narrow_i16x8_u(first_eight(pixels0, tap, short), first_eight(pixels1, tap, short));
      v128.store64_lane(write0, eights01, 0);
      v128.store64_lane(write1, eights01, 1);
      const eights23 = i8x16.narrow_i16x8_u(first_eight(pixels2, tap, short), first_eight(pixels3, tap, short));
      v128.store64_lane(write2, eights23, 0);
      v128.store64_lane(write3, eights23, 1);
      const fours0123 = i8x16.narrow_i16x8_u(last_four(pixels0, pixels1, tap, short), last_four(pixels2, pixels3, tap, short));
      v128.store32_lane(write0, fours0123, 0, 8);
      v128.store32_lane(write1, fours0123, 1, 8);
      v128.store32_lane(write2, fours0123, 2, 8);
      v128.store32_lane(write3, fours0123, 3, 8);
      write0 += 12; write1 += 12; write2 += 12; write3 += 12;
      tap += 144;
    }
  }
}

/** As `enlarge`. */
export function enlarge_rows(
  source: usize, rowBytes: usize, rows: i32, firsts: usize, taps: usize, fours: i32, target: usize, targetRowBytes: usize, short: bool,
): void {
  if (short) enlarge(source, rowBytes, rows, firsts, taps, fours, target, targetRowBytes, true);
  else enlarge(source, rowBytes, rows, firsts, taps, fours, target, targetRowBytes, false);
}

/** Eight values of an output row, not rounded yet: those of two rows with weights whose lower parts are 0. */
// @ts-ignore: decorator
@inline
function short_pair(read: usize, rowBytes: usize, upper: v128, next: v128): v128 {
  return i16x8.add(i16x8.mul(v128.load8x8_u(read), upper), i16x8.mul(v128.load8x8_u(read + rowBytes), next));
}

/** Sixteen bytes of an output row: those at `read` and of the rows below, a pair for each eight bytes of weights, of which the lower parts are 0. */
// @ts-ignore: decorator
@inline
function short_column(read: usize, rowBytes: usize, weight: usize, end: usize): v128 {
  let sum0 = i64x2.splat(0), sum1 = i64x2.splat(0);
  do {
    const upper = v128.load16_splat(weight), next = v128.load16_splat(weight, 2);
    sum0 = i16x8.add(sum0, short_pair(read, rowBytes, upper, next));
    sum1 = i16x8.add(sum1, short_pair(read + 8, rowBytes, upper, next));
    read += rowBytes << 1;
    weight += 8;
  } while (weight < end);
  return i8x16.narrow_i16x8_u(round_short(sum0), round_short(sum1));
}

/** `short_column` of any weights. */
// @ts-ignore: decorator
@inline
function column(read: usize, rowBytes: usize, weight: usize, end: usize): v128 {
  let h0: v128, h1: v128, h2: v128, h3: v128, l0: v128, l1: v128, l2: v128, l3: v128;
  {
    const upper = v128.load(read), lower = v128.load(read + rowBytes);
    const left = interleave_low(upper, lower);
    const right = interleave_high(upper, lower);
    const v0 = i16x8.extend_low_i8x16_u(left), v1 = i16x8.extend_high_i8x16_u(left);
    const v2 = i16x8.extend_low_i8x16_u(right), v3 = i16x8.extend_high_i8x16_u(right);
    const high = v128.load32_splat(weight), low = v128.load32_splat(weight, 4);
    h0 = i32x4.dot_i16x8_s(v0, high); l0 = i32x4.dot_i16x8_s(v0, low);
    h1 = i32x4.dot_i16x8_s(v1, high); l1 = i32x4.dot_i16x8_s(v1, low);
    h2 = i32x4.dot_i16x8_s(v2, high); l2 = i32x4.dot_i16x8_s(v2, low);
    h3 = i32x4.dot_i16x8_s(v3, high); l3 = i32x4.dot_i16x8_s(v3, low);
  }
  for (weight += 8; weight < end; weight += 8) {
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
  return i8x16.narrow_i16x8_u(round(h0, l0, h1, l1, false), round(h2, l2, h3, l3, false));
}

/**
 * target [height][targetRowBytes] <- the rows of source [..][rowBytes], a multiple of 16. For output y the first of 2 * `pairs` rows is number firsts[y] (i32); weights
 * as above. Rows are written from the first to the last, each up to `rowBytes` long: what is behind `targetRowBytes` belongs to the next one.
 */
export function resample_columns(
  source: usize, rowBytes: usize, firsts: usize, weights: usize, pairs: i32, height: i32, target: usize, targetRowBytes: usize, short: bool,
): void {
  for (let y = 0; y < height; y++) {
    const start = source + <usize>load<u32>(firsts + (<usize>y << 2)) * rowBytes;
    const end = weights + (<usize>pairs << 3);
    if (!short) {
      for (let byte: usize = 0; byte < rowBytes; byte += 16) v128.store(target + byte, column(start + byte, rowBytes, weights, end));
    } else if (pairs > 1) {
      for (let byte: usize = 0; byte < rowBytes; byte += 16) v128.store(target + byte, short_column(start + byte, rowBytes, weights, end));
    } else {
      const upper = v128.load16_splat(weights), next = v128.load16_splat(weights, 2);
      for (let byte: usize = 0; byte < rowBytes; byte += 16) {
        const first = short_pair(start + byte, rowBytes, upper, next), second = short_pair(start + byte + 8, rowBytes, upper, next);
        v128.store(target + byte, i8x16.narrow_i16x8_u(round_short(first), round_short(second)));
      }
    }
    weights = end;
    target += targetRowBytes;
  }
}
