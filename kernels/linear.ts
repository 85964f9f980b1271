// Fully connected layers and the 1x1 convolutions of squeeze-and-excite: few rows (images), weights in
// their saved layout [out][in], any sizes.

import { NONE, activate } from './activation';
import { EDGE_BYTES, multiply_packed, pack_columns, temporary_bytes } from './gemm';
import { pack_rows } from './pack-rows';

/** Four lanes added in a fixed order. */
function horizontal_sum(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** The dot product of two runs of `count` floats. */
function dot(a: usize, b: usize, count: i32): f32 {
  let s0 = f32x4.splat(0.0), s1 = s0;
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    a += 32;
    b += 32;
  }
  let sum = horizontal_sum(f32x4.add(s0, s1));
  for (; i < count; i++) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

/** Dot products of four rows of a with two of b, in the order of `dot`: out[row][column] at `c`. */
function dot_4x2(a: usize, b: usize, stride: usize, count: i32, c: usize, cStride: usize, bias: usize): void {
  let s00 = f32x4.splat(0.0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  const end = a + (<usize>(count & ~3) << 2);
  const stride2 = stride * 2;
  const stride3 = stride * 3;
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b + stride);
    let x = v128.load(a);
    s00 = f32x4.add(s00, f32x4.mul(x, b0));
    s01 = f32x4.add(s01, f32x4.mul(x, b1));
    x = v128.load(a + stride);
    s10 = f32x4.add(s10, f32x4.mul(x, b0));
    s11 = f32x4.add(s11, f32x4.mul(x, b1));
    x = v128.load(a + stride2);
    s20 = f32x4.add(s20, f32x4.mul(x, b0));
    s21 = f32x4.add(s21, f32x4.mul(x, b1));
    x = v128.load(a + stride3);
    s30 = f32x4.add(s30, f32x4.mul(x, b0));
    s31 = f32x4.add(s31, f32x4.mul(x, b1));
    a += 16;
    b += 16;
  }
  let c0 = c;
  const c1 = c0 + cStride;
  const c2 = c1 + cStride;
  const c3 = c2 + cStride;
  let t00 = horizontal_sum(s00), t01 = horizontal_sum(s01), t10 = horizontal_sum(s10), t11 = horizontal_sum(s11);
  let t20 = horizontal_sum(s20), t21 = horizontal_sum(s21), t30 = horizontal_sum(s30), t31 = horizontal_sum(s31);
  for (let i = count & ~3; i < count; i++) {
    const w0 = load<f32>(b);
    const w1 = load<f32>(b + stride);
    t00 += load<f32>(a) * w0;
    t01 += load<f32>(a) * w1;
    t10 += load<f32>(a + stride) * w0;
    t11 += load<f32>(a + stride) * w1;
    t20 += load<f32>(a + stride2) * w0;
    t21 += load<f32>(a + stride2) * w1;
    t30 += load<f32>(a + stride3) * w0;
    t31 += load<f32>(a + stride3) * w1;
    a += 4;
    b += 4;
  }
  const bias0: f32 = bias == 0 ? 0.0 : load<f32>(bias);
  const bias1: f32 = bias == 0 ? 0.0 : load<f32>(bias, 4);
  store<f32>(c0, t00 + bias0);
  store<f32>(c0, t01 + bias1, 4);
  store<f32>(c1, t10 + bias0);
  store<f32>(c1, t11 + bias1, 4);
  store<f32>(c2, t20 + bias0);
  store<f32>(c2, t21 + bias1, 4);
  store<f32>(c3, t30 + bias0);
  store<f32>(c3, t31 + bias1, 4);
}

/**
 * y = activation(x weight^T + bias). x [rows][inFeatures]; weight [outFeatures][inFeatures]; bias
 * [outFeatures] or 0; y [rows][outFeatures] written. A tile is `featuresPerTask` output features.
 * flops 2 * rows * in * out; bytes 4 * in * out.
 */
export function f32_linear_forward(
  x: usize, weight: usize, bias: usize, y: usize,
  rows: i32, inFeatures: i32, outFeatures: i32, featuresPerTask: i32, activation: i32, tile: i32, scratch: usize,
): void {
  const inStride = <usize>inFeatures << 2;
  const outStride = <usize>outFeatures << 2;
  const first = tile * featuresPerTask;
  const end = min(first + featuresPerTask, outFeatures);
  let feature = first;
  for (; feature + 2 <= end; feature += 2) {
    const w = weight + <usize>feature * inStride;
    const byte = <usize>feature << 2;
    const b = bias == 0 ? <usize>0 : bias + byte;
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      dot_4x2(x + <usize>row * inStride, w, inStride, inFeatures, y + <usize>row * outStride + byte, outStride, b);
    }
    for (; row < rows; row++) {
      const target = y + <usize>row * outStride + byte;
      const source = x + <usize>row * inStride;
      store<f32>(target, dot(source, w, inFeatures) + (b == 0 ? <f32>0.0 : load<f32>(b)));
      store<f32>(target, dot(source, w + inStride, inFeatures) + (b == 0 ? <f32>0.0 : load<f32>(b, 4)), 4);
    }
  }
  for (; feature < end; feature++) {
    for (let row = 0; row < rows; row++) {
      const sum = dot(x + <usize>row * inStride, weight + <usize>feature * inStride, inFeatures);
      store<f32>(y + <usize>row * outStride + (<usize>feature << 2), sum + (bias == 0 ? <f32>0.0 : load<f32>(bias + (<usize>feature << 2))));
    }
  }
  if (activation == 0) return;
  for (let row = 0; row < rows; row++) {
    for (feature = first; feature < end; feature++) {
      const target = y + <usize>row * outStride + (<usize>feature << 2);
      store<f32>(target, f32x4.extract_lane(activate(v128.load32_splat(target), activation), 0));
    }
  }
}

/**
 * dx = dy weight. dy [rows][outFeatures]; weight [outFeatures][inFeatures]; dx [rows][inFeatures]
 * written. A tile is `featuresPerTask` (a multiple of 8) input features.
 */
export function f32_linear_grad_input(
  dy: usize, weight: usize, dx: usize, rows: i32, inFeatures: i32, outFeatures: i32, featuresPerTask: i32,
  tile: i32, scratch: usize,
): void {
  const inStride = <usize>inFeatures << 2;
  const outStride = <usize>outFeatures << 2;
  const first = tile * featuresPerTask;
  const count = min(featuresPerTask, inFeatures - first);
  const byte = <usize>first << 2;
  const dyByRows = scratch + EDGE_BYTES;
  const panels = scratch + temporary_bytes(rows, outFeatures);
  pack_rows(dyByRows, dy, outStride, rows, outFeatures, 0);
  pack_columns(panels, 8, weight + byte, inStride, outFeatures, count);
  multiply_packed(dyByRows, rows, outFeatures, panels, count, dx + byte, inStride, 0, NONE, 0, scratch);
}

/**
 * dWeight = dy^T x, dBias = column sums of dy. dy [rows][outFeatures]; x [rows][inFeatures]; dWeight
 * [outFeatures][inFeatures] and dBias [outFeatures] (0: none) written. A tile is `featuresPerTask`
 * (a multiple of 4) output features.
 */
export function f32_linear_grad_weight(
  dy: usize, x: usize, dWeight: usize, dBias: usize, rows: i32, inFeatures: i32, outFeatures: i32, featuresPerTask: i32,
  tile: i32, scratch: usize,
): void {
  const inStride = <usize>inFeatures << 2;
  const outStride = <usize>outFeatures << 2;
  const first = tile * featuresPerTask;
  const end = min(first + featuresPerTask, outFeatures);
  const byte = <usize>first << 2;
  const dyByColumns = scratch + EDGE_BYTES;
  const panels = scratch + temporary_bytes(featuresPerTask, rows);
  pack_columns(dyByColumns, 4, dy + byte, outStride, rows, end - first);
  pack_columns(panels, 8, x, inStride, rows, inFeatures);
  multiply_packed(dyByColumns, end - first, rows, panels, inFeatures, dWeight + <usize>first * inStride, inStride, 0, NONE, 0, scratch);
  if (dBias == 0) return;
  for (let feature = first; feature < end; feature++) {
    let sum: f32 = 0.0;
    for (let row = 0; row < rows; row++) sum += load<f32>(dy + <usize>row * outStride + (<usize>feature << 2));
    store<f32>(dBias + (<usize>feature << 2), sum);
  }
}
