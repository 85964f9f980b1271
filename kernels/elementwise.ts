// One value in, one value out.

import { HARD_SWISH, activate, activate_slope, clamp, hard_swish, held, high_of, low_of } from './activation';
import { normalize_pixels } from './picture';
import { philox_word } from './random';

const FLOATS_PER_TILE: i32 = 16384;
const ROWS_PER_BLOCK: i32 = 32;

/** target[rows][channels] = activation(source * scale + shift), coefficients [scale, shift]; 0: the values as they are, no activation being pending. */
function normalize_rows(target: usize, source: usize, rows: i32, channels: i32, coefficients: usize, activation: i32): void {
  const stride = <usize>channels << 2;
  if (coefficients == 0) {
    memory.copy(target, source, <usize>rows * stride);
    return;
  }
  const shift = coefficients + stride;
  const low = low_of(activation);
  const high = high_of(activation);
  const zero = held(0.0), three = held(3.0), six = held(6.0), sixth = held(<f32>(1.0 / 6.0));
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    if (activation == HARD_SWISH) {
      do {
        const x = f32x4.add(f32x4.mul(v128.load(source + c), v128.load(coefficients + c)), v128.load(shift + c));
        v128.store(target + c, hard_swish(x, zero, three, six, sixth));
        c += 16;
      } while (c != stride);
    } else {
      do {
        const x = f32x4.add(f32x4.mul(v128.load(source + c), v128.load(coefficients + c)), v128.load(shift + c));
        v128.store(target + c, clamp(x, low, high));
        c += 16;
      } while (c != stride);
    }
    target += stride;
    source += stride;
  }
}

/**
 * out = a + b, each with its batch norm and activation pending (view.ts): the residual sum, which is kept.
 * a, b, out [rows][channels]; coefficients [2][channels] or 0; b 0: out = a. A tile is `rowsPerTask` rows.
 */
export function f32_add_forward(
  a: usize, aCoefficients: usize, b: usize, bCoefficients: usize, out: usize,
  rows: i32, channels: i32, rowsPerTask: i32, aActivation: i32, bActivation: i32, tile: i32, scratch: usize,
): void {
  const stride = <usize>channels << 2;
  const end = min((tile + 1) * rowsPerTask, rows);
  for (let row = tile * rowsPerTask; row < end; row += ROWS_PER_BLOCK) {
    const count = min(ROWS_PER_BLOCK, end - row);
    const at = <usize>row * stride;
    const target = out + at;
    normalize_rows(target, a + at, count, channels, aCoefficients, aActivation);
    if (b == 0) continue;
    let other = b + at;
    if (bCoefficients != 0) {
      normalize_rows(scratch, other, count, channels, bCoefficients, bActivation);
      other = scratch;
    }
    const bytes = <usize>count * stride;
    for (let c: usize = 0; c < bytes; c += 16) v128.store(target + c, f32x4.add(v128.load(target + c), v128.load(other + c)));
  }
}

/** y = activation(x). x, y [length], any length. A tile is 16384 values. */
export function f32_activation_forward(x: usize, y: usize, length: i32, activation: i32, tile: i32, scratch: usize): void {
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  let i = <usize>(tile * FLOATS_PER_TILE) << 2;
  for (; i + 16 <= end; i += 16) v128.store(y + i, activate(v128.load(x + i), activation));
  for (; i < end; i += 4) store<f32>(y + i, f32x4.extract_lane(activate(v128.load32_splat(x + i), activation), 0));
}

/** dx = dy * activation'(x). All [length]; dx written, may be dy. A tile is 16384 values. */
export function f32_activation_grad_input(dy: usize, x: usize, dx: usize, length: i32, activation: i32, tile: i32, scratch: usize): void {
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  let i = <usize>(tile * FLOATS_PER_TILE) << 2;
  for (; i + 16 <= end; i += 16) v128.store(dx + i, f32x4.mul(v128.load(dy + i), activate_slope(v128.load(x + i), activation)));
  for (; i < end; i += 4) {
    const slope = f32x4.extract_lane(activate_slope(v128.load32_splat(x + i), activation), 0);
    store<f32>(dx + i, load<f32>(dy + i) * slope);
  }
}

/**
 * y = x * mask / (1 - probability); the same call turns dy into dx. Value i is kept where the upper 24
 * bits of word i & 3 of Philox block (i >> 2, step) under key (seed, purpose dropout) reach `threshold` =
 * probability * 2^24. x, y [length]; state: [seed, step] as u32. A tile is 16384 values.
 */
export function f32_dropout_forward(
  x: usize, state: usize, y: usize, length: i32, threshold: i32, scale: f32, tile: i32, scratch: usize,
): void {
  const seed = load<u32>(state);
  const step = load<u32>(state, 4);
  const end = min((tile + 1) * FLOATS_PER_TILE, length);
  for (let i = tile * FLOATS_PER_TILE; i < end; i++) {
    const word = philox_word(<u32>i >> 2, step, seed, 5, i & 3);
    const kept = <i32>(word >> 8) >= threshold;
    const at = <usize>i << 2;
    store<f32>(y + at, kept ? load<f32>(x + at) * scale : <f32>0.0);
  }
}

/**
 * Pictures from bytes: y = x * scale[c] + shift[c] for three channels. x [pixels][3] u8; coefficients
 * [2][3] floats; y [pixels][3] floats written. A tile is 4096 pixels.
 */
export function u8_normalize_forward(x: usize, coefficients: usize, y: usize, pixels: i32, tile: i32, scratch: usize): void {
  const first = tile * 4096;
  normalize_pixels(y + <usize>(first * 12), x + <usize>(first * 3), min(4096, pixels - first), coefficients);
}
