/** The options of `bneck benchmark`, as they come from the command line. */
import type { Lineage } from '../../models/lineages.ts';
import type { ModelName } from '../../train/recipe.ts';

export interface BenchmarkFlags {
  model?: ModelName;
  width?: number;
  resolution?: number;
  batch?: number;
  threads?: number[];
  seconds?: number;
  lineage?: Lineage;
  training?: boolean;
  profile?: boolean;
  allLayers?: boolean;
  sweep?: boolean;
  svg?: string;
  /** True: to the output. */
  json?: string | true;
}

/** A training step of this many pictures keeps the kernels as busy as training does. */
export const TRAINING_BATCH = 32;
export const MEASURED_SECONDS = 2;
