/**
 * What a run does when: a run that fine-tunes first trains the head on the features of a backbone that
 * stays as it is, then the whole network; every other run has the latter alone. Both have the same number
 * of steps an epoch, and epochs and steps are counted through. Invariant: a function of recipe and epoch.
 */
import type { Recipe } from './recipe.ts';
import { learningRateAt, type Schedule } from './schedule.ts';

export interface Phase {
  readonly part: 'head' | 'all';
  readonly schedule: Schedule;
  /** Epochs and steps before it. */
  readonly firstEpoch: number;
  readonly firstStep: number;
}

export function stepsPerEpoch({ schedule, epochs }: Recipe): number {
  return schedule.totalSteps / epochs;
}

/** Of all phases together. */
export function totalEpochs({ epochs, fineTuning }: Recipe): number {
  return epochs + (fineTuning?.headEpochs ?? 0);
}

/** @param epoch counted from 0 */
export function phaseAt(recipe: Recipe, epoch: number): Phase {
  const { fineTuning, schedule } = recipe;
  const headEpochs = fineTuning?.headEpochs ?? 0;
  if (fineTuning?.headSchedule && epoch < headEpochs) {
    return { part: 'head', schedule: fineTuning.headSchedule, firstEpoch: 0, firstStep: 0 };
  }
  return { part: 'all', schedule, firstEpoch: headEpochs, firstStep: headEpochs * stepsPerEpoch(recipe) };
}

/**
 * @param epoch counted from 0
 * @param step of the whole run, counted from 0, in that epoch
 */
export function rateOfStep(recipe: Recipe, epoch: number, step: number): number {
  const { schedule, firstStep } = phaseAt(recipe, epoch);
  return learningRateAt(schedule, step - firstStep);
}
