/**
 * How a network is trained, as plain data: everything besides the network and the pictures that
 * decides the weights which come out. It is written into the run's config and into every
 * checkpoint, and a resumed run reads it from there. Invariant: equal recipe, architecture,
 * starting weights and data give equal weights; what changes only speed (threads, cache) is not in it.
 */
import type { Augmentation } from '../data/augment/augmentation.ts';
import type { Preprocessing } from '../data/preprocess.ts';
import type { Architecture } from '../models/architecture.ts';
import type { Mixing } from './mix-batch.ts';
import type { PresetName } from './presets.ts';
import type { Schedule, ScheduleName } from './schedule.ts';
import type { OptimizerOptions } from './session.ts';
import type { WeightAverage } from './weight-average.ts';

/** JSON-serialisable. */
export interface FineTuning {
  /** Epochs before the others in which the head is trained alone, on features that stay as they are. */
  readonly headEpochs: number;
  /** Of those epochs; null where there are none. */
  readonly headSchedule: Schedule | null;
  /** The first stage's share of the learning rate in the other epochs; it grows with depth, to 1 at the head. */
  readonly firstRateShare: number;
}

/** JSON-serialisable. */
export interface Recipe {
  /** Of the split, first weights, order, augmentation and dropout; a whole number in [0, 2^32). */
  readonly seed: number;
  /** Of the whole network; those of the head come before. */
  readonly epochs: number;
  /** Pictures a batch. */
  readonly batch: number;
  /** Batches an update, whose gradients are averaged; batch norm sees each by itself. */
  readonly accumulate: number;
  readonly optimizer: OptimizerOptions;
  /** Whether weight decay applies to batch norm and biases too. */
  readonly decayNormAndBias: boolean;
  /** The largest norm of all gradients together; larger ones are scaled down to it. Null: any. */
  readonly clipNorm: number | null;
  /** Of the epochs of the whole network. */
  readonly schedule: Schedule;
  /** Share of each label given to all classes alike, 0 up to, not including, 1. */
  readonly labelSmoothing: number;
  /** How much each class counts in the loss, above 0; null: all alike. */
  readonly classWeights: readonly number[] | null;
  /** Whether every class comes equally often in an epoch. */
  readonly balancedSampling: boolean;
  /** How training pictures are mixed; null: not at all. */
  readonly mixing: Mixing | null;
  /** The moving average of the weights, which is then what is judged and saved as the best; null: none. */
  readonly average: WeightAverage | null;
  /** How weights that are trained already are tuned; null: all alike, as fresh ones are. */
  readonly fineTuning: FineTuning | null;
  /** Epochs without a better one after which the run ends; null: never. */
  readonly patience: number | null;
  /** How far batch norm's running statistics move each step, above 0, up to 1. */
  readonly batchNormMomentum: number;
  readonly augmentation: Augmentation;
  readonly preprocessing: Preprocessing;
  /** Larger training pictures are first reduced to this short side, in pixels; null leaves them as they are. */
  readonly trainShortSide: number | null;
  /** Share of each class set aside where the data have no validation part of their own. */
  readonly validationFraction: number;
  /** Whether unreadable pictures are passed over. */
  readonly skipBad: boolean;
}

export type ModelName = 'large' | 'small' | 'v2';

/** `rmsprop-tf` is RMSprop with epsilon inside the square root, as TensorFlow has it. */
export type OptimizerName = OptimizerOptions['kind'] | 'rmsprop-tf';

/** What a person may choose; what is left out is chosen from the data by `chooseRecipe`. */
export interface TrainingChoices {
  /** Choices that are made together; each can be replaced by one's own. */
  readonly recipe?: PresetName | undefined;
  /** A name, or a whole architecture, which then settles width and reduction too. Small by default. */
  readonly model?: ModelName | Architecture | undefined;
  readonly width?: number | undefined;
  readonly reduction?: 32 | 16 | 8 | undefined;
  /** Height and width the network sees, in pixels. */
  readonly resolution?: number | undefined;
  readonly epochs?: number | undefined;
  readonly batch?: number | undefined;
  /** Batches an update, 1 by default. */
  readonly accumulate?: number | undefined;
  readonly optimizer?: OptimizerName | undefined;
  readonly learningRate?: number | undefined;
  /** Of sgd and rmsprop. */
  readonly momentum?: number | undefined;
  /** Of sgd; true by default. */
  readonly nesterov?: boolean | undefined;
  readonly schedule?: ScheduleName | undefined;
  /** Epochs in which the learning rate grows, a fraction too. */
  readonly warmup?: number | undefined;
  /** Of schedules step and exponential: the rate is multiplied by `rateFactor` every so many epochs. */
  readonly rateEvery?: number | undefined;
  readonly rateFactor?: number | undefined;
  /** Of schedule cosine: the rate at the end, 0 by default. */
  readonly leastRate?: number | undefined;
  readonly weightDecay?: number | undefined;
  /** Whether weight decay applies to batch norm and biases too; false by default. */
  readonly decayNormAndBias?: boolean | undefined;
  /** The largest norm of all gradients together; any by default. */
  readonly clipNorm?: number | undefined;
  readonly labelSmoothing?: number | undefined;
  /** One a class, in the classes' order, or 'balanced': the rarer, the more. */
  readonly classWeights?: 'balanced' | readonly number[] | undefined;
  /** Every class comes equally often in an epoch. */
  readonly balancedSampling?: boolean | undefined;
  /** Parameter of the beta distribution that shares are drawn from; 0, the default, for none. */
  readonly mixup?: number | undefined;
  readonly cutmix?: number | undefined;
  /** Train the head first, then the whole network, slowest where it is nearest to the pictures. Takes weights. */
  readonly fineTune?: boolean | undefined;
  /** Of fine-tuning: epochs of the head alone, before the others. */
  readonly headEpochs?: number | undefined;
  /** Of fine-tuning: the first stage's share of the learning rate. */
  readonly firstRateShare?: number | undefined;
  /** Average the weights: 'auto' for a decay that suits the run's length, torchvision's formula, or a decay. */
  readonly ema?: number | 'auto' | 'torchvision' | undefined;
  /** Epochs without a better one after which the run ends. */
  readonly patience?: number | undefined;
  /** Ops with their parameters, or names such as 'strong' or 'basic,erase' (data/augment/presets.ts). */
  readonly augmentation?: Augmentation | string | undefined;
  /** Share of each class to set aside for validation, 0 to below 1; only where the data don't say. */
  readonly validation?: number | undefined;
  readonly seed?: number | undefined;
  readonly skipBad?: boolean | undefined;
}

/** What has to be known of the data to choose a recipe. */
export interface DataFacts {
  readonly classNames: readonly string[];
  /** Training pictures of each class. */
  readonly classCounts: readonly number[];
  readonly trainPictures: number;
  readonly validationPictures: number;
  /** The share that was set aside for validation, where the data have no such part of their own. */
  readonly validationFraction: number;
  /** The median short side of the training pictures, in pixels. */
  readonly medianShortSide: number;
}

export interface ChosenRecipe {
  readonly architecture: Architecture;
  readonly recipe: Recipe;
  /** One line a choice: what, and why. */
  readonly reasons: readonly string[];
}
