/**
 * What a run tells while it goes: plain events, which the command line draws and a caller of `train`
 * may use as it likes. Invariant: an observer only listens; nothing that it does or fails to do
 * changes a bit of the outcome.
 */
import type { DataSource } from '../data/dataset.ts';
import type { BadPicture } from '../data/loader.ts';
import type { FetchProgress } from '../model/pretrained.node.ts';
import type { Architecture } from '../models/architecture.ts';
import type { EpochMetrics } from '../report/metrics-csv.ts';
import type { DataFacts, Recipe } from './recipe.ts';

/** Everything that is settled before the first step. */
export interface TrainingPlan {
  readonly data: Pick<DataSource, 'kind' | 'path' | 'ignored'>;
  readonly facts: DataFacts;
  readonly architecture: Architecture;
  /** Trained parameters. */
  readonly parameters: number;
  readonly recipe: Recipe;
  readonly stepsPerEpoch: number;
  /** Why the network and the recipe are as they are, a line each. */
  readonly reasons: readonly string[];
  readonly threads: number;
  /** Memory the engine holds, in bytes. */
  readonly memoryBytes: number;
  /** The run's folder. */
  readonly run: string;
  /** The path of a picture to try the model on, one it does not learn from if there is any; null where none is a file. */
  readonly samplePicture: string | null;
  /** Where a resumed run goes on; null for a new one. */
  readonly resumedAt: Position | null;
}

export interface Position {
  /** Epochs done. */
  readonly epoch: number;
  /** Steps done of the epoch after them. */
  readonly step: number;
}

export interface EpochStart {
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Steps of it that were done before, in a run that was interrupted. */
  readonly stepsDone: number;
}

export interface StepEvent {
  /** Counted from 1, like `step`. */
  readonly epoch: number;
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** Mean over the epoch's pictures so far, as optimised (with label smoothing). */
  readonly loss: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Expected, to the end of the epoch's last step and of the whole run. */
  readonly epochSecondsLeft: number;
  readonly runSecondsLeft: number;
}

export interface ValidationEvent {
  readonly epoch: number;
  readonly pictures: number;
  readonly totalPictures: number;
}

export interface FeaturesEvent {
  readonly pictures: number;
  readonly totalPictures: number;
}

export interface EpochEnd {
  readonly metrics: EpochMetrics;
  readonly epochs: number;
  /** Whether best.safetensors now holds this epoch's weights. */
  readonly best: boolean;
  readonly runSecondsLeft: number;
}

/** Before the first step: pictures of both parts compared with each other, pictures decoded for the cache. */
export type PreparationTask = 'comparing' | 'decoding';

export interface PreparationEvent {
  readonly task: PreparationTask;
  /** Pictures. */
  readonly done: number;
  readonly total: number;
}

export interface TrainingObserver {
  /** Published weights are being fetched; comes before `planned`. */
  downloading?(progress: FetchProgress): void;
  /** What people should know and need do nothing about, in a line: a cache was damaged, or could not be made. */
  noted?(note: string): void;
  /** Comes before `planned`, and only where there is something to do. */
  preparing?(event: PreparationEvent): void;
  planned?(plan: TrainingPlan): void;
  epochStarted?(event: EpochStart): void;
  /** Of fine-tuning: the features that the head is trained on are being computed. */
  featuresComputed?(event: FeaturesEvent): void;
  stepped?(event: StepEvent): void;
  validated?(event: ValidationEvent): void;
  epochEnded?(event: EpochEnd): void;
  checkpointSaved?(event: { readonly path: string; readonly position: Position }): void;
  /** A picture was passed over (skipBad). */
  pictureSkipped?(picture: BadPicture): void;
  stopped?(result: TrainingResult): void;
}

export interface TrainingResult {
  /** `stopped`: the caller's signal was aborted; the run can be resumed. */
  readonly status: 'finished' | 'stopped';
  /** Whether it finished before its last epoch, since no better one came for as many as its patience. */
  readonly endedEarly: boolean;
  /** The run's folder. */
  readonly run: string;
  /** One row a finished epoch. */
  readonly epochs: readonly EpochMetrics[];
  /** The row of the epoch whose weights are in best.safetensors; null where no epoch was finished. */
  readonly best: EpochMetrics | null;
  /** The best model's file; null where no epoch was finished. */
  readonly bestPath: string | null;
  readonly position: Position;
  readonly badPictures: readonly BadPicture[];
}
