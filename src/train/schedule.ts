/**
 * The learning rate of each step: a linear warm-up, then constant or along half a cosine down to 0
 * (Loshchilov and Hutter, "SGDR", 2017). A pure function of the step, so that resuming needs no
 * state, and made with bneck's own cosine: the rate reaches the weights and must have the same bits
 * on every machine.
 */
import { assert } from '../base/errors.ts';
import { cos } from '../base/math.ts';

export interface Schedule {
  readonly kind: 'cosine' | 'constant';
  /** The rate at the end of the warm-up, above 0. */
  readonly learningRate: number;
  /** Steps in which the rate grows linearly; step w of them has (w + 1) / warmupSteps of it. */
  readonly warmupSteps: number;
  /** Steps of the whole run, where the cosine reaches 0. */
  readonly totalSteps: number;
}

/** @param step counted from 0, below `totalSteps` */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, learningRate, warmupSteps, totalSteps } = schedule;
  assert(Number.isInteger(step) && step >= 0 && step < totalSteps, `step ${step} of ${totalSteps}`);
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  if (kind === 'constant') return learningRate;
  const done = (step - warmupSteps) / (totalSteps - warmupSteps);
  return learningRate * 0.5 * (1 + cos(Math.PI * done));
}
