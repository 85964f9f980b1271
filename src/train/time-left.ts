/** How long a run is going to take, as far as it can be known from what is done. For people alone. */
import type { EpochMetrics } from '../report/metrics-csv.ts';
import { phaseAt, stepsPerEpoch, totalEpochs } from './phases.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingState } from './training-state.ts';

function mean(rows: readonly EpochMetrics[], secondsOf: (row: EpochMetrics) => number): number {
  return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + secondsOf(row), 0) / rows.length;
}

/**
 * Seconds to the end of the run; NaN while only the head is trained, which tells nothing of the whole
 * network.
 * @param stepSeconds of a step, as it goes at present; null between epochs
 */
export function runSecondsLeft(recipe: Recipe, state: TrainingState, stepSeconds: number | null): number {
  const { part, firstEpoch } = phaseAt(recipe, state.epoch);
  const rows = state.rows.slice(firstEpoch);
  const epochsLeft = totalEpochs(recipe) - state.epoch;
  if (part === 'head' || (stepSeconds === null && rows.length === 0)) return Number.NaN;
  if (stepSeconds === null) return epochsLeft * mean(rows, ({ seconds }) => seconds);
  const steps = stepsPerEpoch(recipe);
  const pictures = steps * recipe.batch * recipe.accumulate;
  // Validation and saving take their time too, as far as is known from the epochs before.
  const overhead = Math.max(
    0,
    mean(rows, ({ seconds, imagesPerSecond }) => seconds - pictures / imagesPerSecond),
  );
  const stepsLeft = totalEpochs(recipe) * steps - state.steps;
  return stepsLeft * stepSeconds + epochsLeft * overhead;
}
