/**
 * The update at the end of a training program: gradients averaged over micro-batches, clipped, and one
 * optimizer call a group of parameters (parameter-layout.ts). The port `rates` holds a row a group of
 * what changes from step to step.
 */
import { assert } from '../base/errors.ts';
import { power } from '../base/math.ts';
import type { Sizes } from '../kernels/kernel.ts';
import { normPartials } from '../kernels/optimizer-gradients.ts';
import { groupParameters, type ParameterGroup, type ParameterLayout } from './parameter-layout.ts';
import type { Operand } from './program.ts';
import type { ProgramBuilder } from './program-builder.ts';

interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export type OptimizerKernel =
  | { readonly kind: 'none' }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean; readonly weightDecay: number }
  | {
      readonly kind: 'rmsprop';
      readonly alpha: number;
      readonly momentum: number;
      readonly epsilon: number;
      /** TensorFlow adds epsilon inside the square root, PyTorch outside. */
      readonly epsilonInside: boolean;
      readonly weightDecay: number;
    }
  /** Weight decay is added to the gradient (L2). */
  | ({ readonly kind: 'adam' } & AdamOptions)
  /** Weight decay is decoupled from the gradient (Loshchilov and Hutter 2019). */
  | ({ readonly kind: 'adamw' } & AdamOptions);

/** What follows the gradient of a batch. */
export interface UpdateOptions {
  /** 'none' leaves the weights alone; with micro-batches, it adds the gradient to their sum. */
  readonly optimizer: OptimizerKernel;
  /** Micro-batches whose gradients are averaged for one update; 1 by default. */
  readonly microBatches?: number | undefined;
  /** The largest norm of all gradients together; larger ones are scaled down to it. */
  readonly clipNorm?: number | null | undefined;
  /** Whether weight decay applies to batch norm and biases too; false by default. */
  readonly decayNormAndBias?: boolean | undefined;
  /** A parameter's share of the learning rate; 0 for those that are not trained. 1 by default. */
  readonly rateShare?: ((name: string) => number) | undefined;
}

/** The names of an optimizer's state, in the order of its copies of the parameters. */
export function optimizerStateNames(optimizer: OptimizerKernel): readonly string[] {
  switch (optimizer.kind) {
    case 'none':
      return [];
    case 'sgd':
      return ['velocity'];
    case 'adam':
    case 'adamw':
      return ['first', 'second'];
    case 'rmsprop':
      return ['square', 'velocity'];
  }
}

/** Floats of a row of `rates`: what the hungriest optimizer takes, on a 16-byte boundary. */
const RATES_PER_GROUP = 8;

function groupsOf(layout: ParameterLayout, options: UpdateOptions): readonly ParameterGroup[] {
  const { optimizer, decayNormAndBias = false, rateShare = () => 1 } = options;
  const decay = optimizer.kind === 'none' ? 0 : optimizer.weightDecay;
  return groupParameters(layout, (name, isWeight) => ({
    rateShare: rateShare(name),
    weightDecay: isWeight || decayNormAndBias ? decay : 0,
  }));
}

/**
 * A row of `rates` for update number `step` (from 1): sgd [learning rate]; rmsprop [learning rate, 1 - alpha];
 * adam and adamw [learning rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t), 1 - beta1, 1 - beta2, what is left of a weight].
 */
export function optimizerRates(
  optimizer: OptimizerKernel,
  learningRate: number,
  weightDecay: number,
  step: number,
): number[] {
  if (optimizer.kind === 'sgd' || optimizer.kind === 'none') return [learningRate];
  if (optimizer.kind === 'rmsprop') return [learningRate, 1 - optimizer.alpha];
  const { kind, beta1, beta2 } = optimizer;
  const correction = 1 / Math.sqrt(1 - power(beta2, step));
  const kept = kind === 'adamw' ? 1 - learningRate * weightDecay : 1;
  return [learningRate / (1 - power(beta1, step)), correction, 1 - beta1, 1 - beta2, kept];
}

/** All of `rates` for update number `step`, counted from 1. */
export function updateRates(
  layout: ParameterLayout,
  options: UpdateOptions,
  learningRate: number,
  step: number,
): Float32Array {
  const groups = groupsOf(layout, options);
  const rates = new Float32Array(groups.length * RATES_PER_GROUP);
  groups.forEach(({ rateShare, weightDecay }, index) => {
    rates.set(optimizerRates(options.optimizer, learningRate * rateShare, weightDecay, step), index * RATES_PER_GROUP);
  });
  return rates;
}

/** Groups that touch become one run: what is done to gradients does not depend on settings. */
function runsOf(groups: readonly ParameterGroup[]): { startBytes: number; endBytes: number }[] {
  const runs: { startBytes: number; endBytes: number }[] = [];
  for (const { startBytes, endBytes } of groups) {
    const last = runs.at(-1);
    if (last?.endBytes === startBytes) last.endBytes = endBytes;
    else runs.push({ startBytes, endBytes });
  }
  return runs;
}

class UpdateLowering {
  readonly #builder: ProgramBuilder;
  readonly #options: UpdateOptions;
  readonly #groups: readonly ParameterGroup[];
  readonly #weights: Operand;
  readonly #gradients: Operand;

  constructor(builder: ProgramBuilder, layout: ParameterLayout, options: UpdateOptions) {
    this.#builder = builder;
    this.#options = options;
    this.#groups = groupsOf(layout, options);
    const first = [...layout.trained.keys()][0] as string;
    this.#weights = builder.parameter(first);
    this.#gradients = builder.gradient(first);
  }

  /** Calls `emit` for each run of trained parameters with its place and length in floats. */
  #eachRun(emit: (at: (operand: Operand) => Operand, length: number) => void): void {
    for (const { startBytes, endBytes } of runsOf(this.#groups)) {
      const at = (operand: Operand) => ({ ...operand, offsetBytes: operand.offsetBytes + startBytes });
      emit(at, (endBytes - startBytes) / 4);
    }
  }

  sum(): void {
    const sums = this.#builder.gradientSums();
    this.#eachRun((at, length) => {
      const operands = { sums: at(sums), gradients: at(this.#gradients) };
      this.#builder.step('f32_gradient_sum_update', 'sum gradients', operands, { length });
    });
  }

  mean(microBatches: number): void {
    const sums = this.#builder.gradientSums();
    this.#eachRun((at, length) => {
      const operands = { sums: at(sums), gradients: at(this.#gradients) };
      const sizes = { length, scale: 1 / microBatches };
      this.#builder.step('f32_gradient_mean_update', 'average gradients', operands, sizes);
    });
  }

  clip(limit: number): void {
    let partialCount = 0;
    this.#eachRun((_, length) => {
      partialCount += normPartials(length);
    });
    const partials = this.#builder.buffer('gradient norm', 4 * partialCount);
    let done = 0;
    this.#eachRun((at, length) => {
      const part = { ...partials, offsetBytes: 16 * done };
      const operands = { gradients: at(this.#gradients), partials: part };
      this.#builder.step('f32_gradient_norm_forward', 'norm of gradients', operands, { length });
      done += normPartials(length);
    });
    this.#eachRun((at, length) => {
      const operands = { partials, gradients: at(this.#gradients) };
      this.#builder.step('f32_gradient_clip_update', 'clip gradients', operands, { length, partialCount, limit });
    });
  }

  optimize(): void {
    const { optimizer } = this.#options;
    assert(optimizer.kind !== 'none', 'there is an optimizer');
    const rates = this.#builder.port('rates', 4 * RATES_PER_GROUP * this.#groups.length, 'program');
    const state = this.#builder.optimizer(optimizerStateNames(optimizer).length);
    this.#groups.forEach(({ startBytes, endBytes, weightDecay, rateShare }, index) => {
      const at = (operand: Operand) => ({ ...operand, offsetBytes: operand.offsetBytes + startBytes });
      const row = { ...rates, offsetBytes: 4 * RATES_PER_GROUP * index };
      const { kernel, operands, sizes } = optimizerCall(optimizer, state.map(at), weightDecay);
      const label = `update${weightDecay === 0 ? '' : ' with decay'}${rateShare === 1 ? '' : `, rate x ${rateShare}`}`;
      const all = { weights: at(this.#weights), gradients: at(this.#gradients), rates: row, ...operands };
      this.#builder.step(kernel, label, all, { length: (endBytes - startBytes) / 4, ...sizes });
    });
  }
}

/** @param state the group's part of each of the optimizer's tensors */
function optimizerCall(
  optimizer: Exclude<OptimizerKernel, { readonly kind: 'none' }>,
  state: readonly Operand[],
  decay: number,
): { kernel: string; operands: Record<string, Operand | null>; sizes: Sizes } {
  const [first = null, second = null] = state;
  switch (optimizer.kind) {
    case 'sgd': {
      const { momentum, nesterov } = optimizer;
      const sizes = { nesterov: nesterov ? 1 : 0, momentum, decay };
      return { kernel: 'f32_sgd_update', operands: { velocity: first }, sizes };
    }
    case 'rmsprop': {
      const { alpha, epsilon, epsilonInside, momentum } = optimizer;
      const sizes = { inside: epsilonInside ? 1 : 0, alpha, epsilon, momentum, decay };
      return { kernel: 'f32_rmsprop_update', operands: { square: first, velocity: second }, sizes };
    }
    case 'adam':
    case 'adamw': {
      const { kind, beta1, beta2, epsilon } = optimizer;
      // AdamW's decay stands in the rates.
      const sizes = { beta1, beta2, epsilon, decay: kind === 'adamw' ? 0 : decay };
      return { kernel: 'f32_adam_update', operands: { first, second }, sizes };
    }
  }
}

/** Appends what `options` say to a program that has written the gradients. */
export function lowerUpdate(builder: ProgramBuilder, layout: ParameterLayout, options: UpdateOptions): void {
  const { optimizer, microBatches = 1, clipNorm = null } = options;
  const lowering = new UpdateLowering(builder, layout, options);
  if (optimizer.kind === 'none') {
    if (microBatches > 1) lowering.sum();
    return;
  }
  if (microBatches > 1) lowering.mean(microBatches);
  if (clipNorm !== null) lowering.clip(clipNorm);
  lowering.optimize();
}
