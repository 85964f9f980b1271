// Tensors are kept as they left their convolution, before batch norm. A kernel that reads one brings
// rows of it into its scratch memory in their final form; these are the loads. A row is the channels
// of one pixel; rows stand `stride` bytes apart. Channels come in multiples of 4.
//
// normalized: a = activation(y * scale + shift) * gate
// gradient:   dy = k1 * dz + k2 * y + k3,  dz = (da * gate + pooled) * activation'(y * scale + shift)
//
// Activations are those of maps: all but hard-sigmoid.

import { HARD_SWISH, NONE, clamp, hard_swish, hard_swish_slope, held, high_of, inside, low_of } from './activation';

function copy_rows(target: usize, targetStride: usize, source: usize, sourceStride: usize, rows: i32, channels: i32): void {
  for (let row = 0; row < rows; row++) {
    memory.copy(target, source, <usize>channels << 2);
    target += targetStride;
    source += sourceStride;
  }
}

function clamped_rows(
  target: usize, targetStride: usize, source: usize, sourceStride: usize, rows: i32, channels: i32,
  scale: usize, shift: usize, activation: i32,
): void {
  const low = low_of(activation);
  const high = high_of(activation);
  const bytes = <usize>channels << 2;
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    do {
      const x = f32x4.add(f32x4.mul(v128.load(source + c), v128.load(scale + c)), v128.load(shift + c));
      v128.store(target + c, clamp(x, low, high));
      c += 16;
    } while (c != bytes);
    target += targetStride;
    source += sourceStride;
  }
}

function hard_swish_rows(
  target: usize, targetStride: usize, source: usize, sourceStride: usize, rows: i32, channels: i32,
  scale: usize, shift: usize,
): void {
  const three = held(3.0), six = held(6.0), sixth = held(<f32>(1.0 / 6.0));
  const bytes = <usize>channels << 2;
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    do {
      const x = f32x4.add(f32x4.mul(v128.load(source + c), v128.load(scale + c)), v128.load(shift + c));
      v128.store(target + c, hard_swish(x, three, six, sixth));
      c += 16;
    } while (c != bytes);
    target += targetStride;
    source += sourceStride;
  }
}

/** Multiplies rows in place by a vector of channels. */
export function scale_rows(target: usize, stride: usize, rows: i32, channels: i32, gate: usize): void {
  const bytes = <usize>channels << 2;
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    do {
      v128.store(target + c, f32x4.mul(v128.load(target + c), v128.load(gate + c)));
      c += 16;
    } while (c != bytes);
    target += stride;
  }
}

/**
 * target[rows][channels] = activation(source * scale + shift). Without coefficients (scale = 0) the
 * rows are copied: a tensor without batch norm has no activation pending.
 */
export function normalize_rows(
  target: usize, targetStride: usize, source: usize, sourceStride: usize, rows: i32, channels: i32,
  scale: usize, shift: usize, activation: i32,
): void {
  if (scale == 0) copy_rows(target, targetStride, source, sourceStride, rows, channels);
  else if (activation == HARD_SWISH) hard_swish_rows(target, targetStride, source, sourceStride, rows, channels, scale, shift);
  else clamped_rows(target, targetStride, source, sourceStride, rows, channels, scale, shift, activation);
}

/**
 * normalize_rows for whole rows (all channels, stride = channels * 4) number `first` onward, with
 * the gate [images][channels] of each row's image (0: none).
 */
export function normalize_gated_rows(
  target: usize, x: usize, coefficients: usize, activation: i32, gate: usize,
  first: i32, rows: i32, channels: i32, rowsPerImage: i32,
): void {
  const stride = <usize>channels << 2;
  const shift = coefficients == 0 ? <usize>0 : coefficients + stride;
  normalize_rows(target, stride, x + <usize>first * stride, stride, rows, channels, coefficients, shift, activation);
  if (gate == 0) return;
  let row = 0;
  while (row < rows) {
    const image = (first + row) / rowsPerImage;
    const count = min((image + 1) * rowsPerImage - first - row, rows - row);
    scale_rows(target + <usize>row * stride, stride, count, channels, gate + <usize>image * stride);
    row += count;
  }
}

/** target = da * gate + pooled, each optional; da = 0: zeros. */
function incoming_rows(target: usize, da: usize, stride: usize, rows: i32, channels: i32, gate: usize, pooled: usize): void {
  const bytes = <usize>channels << 2;
  for (let row = 0; row < rows; row++) {
    if (da == 0) memory.fill(target, 0, bytes);
    else if (gate == 0) memory.copy(target, da, bytes);
    else for (let c: usize = 0; c < bytes; c += 16) v128.store(target + c, f32x4.mul(v128.load(da + c), v128.load(gate + c)));
    if (pooled != 0) {
      for (let c: usize = 0; c < bytes; c += 16) v128.store(target + c, f32x4.add(v128.load(target + c), v128.load(pooled + c)));
    }
    target += stride;
    if (da != 0) da += stride;
  }
}

/**
 * target[rows][channels] = dy. `coefficients` is [scale, shift] and `factors` [k1, k2, k3], each part a row's stride
 * after the one before; gate and pooled are vectors of this image (0: none). Rows of all operands stand `stride` apart.
 */
function gradient_rows(
  target: usize, da: usize, y: usize, stride: usize, rows: i32, channels: i32,
  coefficients: usize, factors: usize, activation: i32, gate: usize, pooled: usize,
): void {
  if (da == 0 || gate != 0 || pooled != 0) {
    incoming_rows(target, da, stride, rows, channels, gate, pooled);
    da = target;
  }
  const low = low_of(activation);
  const high = high_of(activation);
  const three = held(3.0), minusThree = held(-3.0), third = held(<f32>(1.0 / 3.0)), half = held(0.5), one = held(1.0);
  const shift = coefficients + stride;
  const k2 = factors + stride;
  const k3 = k2 + stride;
  const bytes = <usize>channels << 2;
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    if (activation == HARD_SWISH) {
      do {
        const value = v128.load(y + c);
        const u = f32x4.add(f32x4.mul(value, v128.load(coefficients + c)), v128.load(shift + c));
        const dz = f32x4.mul(v128.load(da + c), hard_swish_slope(u, three, minusThree, third, half, one));
        const line = f32x4.add(f32x4.mul(value, v128.load(k2 + c)), v128.load(k3 + c));
        v128.store(target + c, f32x4.add(f32x4.mul(dz, v128.load(factors + c)), line));
        c += 16;
      } while (c != bytes);
    } else if (activation == NONE) {
      do {
        const line = f32x4.add(f32x4.mul(v128.load(y + c), v128.load(k2 + c)), v128.load(k3 + c));
        v128.store(target + c, f32x4.add(f32x4.mul(v128.load(da + c), v128.load(factors + c)), line));
        c += 16;
      } while (c != bytes);
    } else {
      do {
        const value = v128.load(y + c);
        const u = f32x4.add(f32x4.mul(value, v128.load(coefficients + c)), v128.load(shift + c));
        const dz = v128.and(v128.load(da + c), inside(u, low, high));
        const line = f32x4.add(f32x4.mul(value, v128.load(k2 + c)), v128.load(k3 + c));
        v128.store(target + c, f32x4.add(f32x4.mul(dz, v128.load(factors + c)), line));
        c += 16;
      } while (c != bytes);
    }
    target += stride;
    y += stride;
    da += stride;
  }
}

/** gradient_rows for whole rows number `first` onward, finding each row's image for gate and pooled. */
export function gradient_image_rows(
  target: usize, da: usize, y: usize, coefficients: usize, factors: usize, activation: i32, gate: usize, pooled: usize,
  first: i32, rows: i32, channels: i32, rowsPerImage: i32,
): void {
  const stride = <usize>channels << 2;
  let row = 0;
  while (row < rows) {
    const image = (first + row) / rowsPerImage;
    const count = min((image + 1) * rowsPerImage - first - row, rows - row);
    const start = <usize>(first + row) * stride;
    const imageStart = <usize>image * stride;
    gradient_rows(
      target + <usize>row * stride, da == 0 ? <usize>0 : da + start, y + start, stride, count, channels,
      coefficients, factors, activation, gate == 0 ? <usize>0 : gate + imageStart, pooled == 0 ? <usize>0 : pooled + imageStart,
    );
    row += count;
  }
}
