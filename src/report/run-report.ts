/** Everything that a run's page says, as plain data. What is not known is null or left out. */
import type { ClassificationMetrics } from './classification-metrics.ts';
import type { EpochMetrics } from './metrics-csv.ts';
import type { Thumbnail } from './thumbnail.node.ts';

export interface Fact {
  readonly name: string;
  readonly value: string;
  /** Below the value, smaller. */
  readonly note?: string;
}

export interface ShownPicture {
  readonly thumbnail: Thumbnail;
  /** Below the picture. */
  readonly caption: string;
  /** Where it is from. */
  readonly name: string;
}

export interface JudgedPictures {
  readonly metrics: ClassificationMetrics;
  /** True classes, one a picture. */
  readonly labels: Int32Array;
  /** By the number of the picture; only some have one. */
  readonly pictures: ReadonlyMap<number, ShownPicture>;
  /** Numbers of the pictures with the greatest losses, the greatest first. */
  readonly topLosses: readonly number[];
  /** By entry of the confusion matrix: numbers of the pictures that it shows. */
  readonly cells: ReadonlyMap<number, readonly number[]>;
}

export interface SampleBatch {
  readonly title: string;
  readonly pictures: readonly ShownPicture[];
}

export interface RunReport {
  readonly title: string;
  /** As `bneck report` takes it. */
  readonly folder: string;
  /** The network and the data, in words. */
  readonly lead: string;
  readonly facts: readonly Fact[];
  readonly rows: readonly EpochMetrics[];
  /** Of the epoch whose weights were kept. */
  readonly best: EpochMetrics | null;
  readonly classNames: readonly string[];
  readonly judged: JudgedPictures | null;
  readonly samples: readonly SampleBatch[];
  /** Why the recipe is as it is, a line each. */
  readonly reasons: readonly string[];
  readonly recipe: readonly (readonly [name: string, value: string])[];
  readonly network: readonly (readonly [name: string, value: string])[];
  readonly data: readonly (readonly [name: string, value: string])[];
  /** Pictures of each class. */
  readonly trainCounts: readonly number[];
  readonly validationCounts: readonly number[];
  readonly machine: readonly (readonly [name: string, value: string])[];
  /** Which parts are missing, and why, a sentence each. */
  readonly missing: readonly string[];
}
