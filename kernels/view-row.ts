// The forms of view.ts for a row by itself: where rows are fewer than four, and what is added to a gradient before it is formed.

import { activate, activate_slope } from './activation';

/**
 * The order in which the tiles of tile.ts read an operand, as a type parameter. ByRows: [rows / 4][channels][4];
 * ByColumns: [channels / 8, rounded up][rows][8]; what is behind the last channel is not written, and counts for nothing.
 */
export type ByRows = f32;
export type ByColumns = u32;

/** Four channels of one row. */
function store_one<Order>(target: usize, r: v128): void {
  if (isInteger<Order>()) {
    v128.store(target, r);
    return;
  }
  v128.store_lane<f32>(target, r, 0);
  v128.store_lane<f32>(target, r, 1, 16);
  v128.store_lane<f32>(target, r, 2, 32);
  v128.store_lane<f32>(target, r, 3, 48);
}

/** From the place of four channels to that of the next four; `c` is the first ones' byte. */
function next_channels<Order>(target: usize, c: usize, step: usize): usize {
  if (isInteger<Order>()) return target + ((c & 16) == 0 ? 16 : step - 16);
  return target + 64;
}

/** Four channels at a time of a normalized row. */
export function normalize_one<Order>(target: usize, step: usize, x: usize, stride: usize, coefficients: usize, activation: i32, gate: usize): void {
  for (let c: usize = 0; c < stride; c += 16) {
    let value = v128.load(x + c);
    if (coefficients != 0) {
      value = activate(f32x4.add(f32x4.mul(value, v128.load(coefficients + c)), v128.load(coefficients + stride + c)), activation);
    }
    if (gate != 0) value = f32x4.mul(value, v128.load(gate + c));
    store_one<Order>(target, value);
    target = next_channels<Order>(target, c, step);
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
  byRows: usize, byColumns: usize, step: usize, da: usize, y: usize, stride: usize, coefficients: usize, factors: usize, activation: i32,
): void {
  for (let c: usize = 0; c < stride; c += 16) {
    const value = v128.load(y + c);
    const u = f32x4.add(f32x4.mul(value, v128.load(coefficients + c)), v128.load(coefficients + stride + c));
    const dz = f32x4.mul(v128.load(da + c), activate_slope(u, activation));
    const line = f32x4.add(f32x4.mul(value, v128.load(factors + stride + c)), v128.load(factors + stride * 2 + c));
    const dy = f32x4.add(f32x4.mul(dz, v128.load(factors + c)), line);
    v128.store(byColumns, dy);
    byColumns += step;
    if (byRows != 0) store_one<ByRows>(byRows + (c << 2), dy);
  }
}
