/**
 * Numbers between 0 and 1 with the symmetric beta distribution, which mixup and cutmix draw their shares
 * from. As a / (a + b) of two gamma variables (Marsaglia and Tsang, "A simple method for generating gamma
 * variables", 2000), in logarithms, so that small parameters cannot underflow. Invariant: bneck's own
 * exp, log and random numbers alone.
 */
import { exp, log } from '../base/math.ts';
import type { RandomStream } from '../base/random.ts';

/** Uniform above 0 and below 1. */
function openUniform(stream: RandomStream): number {
  return (stream.uint32() + 0.5) / 2 ** 32;
}

/** The logarithm of a gamma variable with this shape (above 0) and scale 1. */
function logGammaVariable(stream: RandomStream, shape: number): number {
  // Below 1: that of shape + 1, times a uniform variable to the power of 1 / shape.
  if (shape < 1) return logGammaVariable(stream, shape + 1) + log(openUniform(stream)) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = stream.normal();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    if (log(openUniform(stream)) < 0.5 * x * x + d - d * v + d * log(v)) return log(d) + log(v);
  }
}

/** A number from Beta(alpha, alpha), alpha above 0: mostly near 0 or 1 for small ones, uniform for 1. */
export function betaVariable(stream: RandomStream, alpha: number): number {
  const first = logGammaVariable(stream, alpha);
  const second = logGammaVariable(stream, alpha);
  return 1 / (1 + exp(second - first));
}
