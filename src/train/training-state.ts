/**
 * Where a run stands: its position and its books. The loop moves it forward, a checkpoint holds a
 * copy of it, and resuming starts from that copy. Invariant: `steps` is `epoch` whole epochs plus
 * `stepInEpoch`, and there is one row for each whole epoch.
 */
import type { EpochMetrics } from '../report/metrics-csv.ts';
import { totalEpochs } from './phases.ts';
import type { Recipe } from './recipe.ts';

export interface TrainingState {
  /** Epochs that are done, their validation included. */
  epoch: number;
  /** Steps done of the running epoch; all of them where only its validation is left. */
  stepInEpoch: number;
  /** Steps done since the run began. */
  steps: number;
  /** Of the running epoch: the sum of its pictures' losses, */
  lossSum: number;
  /** pictures that were classified rightly, */
  correct: number;
  /** pictures seen, */
  pictures: number;
  /** seconds spent on its steps. */
  seconds: number;
  /** One a finished epoch. */
  rows: EpochMetrics[];
  /** The epoch whose weights are in best.safetensors, counted from 1; null before the first. */
  bestEpoch: number | null;
}

export function newTrainingState(): TrainingState {
  return {
    epoch: 0,
    stepInEpoch: 0,
    steps: 0,
    lossSum: 0,
    correct: 0,
    pictures: 0,
    seconds: 0,
    rows: [],
    bestEpoch: null,
  };
}

/** The metrics of the best epoch, or null. */
export function bestMetrics({ rows, bestEpoch }: TrainingState): EpochMetrics | null {
  return bestEpoch === null ? null : (rows[bestEpoch - 1] ?? null);
}

/**
 * Whether an epoch's weights are to replace the best ones: higher validation accuracy, or the same
 * with a lower loss. Without validation the latest are the best.
 */
export function isBetter(metrics: EpochMetrics, best: EpochMetrics | null): boolean {
  if (best === null || Number.isNaN(metrics.validationAccuracy)) return true;
  if (metrics.validationAccuracy !== best.validationAccuracy) {
    return metrics.validationAccuracy > best.validationAccuracy;
  }
  return metrics.validationLoss < best.validationLoss;
}

/** Whether so many epochs of the whole network have not been better than the best. */
export function patienceIsUp({ epoch, bestEpoch }: TrainingState, { patience, fineTuning }: Recipe): boolean {
  if (patience === null || bestEpoch === null) return false;
  return epoch - Math.max(bestEpoch, fineTuning?.headEpochs ?? 0) >= patience;
}

/** Whether a run is over: all its epochs are done, or its patience is up. */
export function isOver(state: TrainingState, recipe: Recipe): boolean {
  return state.epoch === totalEpochs(recipe) || (state.stepInEpoch === 0 && patienceIsUp(state, recipe));
}

/** Closes the running epoch with its metrics. */
export function finishEpoch(state: TrainingState, metrics: EpochMetrics, best: boolean): void {
  state.rows.push(metrics);
  if (best) state.bestEpoch = metrics.epoch;
  state.epoch += 1;
  state.stepInEpoch = 0;
  state.lossSum = 0;
  state.correct = 0;
  state.pictures = 0;
  state.seconds = 0;
}
