/**
 * What `train` can be told. Only these options reach the trainer; what decides the outcome stands
 * in `TrainingChoices`, the rest says where things are and how fast it may go.
 */
import type { DataSource } from '../data/dataset.ts';
import type { DuplicatePolicy } from '../data/duplicate-policy.ts';
import type { ModelFile } from '../model/model-file.ts';
import type { Lineage } from '../models/lineages.ts';
import type { TrainingObserver } from './observer.ts';
import type { TrainingChoices } from './recipe.ts';

export interface TrainOptions extends TrainingChoices {
  /**
   * A path (docs/data.md): a folder of class folders, IDX or CIFAR files, a .csv or a .zip file; or data that are open
   * already. Needed unless a run is resumed.
   */
  readonly data?: string | DataSource | undefined;
  /** Class names in label order: a name for each class of the data, neither more nor less. By default as the data have them. */
  readonly classes?: readonly string[] | undefined;
  /** The folder that paths in a CSV file start from; by default that of the file. */
  readonly root?: string | undefined;
  /** Whether a CSV file may name pictures outside of the root. */
  readonly allowOutside?: boolean | undefined;
  /** What is done about training pictures that are in the validation part too; 'warn' by default. */
  readonly duplicates?: DuplicatePolicy | undefined;
  /**
   * Where the weights come from: a model file or its path (bneck's, torchvision's or timm's), or a name of published ones
   * ('imagenet', 'imagenet-v1', ...); null, the default, for fresh ones.
   */
  readonly weights?: string | ModelFile | null | undefined;
  /** Who trained `weights`, where they are a file that does not say it: 'tf' for timm's `tf_` models. */
  readonly lineage?: Lineage | undefined;
  /**
   * The folder of a run that was interrupted: it goes on exactly as if it had not been. The network
   * and the recipe are then the run's own; only data and root (if they were moved), threads, cache and
   * skipBad can be given along.
   */
  readonly resume?: string | undefined;
  /** The run's folder, new or empty; by default the next number in `runs`. */
  readonly out?: string | undefined;
  /** By default as many as the machine runs at once. */
  readonly threads?: number | undefined;
  /**
   * The folder where decoded pictures are kept between epochs and runs; false keeps none, not in memory either. By
   * default `bneck/pictures` in the user's cache folder ($XDG_CACHE_HOME, or ~/.cache).
   */
  readonly cache?: string | false | undefined;
  readonly observer?: TrainingObserver | undefined;
  /** Aborting it ends the run after the step that is being made, with everything saved. */
  readonly signal?: AbortSignal | undefined;
}
