/**
 * The options that say what is trained and how, in groups, for `bneck train` and `bneck lr-find`. Each
 * becomes one of `TrainingChoices`; what is not given is chosen from the data.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Lineage } from '../models/lineages.ts';
import { CHOICE_BOUNDS, CLASS_WEIGHT_BOUNDS, DECAY_BOUNDS, describeBounds } from '../train/bounds.ts';
import { OPTIMIZER_NAMES } from '../train/choose-optimizer.ts';
import { DEFAULT_EPOCHS, FINE_TUNING_EPOCHS } from '../train/choose-recipe.ts';
import { SCHEDULE_NAMES } from '../train/choose-schedule.ts';
import { PRESET_NAMES, type PresetName } from '../train/presets.ts';
import type { ModelName, OptimizerName } from '../train/recipe.ts';
import type { ScheduleName } from '../train/schedule.ts';
import type { TrainOptions } from '../train/train-options.ts';
import { augmentOption } from './augment-option.ts';
import { alternatives, numberWithin, oneOf, reductionOption } from './parse-option.ts';
import { lineageOption } from './read-model.ts';

export const MODEL_NAMES: readonly ModelName[] = ['large', 'small', 'v2'];

/** As commander hands them over: named after the flags. */
export interface ChoiceFlags {
  recipe?: PresetName;
  model?: ModelName;
  width?: number;
  resolution?: number;
  reduction?: 32 | 16 | 8;
  weights?: string;
  lineage?: Lineage;
  epochs?: number;
  batch?: number;
  accumulate?: number;
  augment?: string;
  seed?: number;
  val?: number;
  optimizer?: OptimizerName;
  lr?: number;
  momentum?: number;
  nesterov?: boolean;
  weightDecay?: number;
  decayNormAndBias?: boolean;
  clipNorm?: number;
  schedule?: ScheduleName;
  warmup?: number;
  lrEvery?: number;
  lrFactor?: number;
  lrMin?: number;
  labelSmoothing?: number;
  classWeights?: 'balanced' | readonly number[];
  balancedSampling?: boolean;
  mixup?: number;
  cutmix?: number;
  fineTune?: boolean;
  headEpochs?: number;
  firstLrShare?: number;
  ema?: true | 'auto' | 'torchvision' | number;
  patience?: number;
}

/** An option whose value is a number within bounds. */
export function bounded(flags: string, description: string, bounds: Parameters<typeof numberWithin>[0]): Option {
  return new Option(flags, description).argParser(numberWithin(bounds));
}

/** An option whose value is one of some words. */
export function chosen(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).argParser(oneOf(words));
}

const WEIGHTS =
  'where to start: a model file (.safetensors, .pth), imagenet for published weights, or none (default: none)';

const classWeight = numberWithin(CLASS_WEIGHT_BOUNDS);

/** A parser for commander: `balanced` or numbers. */
function classWeightsOption(text: string): 'balanced' | readonly number[] {
  return text === 'balanced' ? text : text.split(',').map((part) => classWeight(part.trim()));
}

/** A parser for commander: `auto`, `torchvision` or a decay. */
function emaOption(text: string): 'auto' | 'torchvision' | number {
  if (text === 'auto' || text === 'torchvision') return text;
  try {
    return numberWithin(DECAY_BOUNDS)(text);
  } catch {
    // Alone in front of the data it takes them for its decay.
    throw new InvalidArgumentError(`Give auto, torchvision or ${describeBounds(DECAY_BOUNDS)}, and DATA before it.`);
  }
}

export function addNetworkOptions(command: Command): Command {
  return command
    .optionsGroup('Network:')
    .addOption(chosen('--model <name>', 'large, small or v2 (default: small)', MODEL_NAMES))
    .addOption(bounded('--width <number>', 'channel multiplier (default: 1)', CHOICE_BOUNDS.width))
    .addOption(bounded('--resolution <pixels>', 'side of the square the network sees', CHOICE_BOUNDS.resolution))
    .addOption(new Option('--reduction <times>', 'input size over last map: 32, 16 or 8').argParser(reductionOption))
    .option('--weights <file>', WEIGHTS)
    .addOption(lineageOption());
}

export function addBatchOptions(command: Command): Command {
  const { batch, accumulate, seed, validation } = CHOICE_BOUNDS;
  return command
    .optionsGroup('Recipe and batches:')
    .addOption(chosen('--recipe <name>', `${alternatives(PRESET_NAMES)}; other options replace its own`, PRESET_NAMES))
    .addOption(bounded('--batch <count>', 'pictures a batch', batch))
    .addOption(bounded('--accumulate <count>', 'batches an update, gradients averaged (default: 1)', accumulate))
    .addOption(augmentOption())
    .addOption(bounded('--seed <number>', 'of everything random (default: 0)', seed))
    .addOption(bounded('--val <share>', 'pictures set aside, if the data do not say (default: 0.2)', validation));
}

export function addOptimizerOptions(command: Command): Command {
  const { momentum, weightDecay, clipNorm } = CHOICE_BOUNDS;
  return command
    .optionsGroup('Optimizer:')
    .addOption(chosen('--optimizer <name>', `${alternatives(OPTIMIZER_NAMES)} (default: adam)`, OPTIMIZER_NAMES))
    .addOption(bounded('--momentum <share>', 'of sgd and rmsprop (default: 0.9)', momentum))
    .option('--no-nesterov', 'sgd with plain momentum')
    .addOption(bounded('--weight-decay <factor>', 'pull of the weights towards 0', weightDecay))
    .option('--decay-norm-and-bias', 'weight decay for batch norm and biases too')
    .addOption(bounded('--clip-norm <norm>', 'largest norm of all gradients together', clipNorm));
}

export function addScheduleOptions(command: Command): Command {
  const { epochs, learningRate, warmup, rateEvery, rateFactor, leastRate, patience } = CHOICE_BOUNDS;
  const usual = `(default: ${DEFAULT_EPOCHS}, fine-tuning ${FINE_TUNING_EPOCHS})`;
  return command
    .optionsGroup('Epochs and learning rate:')
    .addOption(bounded('--epochs <count>', `walks through the data ${usual}`, epochs))
    .addOption(bounded('--patience <epochs>', 'end after so many without a better one', patience))
    .addOption(bounded('--lr <rate>', 'learning rate after the warm-up; see bneck lr-find', learningRate))
    .addOption(chosen('--schedule <name>', `${alternatives(SCHEDULE_NAMES)} (default: cosine)`, SCHEDULE_NAMES))
    .addOption(
      bounded('--warmup <epochs>', 'it grows from 0, step by step (default: 5% of all, one-cycle 30%)', warmup),
    )
    .addOption(bounded('--lr-every <epochs>', 'step, exponential: times --lr-factor so often', rateEvery))
    .addOption(bounded('--lr-factor <factor>', 'default: step 0.1, exponential 1% at the end', rateFactor))
    .addOption(bounded('--lr-min <rate>', 'cosine: at the end (default: 0)', leastRate));
}

export function addLossOptions(command: Command): Command {
  const { labelSmoothing, mixup, cutmix } = CHOICE_BOUNDS;
  const weights = new Option('--class-weights <list>', 'balanced, or a number a class: 1,2,0.5');
  return command
    .optionsGroup('Loss and sampling:')
    .addOption(bounded('--label-smoothing <share>', 'default: 0.1', labelSmoothing))
    .addOption(weights.argParser(classWeightsOption))
    .option('--balanced-sampling', 'every class equally often in an epoch')
    .addOption(bounded('--mixup <alpha>', 'blend pairs of pictures, such as 0.2 (default: 0, off)', mixup))
    .addOption(bounded('--cutmix <alpha>', 'paste boxes of others, such as 1 (default: 0, off)', cutmix));
}

export function addTuningOptions(command: Command): Command {
  const { headEpochs, firstRateShare } = CHOICE_BOUNDS;
  const ema = new Option('--ema [decay]', 'average the weights: auto, torchvision or a decay (alone: auto)');
  return command
    .optionsGroup('Fine-tuning and averaging:')
    .option('--fine-tune', 'with --weights: the head alone first, then all, slower at the front')
    .addOption(bounded('--head-epochs <count>', 'epochs of the head, before the others (default: 5)', headEpochs))
    .addOption(bounded('--first-lr-share <share>', "the first stage's share of --lr (default: 0.1)", firstRateShare))
    .addOption(ema.argParser(emaOption));
}

/** Flags as options of `train`. */
export function choicesOf(flags: ChoiceFlags): TrainOptions {
  const { lr, lrEvery, lrFactor, lrMin, val, augment, weights, nesterov, ema, firstLrShare, ...same } = flags;
  return {
    ...same,
    augmentation: augment,
    learningRate: lr,
    rateEvery: lrEvery,
    rateFactor: lrFactor,
    leastRate: lrMin,
    firstRateShare: firstLrShare,
    ema: ema === true ? 'auto' : ema,
    validation: val,
    weights: weights === 'none' ? null : weights,
    // Commander says true where --no-nesterov is not given.
    nesterov: nesterov === false ? false : undefined,
  };
}
