/**
 * The learning rate of each step: a linear warm-up, then one of the usual ways down. A pure function of
 * the step, so that resuming needs no state, and made with bneck's own exp, log and cos: the rate reaches
 * the weights and must have the same bits on every machine. Everything counts steps, not epochs: the rate
 * changes at every step, in the warm-up too.
 */
import { assert } from '../base/errors.ts';
import { cos, exp, log, power } from '../base/math.ts';

interface Course {
  /** The highest rate, at the end of the warm-up; above 0. */
  readonly learningRate: number;
  /** Steps in which the rate grows: step w of them has (w + 1) / warmupSteps of it (one-cycle: see there). */
  readonly warmupSteps: number;
  /** Steps of the whole course. */
  readonly totalSteps: number;
}

export type Schedule = Course &
  (
    | { readonly kind: 'constant' }
    /** Half a cosine down to `leastRate` at the end (Loshchilov and Hutter, "SGDR", 2017). */
    | { readonly kind: 'cosine'; readonly leastRate: number }
    /** Times `factor` every so many steps after the warm-up: at once, */
    | { readonly kind: 'step'; readonly everySteps: number; readonly factor: number }
    /** or a little with each step. */
    | { readonly kind: 'exponential'; readonly everySteps: number; readonly factor: number }
    /**
     * Up along half a cosine from `startShare` of the rate, and down along another to `endShare` at the last step
     * (Smith and Topin, "Super-convergence", 2018; torch.optim.lr_scheduler.OneCycleLR without its change of momentum).
     */
    | { readonly kind: 'one-cycle'; readonly startShare: number; readonly endShare: number }
  );

export type ScheduleName = Schedule['kind'];

/** From `start` at 0 to `end` at 1 along half a cosine. */
function alongCosine(start: number, end: number, done: number): number {
  return end + ((start - end) / 2) * (1 + cos(Math.PI * done));
}

function oneCycleAt(schedule: Schedule & { kind: 'one-cycle' }, step: number): number {
  const { learningRate, warmupSteps, totalSteps, startShare, endShare } = schedule;
  const top = warmupSteps - 1;
  if (step < top) return alongCosine(startShare * learningRate, learningRate, step / top);
  if (step === top) return learningRate;
  return alongCosine(learningRate, endShare * learningRate, (step - top) / (totalSteps - 1 - top));
}

/** @param step counted from 0, below `totalSteps` */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, learningRate, warmupSteps, totalSteps } = schedule;
  assert(Number.isInteger(step) && step >= 0 && step < totalSteps, `step ${step} of ${totalSteps}`);
  if (kind === 'one-cycle') return oneCycleAt(schedule, step);
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  const after = step - warmupSteps;
  switch (kind) {
    case 'constant':
      return learningRate;
    case 'cosine':
      return alongCosine(learningRate, schedule.leastRate, after / (totalSteps - warmupSteps));
    case 'step':
      return learningRate * power(schedule.factor, Math.floor(after / schedule.everySteps));
    case 'exponential':
      return learningRate * exp((log(schedule.factor) * after) / schedule.everySteps);
  }
}
