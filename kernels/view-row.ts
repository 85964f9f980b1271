// The forms of view.ts for a row by itself: where rows are fewer than four, and what is added to a gradient before it is formed.

import { activate, activate_slope } from './activation';

/** From the place of four channels in panels `step` bytes apart to that of the next four; `c` is the first ones' byte. */
function next_channels(target: usize, c: usize, step: usize): usize {
  return target + ((c & 16) == 0 ? 16 : step - 16);
}

/** Four channels at a time of a normalized row. */
export function normalize_one(target: usize, step: usize, x: usize, stride: usize, coefficients: usize, activation: i32, gate: usize): void {
  for (let c: usize = 0; c < stride; c += 16) {
    let value = v128.load(x + c);
    if (coefficients != 0) {
      value = activate(f32x4.add(f32x4.mul(value, v128.load(coefficients + c)), v128.load(coefficients + stride + c)), activation);
    }
    if (gate != 0) value = f32x4.mul(value, v128.load(gate + c));
    v128.store(target, value);
    target = next_channels(target, c, step);
  }
}

/** target = da * gate + pooled, a row, each optional; da = 0: zeros. */
export function incoming_row(target: usize, da: usize, bytes: usize, gate: usize, pooled: usize): void {
  for (let c: usize = 0; c < bytes; c += 16) {
    let value = da == 0 ? f32x4.splat(0.0) : v128.load(da + c);
    if (gate != 0) value = f32x4.mul(value, v128.load(gate + c));
    if (pooled != 0) value = f32x4.add(value, v128.load(pooled + c));
    v128.store(target + c, value);
  }
}

/** Four channels at a time of a row of dy. */
export function gradient_one(
  target: usize, step: usize, da: usize, y: usize, stride: usize, coefficients: usize, factors: usize, activation: i32,
): void {
  for (let c: usize = 0; c < stride; c += 16) {
    const value = v128.load(y + c);
    const u = f32x4.add(f32x4.mul(value, v128.load(coefficients + c)), v128.load(coefficients + stride + c));
    const dz = f32x4.mul(v128.load(da + c), activate_slope(u, activation));
    const line = f32x4.add(f32x4.mul(value, v128.load(factors + stride + c)), v128.load(factors + stride * 2 + c));
    const dy = f32x4.add(f32x4.mul(dz, v128.load(factors + c)), line);
    v128.store(target, dy);
    target = next_channels(target, c, step);
  }
}
