/**
 * The updates of an epoch as the loop sees them, whatever they are made of: each is made when it is asked
 * for, and tells what the network said to its pictures. picture-updates.ts and head-updates.ts make them.
 */
import type { StepResult } from './session.ts';
import type { BatchLabels } from './targets.ts';

/** Pictures that a network was trained on. */
export interface TrainedBatch extends StepResult {
  readonly labels: BatchLabels;
}

/** Where an epoch starts, and how fast each of its steps learns. */
export interface EpochWalk {
  readonly epoch: number;
  /** Steps of the epoch that are done already. */
  readonly firstStep: number;
  readonly steps: number;
  /** @param step of the epoch, counted from 0 */
  readonly learningRate: (step: number) => number;
}

/** One update a turn: its batches. Leaving early makes no further update. */
export type Updates = AsyncGenerator<readonly TrainedBatch[], void, undefined>;
