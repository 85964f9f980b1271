// Sums over the pixels of an image, channel by channel: the global average pool, and the sums behind
// the gradient of what is pooled or gated (squeeze-and-excite, the head).

import { map_step } from './panel';
import { clamp, hard_swish, hard_swish_slope, HARD_SWISH, held, high_of, inside, low_of, offset_of, slope_of } from './activation';
import { VECTOR, add_vector } from './vector';
import { touch } from './touch';

const CHANNELS_PER_TILE: i32 = 64;
const CHANNELS_PER_POOL: i32 = 256;

/**
 * out[n][c] = mean over pixels of a = activation(x * scale + shift). x [N][pixels][channels];
 * coefficients [2][channels] or 0 (then no activation either); out [N][channels] written.
 * A tile is 256 channels of one image.
 */
export function f32_global_average_pool_forward(
  x: usize, coefficients: usize, out: usize, images: i32, pixels: i32, channels: i32, activation: i32, tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + CHANNELS_PER_POOL - 1) / CHANNELS_PER_POOL;
  const image = tile / channelTasks;
  const first = (tile % channelTasks) * CHANNELS_PER_POOL;
  const begin = <usize>first << 2;
  const end = <usize>min(first + CHANNELS_PER_POOL, channels) << 2;
  const stride = <usize>channels << 2;
  const source = x + <usize>(image * pixels) * stride;
  const target = out + <usize>image * stride;
  // read in the order of memory before it is gone through channel by channel
  v128.store(scratch, f32x4.splat(0.0));
  touch(source + begin, pixels, stride, end - begin, scratch);
  const low = low_of(activation);
  const high = high_of(activation);
  const slope = slope_of(activation);
  const offset = offset_of(activation);
  const n = f32x4.splat(<f32>pixels);
  for (let c = begin; c < end; c += VECTOR) {
    let sum = f32x4.splat(0.0);
    let at = source + c;
    const last = at + <usize>pixels * stride;
    if (coefficients == 0) {
      do {
        sum = f32x4.add(sum, v128.load(at));
        at += stride;
      } while (at != last);
    } else {
      const scale = v128.load(coefficients + c);
      const shift = v128.load(coefficients + stride + c);
      if (activation == HARD_SWISH) {
        const zero = held(0.0), three = held(3.0), six = held(6.0), sixth = held(<f32>(1.0 / 6.0));
        do {
          sum = f32x4.add(sum, hard_swish(f32x4.add(f32x4.mul(v128.load(at), scale), shift), zero, three, six, sixth));
          at += stride;
        } while (at != last);
      } else {
        do {
          const line = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(v128.load(at), scale), shift), slope), offset);
          sum = f32x4.add(sum, clamp(line, low, high));
          at += stride;
        } while (at != last);
      }
    }
    v128.store(target + c, f32x4.div(sum, n));
  }
}

/** means [8] <- those of so many pixels of a panel: of even and odd number by themselves, then both. */
export function average_panel(means: usize, y: usize, pixels: i32): void {
  for (let at: usize = 0; at < 32; at += VECTOR) {
    let pixel = y + at;
    let even = f32x4.splat(0.0), odd = even;
    for (const end = pixel + (<usize>(pixels & ~1) << 5); pixel != end; pixel += 64) {
      even = f32x4.add(even, v128.load(pixel));
      odd = f32x4.add(odd, v128.load(pixel, 32));
    }
    if (pixels % 2 == 1) even = f32x4.add(even, v128.load(pixel));
    v128.store(means + at, f32x4.div(f32x4.add(even, odd), f32x4.splat(<f32>pixels)));
  }
}

/**
 * Inference: out[n][c] = mean over pixels of x in panels of eight channels (docs/kernels.md), [channels / 8][N * pixels][8]. Channels are a
 * multiple of 8. A tile is a panel.
 */
export function f32_global_average_pool_forward__panels(x: usize, out: usize, images: i32, pixels: i32, channels: i32, tile: i32, scratch: usize): void {
  const panel = x + <usize>tile * map_step(images * pixels);
  for (let image = 0; image < images; image++) average_panel(out + (<usize>(image * channels + tile * 8) << 2), panel + (<usize>(image * pixels) << 5), pixels);
}

/** Adds to the five sums of four channels (`step` bytes apart) those of `pixels` pixels, for hard-swish. */
function add_hard_swish_sums(
  sums: usize, step: usize, da: usize, daStride: usize, y: usize, stride: usize, pixels: i32, coefficients: usize, mean: usize,
): void {
  const scale = v128.load(coefficients), shift = v128.load(coefficients + stride), average = v128.load(mean);
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0;
  const six = held(6.0), sixth = held(<f32>(1.0 / 6.0));
  const zero = held(0.0), three = held(3.0), minusThree = held(-3.0), third = held(<f32>(1.0 / 3.0)), half = held(0.5), one = held(1.0);
  const end = y + <usize>pixels * stride;
  do {
    const value = v128.load(y);
    const d = v128.load(da);
    const u = f32x4.add(f32x4.mul(value, scale), shift);
    const slope = hard_swish_slope(u, three, minusThree, third, half, one);
    const dz = f32x4.mul(d, slope);
    const centre = f32x4.sub(value, average);
    s0 = f32x4.add(s0, f32x4.mul(d, hard_swish(u, zero, three, six, sixth)));
    s1 = f32x4.add(s1, dz);
    s2 = f32x4.add(s2, slope);
    s3 = f32x4.add(s3, f32x4.mul(dz, centre));
    s4 = f32x4.add(s4, f32x4.mul(slope, centre));
    y += stride;
    da += daStride;
  } while (y != end);
  add_vector(sums, s0);
  add_vector(sums + step, s1);
  add_vector(sums + step * 2, s2);
  add_vector(sums + step * 3, s3);
  add_vector(sums + step * 4, s4);
}

/** The same for an activation that is a clamp. */
function add_clamp_sums(
  sums: usize, step: usize, da: usize, daStride: usize, y: usize, stride: usize, pixels: i32, coefficients: usize, mean: usize,
  activation: i32,
): void {
  const scale = v128.load(coefficients), shift = v128.load(coefficients + stride), average = v128.load(mean);
  let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0;
  const low = low_of(activation);
  const high = high_of(activation);
  const one = f32x4.splat(1.0);
  const end = y + <usize>pixels * stride;
  do {
    const value = v128.load(y);
    const d = v128.load(da);
    const u = f32x4.add(f32x4.mul(value, scale), shift);
    const slope = inside(u, low, high);
    const dz = v128.and(d, slope);
    const centre = f32x4.sub(value, average);
    s0 = f32x4.add(s0, f32x4.mul(d, clamp(u, low, high)));
    s1 = f32x4.add(s1, dz);
    s2 = f32x4.add(s2, v128.and(one, slope));
    s3 = f32x4.add(s3, f32x4.mul(dz, centre));
    s4 = f32x4.add(s4, v128.and(centre, slope));
    y += stride;
    da += daStride;
  } while (y != end);
  add_vector(sums, s0);
  add_vector(sums + step, s1);
  add_vector(sums + step * 2, s2);
  add_vector(sums + step * 3, s3);
  add_vector(sums + step * 4, s4);
}

/**
 * One pass over a gated or pooled tensor a = activation(u), u = y * scale + shift, leaves five sums over
 * pixels from which its gate's gradient and, once the pooled gradient is known, its batch norm's sums follow:
 * sums[n][0..4][c] = da a, da a', a', da a' (y - mean), a' (y - mean).
 * da [N][pixels][channels] or 0 (zeros); y likewise; coefficients, saved [2][channels]; sums [N][5][channels]
 * written. A tile is one image.
 */
export function f32_gate_sums_grad_input(
  da: usize, y: usize, coefficients: usize, saved: usize, sums: usize, images: i32, pixels: i32, channels: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const stride = <usize>channels << 2;
  const target = sums + <usize>tile * stride * 5;
  memory.fill(target, 0, stride * 5);
  // a few pixels at a time, read in the order of memory before they are gone through channel by channel
  const some = max(32768 / channels, 1);
  const zero = scratch + VECTOR;
  v128.store(zero, f32x4.splat(0.0));
  v128.store(scratch, f32x4.splat(0.0));
  for (let pixel = 0; pixel < pixels; pixel += some) {
    const count = min(some, pixels - pixel);
    const start = <usize>(tile * pixels + pixel) * stride;
    touch(y + start, count, stride, stride, scratch);
    if (da != 0) touch(da + start, count, stride, stride, scratch);
    for (let c: usize = 0; c < stride; c += VECTOR) {
      const gradient = da == 0 ? zero : da + start + c;
      const step = da == 0 ? <usize>0 : stride;
      if (activation == HARD_SWISH) add_hard_swish_sums(target + c, stride, gradient, step, y + start + c, stride, count, coefficients + c, saved + c);
      else add_clamp_sums(target + c, stride, gradient, step, y + start + c, stride, count, coefficients + c, saved + c, activation);
    }
  }
}

/** dGate[n][c] = sums[n][0][c]: the gradient of a gate. sums [N][5][channels]; dGate [N][channels] written. A tile is one image. */
export function f32_gate_grad_input(sums: usize, dGate: usize, images: i32, channels: i32, tile: i32, scratch: usize): void {
  const stride = <usize>channels << 2;
  memory.copy(dGate + <usize>tile * stride, sums + <usize>tile * stride * 5, stride);
}

/**
 * Batch norm's gradient sums of a gated or pooled tensor: with dz = (da gate + pooled) a',
 * partial [2][channels] = sum over n of gate s1 + pooled s2 and gate s3 + pooled s4, and pooled[n][c]
 * first becomes dPool[n][c] / pixels. sums [N][5][channels]; gate [N][channels] or 0 (da counts in
 * full); dPool [N][channels] or 0; pooled [N][channels] written if dPool. A tile is 64 channels.
 */
export function f32_gate_statistics_grad_input(
  sums: usize, gate: usize, dPool: usize, pooled: usize, partial: usize, images: i32, channels: i32, pixels: i32,
  tile: i32, scratch: usize,
): void {
  const begin = <usize>(tile * CHANNELS_PER_TILE) << 2;
  const end = <usize>min((tile + 1) * CHANNELS_PER_TILE, channels) << 2;
  const stride = <usize>channels << 2;
  const n = f32x4.splat(<f32>pixels);
  for (let c = begin; c < end; c += VECTOR) {
    let sum = f32x4.splat(0.0);
    let product = sum;
    for (let image: usize = 0; image < <usize>images; image++) {
      const at = image * stride + c;
      const source = sums + image * stride * 5 + c;
      let g = f32x4.splat(1.0);
      if (gate != 0) g = v128.load(gate + at);
      sum = f32x4.add(sum, f32x4.mul(g, v128.load(source + stride)));
      product = f32x4.add(product, f32x4.mul(g, v128.load(source + stride * 3)));
      if (dPool != 0) {
        const p = f32x4.div(v128.load(dPool + at), n);
        v128.store(pooled + at, p);
        sum = f32x4.add(sum, f32x4.mul(p, v128.load(source + stride * 2)));
        product = f32x4.add(product, f32x4.mul(p, v128.load(source + stride * 4)));
      }
    }
    v128.store(partial + c, sum);
    v128.store(partial + stride + c, product);
  }
}
