// Sums over the pixels of an image, channel by channel: the global average pool, and the sums behind
// the gradient of what is pooled or gated (squeeze-and-excite, the head).

import { activate, activate_slope, clamp, hard_swish, HARD_SWISH, high_of, low_of, offset_of, slope_of } from './activation';

const CHANNELS_PER_TILE: i32 = 64;

/**
 * out[n][c] = mean over pixels of a = activation(x * scale + shift). x [N][pixels][channels];
 * coefficients [2][channels] or 0 (then no activation either); out [N][channels] written.
 * A tile is 64 channels of one image.
 */
export function f32_global_average_pool_forward(
  x: usize, coefficients: usize, out: usize, images: i32, pixels: i32, channels: i32, activation: i32, tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + CHANNELS_PER_TILE - 1) / CHANNELS_PER_TILE;
  const image = tile / channelTasks;
  const first = (tile % channelTasks) * CHANNELS_PER_TILE;
  const begin = <usize>first << 2;
  const end = <usize>min(first + CHANNELS_PER_TILE, channels) << 2;
  const stride = <usize>channels << 2;
  const source = x + <usize>(image * pixels) * stride;
  const target = out + <usize>image * stride;
  const low = low_of(activation);
  const high = high_of(activation);
  const slope = slope_of(activation);
  const offset = offset_of(activation);
  const n = f32x4.splat(<f32>pixels);
  for (let c = begin; c < end; c += 16) {
    let sum = f32x4.splat(0.0);
    let at = source + c;
    if (coefficients == 0) {
      for (let p = 0; p < pixels; p++) {
        sum = f32x4.add(sum, v128.load(at));
        at += stride;
      }
    } else {
      const scale = v128.load(coefficients + c);
      const shift = v128.load(coefficients + stride + c);
      if (activation == HARD_SWISH) {
        for (let p = 0; p < pixels; p++) {
          sum = f32x4.add(sum, hard_swish(f32x4.add(f32x4.mul(v128.load(at), scale), shift)));
          at += stride;
        }
      } else {
        for (let p = 0; p < pixels; p++) {
          const line = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(v128.load(at), scale), shift), slope), offset);
          sum = f32x4.add(sum, clamp(line, low, high));
          at += stride;
        }
      }
    }
    v128.store(target + c, f32x4.div(sum, n));
  }
}

/**
 * One pass over a gated or pooled tensor a = activation(u), u = y * scale + shift, leaves five sums over
 * pixels from which its gate's gradient and, once the pooled gradient is known, its batch norm's sums follow:
 * sums[n][0..4][c] = da a, da a', a', da a' (y - mean), a' (y - mean).
 * da [N][pixels][channels] or 0; y likewise; coefficients, saved [2][channels]; sums [N][5][channels]
 * written. A tile is 64 channels of one image.
 */
export function f32_gate_sums_grad_input(
  da: usize, y: usize, coefficients: usize, saved: usize, sums: usize, images: i32, pixels: i32, channels: i32, activation: i32,
  tile: i32, scratch: usize,
): void {
  const channelTasks = (channels + CHANNELS_PER_TILE - 1) / CHANNELS_PER_TILE;
  const image = tile / channelTasks;
  const first = (tile % channelTasks) * CHANNELS_PER_TILE;
  const begin = <usize>first << 2;
  const end = <usize>min(first + CHANNELS_PER_TILE, channels) << 2;
  const stride = <usize>channels << 2;
  const start = <usize>(image * pixels) * stride;
  const target = sums + <usize>image * stride * 5;
  for (let c = begin; c < end; c += 16) {
    const scale = v128.load(coefficients + c);
    const shift = v128.load(coefficients + stride + c);
    const mean = v128.load(saved + c);
    let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0;
    let source = y + start + c;
    let gradient = da + start + c;
    for (let p = 0; p < pixels; p++) {
      const value = v128.load(source);
      const u = f32x4.add(f32x4.mul(value, scale), shift);
      const d = da == 0 ? f32x4.splat(0.0) : v128.load(gradient);
      const derivative = activate_slope(u, activation);
      const centred = f32x4.mul(derivative, f32x4.sub(value, mean));
      s0 = f32x4.add(s0, f32x4.mul(d, activate(u, activation)));
      s1 = f32x4.add(s1, f32x4.mul(d, derivative));
      s2 = f32x4.add(s2, derivative);
      s3 = f32x4.add(s3, f32x4.mul(d, centred));
      s4 = f32x4.add(s4, centred);
      source += stride;
      gradient += stride;
    }
    v128.store(target + c, s0);
    v128.store(target + stride + c, s1);
    v128.store(target + stride * 2 + c, s2);
    v128.store(target + stride * 3 + c, s3);
    v128.store(target + stride * 4 + c, s4);
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
  for (let c = begin; c < end; c += 16) {
    let sum = f32x4.splat(0.0);
    let product = sum;
    for (let image: usize = 0; image < <usize>images; image++) {
      const at = image * stride + c;
      const source = sums + image * stride * 5 + c;
      const g = gate == 0 ? f32x4.splat(1.0) : v128.load(gate + at);
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
