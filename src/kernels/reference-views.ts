/**
 * The loads of kernels/view.ts, one value at a time: what references share. Tensors are
 * [rows][channels]; a coefficient array is its parts one after the other.
 */
import { activate, activateSlope } from './activation-code.ts';
import type { Arrays, NumericArray } from './kernel.ts';

/** The array of a pointer that is there. */
export function array(arrays: Arrays, name: string): NumericArray {
  const found = arrays[name];
  if (found === undefined) throw new Error(`bneck invariant broken: kernel operand '${name}' is missing`);
  return found;
}

export function at(values: NumericArray | Float64Array, index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error(`bneck invariant broken: index ${index} of ${values.length}`);
  return value;
}

/** activation(x * scale + shift) * gate at one place; without coefficients x alone, gated. */
export function normalizedValue(
  x: NumericArray,
  index: number,
  channel: number,
  channels: number,
  coefficients: NumericArray | undefined,
  activation: number,
  gate?: NumericArray,
  image = 0,
): number {
  let value = at(x, index);
  if (coefficients) {
    value = activate(value * at(coefficients, channel) + at(coefficients, channels + channel), activation);
  }
  return gate ? value * at(gate, image * channels + channel) : value;
}

export interface GradientOperands {
  readonly da: NumericArray | undefined;
  readonly y: NumericArray;
  readonly coefficients: NumericArray;
  readonly factors?: NumericArray;
  readonly gate?: NumericArray | undefined;
  readonly pooled?: NumericArray | undefined;
  readonly activation: number;
}

/** dz: the gradient with respect to batch norm's output. */
export function gradientBeforeActivation(
  operands: GradientOperands,
  index: number,
  channel: number,
  channels: number,
  image: number,
): number {
  let value = operands.da ? at(operands.da, index) : 0;
  if (operands.gate) value *= at(operands.gate, image * channels + channel);
  if (operands.pooled) value += at(operands.pooled, image * channels + channel);
  const u = at(operands.y, index) * at(operands.coefficients, channel) + at(operands.coefficients, channels + channel);
  return value * activateSlope(u, operands.activation);
}

/** dy: the gradient with respect to the convolution's output. */
export function gradientOfOutput(
  operands: GradientOperands & { readonly factors: NumericArray },
  index: number,
  channel: number,
  channels: number,
  image: number,
): number {
  const dz = gradientBeforeActivation(operands, index, channel, channels, image);
  return (
    at(operands.factors, channel) * dz +
    at(operands.factors, channels + channel) * at(operands.y, index) +
    at(operands.factors, 2 * channels + channel)
  );
}

/** Writes a task's statistics partial (kernels/statistics.ts): count, then mean and M2 of each channel over `rows`. */
export function writeStatistics(
  partials: NumericArray,
  task: number,
  y: NumericArray,
  rows: readonly number[],
  channels: number,
): void {
  const start = task * (4 + 2 * channels);
  partials[start] = rows.length;
  for (let c = 0; c < channels; c++) {
    let mean = 0;
    for (const row of rows) mean += at(y, row * channels + c) / rows.length;
    let m2 = 0;
    for (const row of rows) m2 += (at(y, row * channels + c) - mean) ** 2;
    partials[start + 4 + c] = mean;
    partials[start + 4 + channels + c] = m2;
  }
}

/** Writes a task's gradient sums: sum of dz, sum of dz * (y - mean), over `rows`. */
export function writeGradientSums(
  sums: NumericArray,
  task: number,
  operands: GradientOperands,
  mean: NumericArray,
  rows: Iterable<number>,
  channels: number,
): void {
  const start = task * 2 * channels;
  const totals = new Float64Array(2 * channels);
  for (const row of rows) {
    for (let c = 0; c < channels; c++) {
      const index = row * channels + c;
      const dz = gradientBeforeActivation(operands, index, c, channels, 0);
      totals[c] = (totals[c] as number) + dz;
      totals[channels + c] = (totals[channels + c] as number) + dz * (at(operands.y, index) - at(mean, c));
    }
  }
  for (let i = 0; i < 2 * channels; i++) sums[start + i] = totals[i] as number;
}

/** The whole numbers from `start` up to, not including, `end`. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}
