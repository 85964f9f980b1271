// Fully connected layers and the 1x1 convolutions of squeeze-and-excite: few rows (images), weights in
// their saved layout [out][in], any sizes.

import { NONE, activate } from './activation';
import { EDGE_BYTES, multiply_panels, multiply_transposed } from './gemm';
import { pack_columns, panel_bytes } from './panel';

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

/**
 * Dot products of a with four rows of b, `step` bytes apart, in the order of `dot`, to c, c + cStep and so on: memory is read in four places at once,
 * so that the start of a page, from where prefetchers have to find their way again, is not waited for.
 */
function dot_apart(a: usize, b0: usize, step: usize, count: i32, c: usize, cStep: usize): void {
  let s00 = f32x4.splat(0.0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  let b1 = b0 + step;
  let b2 = b1 + step;
  let b3 = b2 + step;
  for (const end = a + (<usize>(count & ~7) << 2); a < end; a += 32) {
    const x0 = v128.load(a);
    const x1 = v128.load(a, 16);
    s00 = f32x4.add(s00, f32x4.mul(x0, v128.load(b0)));
    s01 = f32x4.add(s01, f32x4.mul(x1, v128.load(b0, 16)));
    s10 = f32x4.add(s10, f32x4.mul(x0, v128.load(b1)));
    s11 = f32x4.add(s11, f32x4.mul(x1, v128.load(b1, 16)));
    s20 = f32x4.add(s20, f32x4.mul(x0, v128.load(b2)));
    s21 = f32x4.add(s21, f32x4.mul(x1, v128.load(b2, 16)));
    s30 = f32x4.add(s30, f32x4.mul(x0, v128.load(b3)));
    s31 = f32x4.add(s31, f32x4.mul(x1, v128.load(b3, 16)));
    b0 += 32; b1 += 32; b2 += 32; b3 += 32;
  }
  let sum0 = horizontal_sum(f32x4.add(s00, s01)), sum1 = horizontal_sum(f32x4.add(s10, s11));
  let sum2 = horizontal_sum(f32x4.add(s20, s21)), sum3 = horizontal_sum(f32x4.add(s30, s31));
  for (let i = count & 7; i > 0; i--) {
    const x = load<f32>(a);
    sum0 += x * load<f32>(b0);
    sum1 += x * load<f32>(b1);
    sum2 += x * load<f32>(b2);
    sum3 += x * load<f32>(b3);
    a += 4; b0 += 4; b1 += 4; b2 += 4; b3 += 4;
  }
  store<f32>(c, sum0);
  store<f32>(c + cStep, sum1);
  store<f32>(c + cStep * 2, sum2);
  store<f32>(c + cStep * 3, sum3);
}

/** Dot products of four rows of a with two of b: out[row][column] at `c`. */
function dot_4x2(a: usize, b: usize, stride: usize, count: i32, c: usize, cStride: usize): void {
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
  store<f32>(c, t00);
  store<f32>(c, t01, 4);
  c += cStride;
  store<f32>(c, t10);
  store<f32>(c, t11, 4);
  c += cStride;
  store<f32>(c, t20);
  store<f32>(c, t21, 4);
  c += cStride;
  store<f32>(c, t30);
  store<f32>(c, t31, 4);
}

/** y <- activation(y + bias), `features` of each row's `outFeatures`; bias 0: none. */
function add_bias(y: usize, rows: i32, features: i32, outFeatures: i32, bias: usize, activation: i32): void {
  if (bias == 0 && activation == NONE) return;
  const bytes = <usize>features << 2;
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      const sum = v128.load(y + at);
      v128.store(y + at, activate(bias == 0 ? sum : f32x4.add(sum, v128.load(bias + at)), activation));
    }
    for (; at < bytes; at += 4) {
      const sum = load<f32>(y + at) + (bias == 0 ? <f32>0.0 : load<f32>(bias + at));
      store<f32>(y + at, f32x4.extract_lane(activate(f32x4.splat(sum), activation), 0));
    }
    y += <usize>outFeatures << 2;
  }
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
  const features = min(featuresPerTask, outFeatures - first);
  weight += <usize>first * inStride;
  y += <usize>first << 2;
  const rowsByFour = rows & ~3;
  for (let feature = 0; feature < features; feature += 2) {
    const w = weight + <usize>feature * inStride;
    for (let row = 0; row < rowsByFour; row += 4) {
      const source = x + <usize>row * inStride;
      const target = y + <usize>row * outStride + (<usize>feature << 2);
      if (feature + 2 <= features) dot_4x2(source, w, inStride, inFeatures, target, outStride);
      else for (let i: usize = 0; i < 4; i++) store<f32>(target + i * outStride, dot(source + i * inStride, w, inFeatures));
    }
  }
  const quarter = features >> 2;
  for (let row = rowsByFour; row < rows; row++) {
    const source = x + <usize>row * inStride;
    const target = y + <usize>row * outStride;
    for (let feature: usize = 0; feature < <usize>quarter; feature++) {
      dot_apart(source, weight + feature * inStride, <usize>quarter * inStride, inFeatures, target + (feature << 2), <usize>quarter << 2);
    }
    for (let feature = <usize>quarter << 2; feature < <usize>features; feature++) {
      store<f32>(target + (feature << 2), dot(source, weight + feature * inStride, inFeatures));
    }
  }
  add_bias(y, rows, features, outFeatures, bias == 0 ? <usize>0 : bias + (<usize>first << 2), activation);
}

/** f32_linear_forward through matrix tiles, for weights that are packed (pack.ts). A tile is `featuresPerTask` (a multiple of 8) output features. */
export function f32_linear_forward__5x8(
  x: usize, weight: usize, bias: usize, y: usize,
  rows: i32, inFeatures: i32, outFeatures: i32, featuresPerTask: i32, activation: i32, tile: i32, scratch: usize,
): void {
  const first = tile * featuresPerTask;
  const features = min(featuresPerTask, outFeatures - first);
  const byte = <usize>first << 2;
  const xPanels = scratch + EDGE_BYTES;
  pack_columns(xPanels, <usize>rows << 5, x, <usize>inFeatures << 2, rows, inFeatures);
  multiply_panels(
    xPanels, <usize>rows << 5, rows, inFeatures, weight + byte * <usize>inFeatures, features, y + byte, <usize>outFeatures << 2, 0, NONE, 0, scratch,
  );
  add_bias(y + byte, rows, features, outFeatures, bias == 0 ? <usize>0 : bias + byte, activation);
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
  const dyPanels = scratch + EDGE_BYTES;
  const weightPanels = dyPanels + panel_bytes(rows + 3, outFeatures);
  pack_columns(dyPanels, <usize>rows << 5, dy, outStride, rows, outFeatures);
  pack_columns(weightPanels, <usize>outFeatures << 5, weight + byte, inStride, outFeatures, count);
  multiply_panels(dyPanels, <usize>rows << 5, rows, outFeatures, weightPanels, count, dx + byte, inStride, 0, NONE, 0, scratch);
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
  const dyPanels = scratch + EDGE_BYTES;
  const xPanels = dyPanels + panel_bytes(rows, featuresPerTask);
  pack_columns(dyPanels, <usize>rows << 5, dy + byte, outStride, rows, end - first);
  pack_columns(xPanels, <usize>rows << 5, x, inStride, rows, inFeatures);
  multiply_transposed(dyPanels, end - first, rows, xPanels, inFeatures, dWeight + <usize>first * inStride, inStride, 0, scratch);
  if (dBias == 0) return;
  for (let feature = first; feature < end; feature++) {
    let sum: f32 = 0.0;
    for (let row = 0; row < rows; row++) sum += load<f32>(dy + <usize>row * outStride + (<usize>feature << 2));
    store<f32>(dBias + (<usize>feature << 2), sum);
  }
}
