// Activations as vector arithmetic. Every one but hard-swish is a clamp of a line,
// clamp(x * slope + offset, low, high); hard-swish is x times hard-sigmoid, in matrix tiles and depthwise loops in its scaled form. The value comes first in
// pmin/pmax, so that a NaN passes through (and the trainer sees it) and V8 emits one instruction.
// Codes are those of src/kernels/activation-code.ts.

export const NONE: i32 = 0;
export const RELU: i32 = 1;
export const RELU6: i32 = 2;
export const HARD_SWISH: i32 = 3;
export const HARD_SIGMOID: i32 = 4;
export const SCALED_HARD_SWISH: i32 = 5;

export function slope_of(activation: i32): v128 {
  return f32x4.splat(activation == HARD_SIGMOID ? <f32>(1.0 / 6.0) : 1.0);
}

export function offset_of(activation: i32): v128 {
  return f32x4.splat(activation == HARD_SIGMOID ? 0.5 : 0.0);
}

export function low_of(activation: i32): v128 {
  return f32x4.splat(activation == NONE ? -Infinity : 0.0);
}

export function high_of(activation: i32): v128 {
  if (activation == RELU6) return f32x4.splat(6.0);
  if (activation == HARD_SIGMOID) return f32x4.splat(1.0);
  return f32x4.splat(Infinity);
}

export function clamp(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high);
}

/**
 * A vector of a number that V8 must take for unknown. A constant is made anew at each of its uses by newer V8 (Node 24), inside
 * loops too, by up to four instructions; an unknown value stands in a register (docs/experiments.md).
 */
export function held(value: f32): v128 {
  return f32x4.splat(value + <f32>(memory.size() >>> 31));
}

/** x * clamp(x + 3, 0, 6) / 6. The constants come from before the loop: `low_of` hard-swish or `held` 0; `held` 3, 6, 1 / 6. */
export function hard_swish(x: v128, zero: v128, three: v128, six: v128, sixth: v128): v128 {
  return f32x4.mul(f32x4.mul(x, clamp(f32x4.add(x, three), zero, six)), sixth);
}

/**
 * Hard-swish of x for z = x / sqrt(6), by one product less: z * clamp(z + sqrt(6) / 2, 0, sqrt(6)). Inference folds the factor into what comes before. `low_of` it; `held` HALF_ROOT, ROOT.
 */
export function scaled_hard_swish(z: v128, zero: v128, half: v128, root: v128): v128 {
  return f32x4.mul(z, clamp(f32x4.add(z, half), zero, root));
}

/** sqrt(6), and half of it. */
export const ROOT: f32 = 2.449489742783178;
export const HALF_ROOT: f32 = 1.224744871391589;

/** 0 below -3, x / 3 + 1/2 below 3, 1 from there on (as PyTorch has it at the corners). `held` 3, -3, 1 / 3, 1 / 2, 1. */
export function hard_swish_slope(x: v128, three: v128, minusThree: v128, third: v128, half: v128, one: v128): v128 {
  const below = f32x4.sub(f32x4.mul(x, third), half); // what is missing to 1
  const upper = f32x4.add(v128.and(below, f32x4.lt(x, three)), one);
  return v128.and(upper, f32x4.ge(x, minusThree));
}

/** All bits where low < x < high: the derivative of a clamp, as a mask. */
export function inside(x: v128, low: v128, high: v128): v128 {
  return v128.and(f32x4.gt(x, low), f32x4.lt(x, high));
}

/** slope where low < x * slope + offset < high, else 0 */
export function clamp_slope(line: v128, low: v128, high: v128, slope: v128): v128 {
  return v128.and(slope, v128.and(f32x4.gt(line, low), f32x4.lt(line, high)));
}

/** Any activation of four values; for short vectors, where the branch does not matter. */
export function activate(x: v128, activation: i32): v128 {
  if (activation == HARD_SWISH) return hard_swish(x, f32x4.splat(0.0), f32x4.splat(3.0), f32x4.splat(6.0), f32x4.splat(<f32>(1.0 / 6.0)));
  if (activation == SCALED_HARD_SWISH) return scaled_hard_swish(x, f32x4.splat(0.0), f32x4.splat(HALF_ROOT), f32x4.splat(ROOT));
  const line = f32x4.add(f32x4.mul(x, slope_of(activation)), offset_of(activation));
  return clamp(line, low_of(activation), high_of(activation));
}

/** The derivative of any activation at four values. */
export function activate_slope(x: v128, activation: i32): v128 {
  if (activation == HARD_SWISH) {
    const three = f32x4.splat(3.0);
    return hard_swish_slope(x, three, f32x4.neg(three), f32x4.splat(<f32>(1.0 / 3.0)), f32x4.splat(0.5), f32x4.splat(1.0));
  }
  const slope = slope_of(activation);
  const line = f32x4.add(f32x4.mul(x, slope), offset_of(activation));
  return clamp_slope(line, low_of(activation), high_of(activation), slope);
}
