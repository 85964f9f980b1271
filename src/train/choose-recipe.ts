/**
 * Fills in what a person left open: the network's resolution and total reduction from the pictures'
 * size, the recipe from the amount of data. The defaults suit small data sets learnt from scratch.
 * Pure: the same choices and facts give the same recipe, each choice explained in one line.
 * Invariant: what was asked for is taken or refused, never changed.
 */
import { BneckError } from '../base/errors.ts';
import { defaultPreprocessing, type Preprocessing } from '../data/preprocess.ts';
import type { ModelFile } from '../model/model-file.ts';
import { resolveNetwork } from '../models/resolve-network.ts';
import { type Bounds, CHOICE_BOUNDS, DECAY_BOUNDS, describeBounds, fitsBounds } from './bounds.ts';
import { chooseAugmentation } from './choose-augmentation.ts';
import { chooseFineTuning, describeFineTuning } from './choose-fine-tuning.ts';
import { chooseLoss } from './choose-loss.ts';
import { chooseArchitecture, chooseReduction, chooseResolution } from './choose-network.ts';
import { chooseOptimizer } from './choose-optimizer.ts';
import { chooseSchedule } from './choose-schedule.ts';
import { withPreset } from './presets.ts';
import type { ChosenRecipe, DataFacts, Recipe, TrainingChoices } from './recipe.ts';
import type { Schedule } from './schedule.ts';
import { chooseAverage, type WeightAverage } from './weight-average.ts';

export const DEFAULT_EPOCHS = 20;
/** Weights that are trained already have less to learn. */
export const FINE_TUNING_EPOCHS = 10;
/** A smaller batch is taken where an epoch would have fewer steps than this, */
const LEAST_STEPS = 10;
/** but none smaller than this: batch norm needs several pictures. */
const SMALLEST_DEFAULT_BATCH = 8;
/** Larger pictures are kept at so many times the resolution: crops stay sharp, decoding becomes cheap to repeat. */
const TRAIN_SHORT_SIDE_FACTOR = 2;

/** @throws BneckError 'option' for a number that cannot be, with what it may be */
export function checkChoices(choices: TrainingChoices): void {
  for (const [name, bounds] of Object.entries(CHOICE_BOUNDS) as [keyof typeof CHOICE_BOUNDS, Bounds][]) {
    const value = choices[name];
    if (value === undefined || fitsBounds(value, bounds)) continue;
    throw new BneckError('option', `${name} ${value}: give ${describeBounds(bounds)}.`);
  }
}

function chooseBatch(choices: TrainingChoices, resolution: number, trainPictures: number): [number, string] {
  const { batch } = choices;
  if (batch !== undefined) {
    if (batch > trainPictures) {
      const found = `there are only ${trainPictures} training pictures`;
      throw new BneckError('option', `batch ${batch}: ${found}. Take a batch of ${trainPictures} or less.`);
    }
    return [batch, `batch ${batch}, as asked`];
  }
  const usual = resolution <= 128 ? 64 : 32;
  let chosen = usual;
  while (chosen > SMALLEST_DEFAULT_BATCH && trainPictures / chosen < LEAST_STEPS) chosen /= 2;
  chosen = Math.min(chosen, trainPictures);
  const few = `since there are only ${trainPictures} training pictures`;
  return [chosen, chosen === usual ? `batch ${chosen}, usual at ${resolution} px` : `batch ${chosen}, ${few}`];
}

function chooseAccumulation({ accumulate = 1 }: TrainingChoices, batch: number, trainPictures: number): number {
  if (batch * accumulate <= trainPictures) return accumulate;
  const found = `${accumulate} batches of ${batch} are more than the ${trainPictures} training pictures`;
  throw new BneckError(
    'option',
    `accumulate ${accumulate}: ${found}. Take ${Math.floor(trainPictures / batch)} or less.`,
  );
}

/**
 * Running statistics are what validation normalises with. They forget their start by (1 - momentum) a batch, and
 * the 0.01 of MobileNetV3 takes some 460 batches for that: too slow for epochs of a few dozen. Fast enough to
 * settle within an epoch, then, but never slower than the network's own and never above PyTorch's usual 0.1.
 */
function chooseBatchNormMomentum(own: number, batchesPerEpoch: number): [number, string | null] {
  const settling = Math.round(460 / batchesPerEpoch) / 100;
  const momentum = Math.max(own, Math.min(settling, 0.1));
  if (momentum === own) return [own, null];
  return [momentum, `batch norm momentum ${momentum}, so that its statistics settle within an epoch`];
}

function choosePreprocessing(resolution: number, start: ModelFile | null): Preprocessing {
  if (start === null) return defaultPreprocessing(resolution);
  // The weights know pixels of this scale.
  const { mean, std } = start.preprocessing;
  const known = start.preprocessing.resolution === resolution;
  return known ? start.preprocessing : { ...defaultPreprocessing(resolution), mean, std };
}

function chooseEma(
  { ema }: TrainingChoices,
  { totalSteps, warmupSteps }: Schedule,
  run: { readonly epochs: number; readonly pictures: number },
): WeightAverage | null {
  if (ema === undefined) return null;
  if (typeof ema === 'number' ? fitsBounds(ema, DECAY_BOUNDS) : ema === 'auto' || ema === 'torchvision') {
    return chooseAverage(ema, { ...run, totalSteps, warmupSteps });
  }
  throw new BneckError('option', `ema ${ema}: give auto, torchvision or ${describeBounds(DECAY_BOUNDS)}.`);
}

function describeAverage({ decay, everySteps }: WeightAverage): string {
  const often = everySteps === 1 ? 'every step' : `every ${everySteps} steps`;
  return `judged and saved by the moving average of the weights, decay ${Number(decay.toPrecision(6))} ${often}`;
}

function choosePatience({ patience }: TrainingChoices, { validationPictures }: DataFacts): number | null {
  if (patience === undefined || validationPictures > 0) return patience ?? null;
  const reason = 'without validation pictures no epoch is better than another';
  throw new BneckError('option', `patience ${patience}: ${reason}. Leave it out, or set some aside.`);
}

/** @throws BneckError 'data' for less than a batch can be made of */
function checkFacts({ trainPictures }: DataFacts): void {
  if (trainPictures >= 2) return;
  throw new BneckError('data', `${trainPictures} training picture: at least 2 are needed. Add pictures.`);
}

/**
 * A network and a recipe for these data.
 * @param start the model whose weights are trained on, or null for fresh ones
 * @throws BneckError 'option' for choices that cannot be, or that contradict each other or the data
 */
export function chooseRecipe(given: TrainingChoices, facts: DataFacts, start: ModelFile | null): ChosenRecipe {
  const [choices, presetReason] = withPreset(given);
  checkChoices(choices);
  checkFacts(facts);
  const [resolution, resolutionReason] = chooseResolution(choices, facts, start);
  const [reduction, reductionReason] = chooseReduction(choices, resolution, start);
  const architecture = chooseArchitecture(choices, facts.classNames.length, reduction, start);
  const [batch, batchReason] = chooseBatch(choices, resolution, facts.trainPictures);
  const accumulate = chooseAccumulation(choices, batch, facts.trainPictures);
  const { learningRate, headRate, reason, ...optimizer } = chooseOptimizer(choices, batch * accumulate, start !== null);
  const epochs = choices.epochs ?? (choices.fineTune ? FINE_TUNING_EPOCHS : DEFAULT_EPOCHS);
  const [augmentation, augmentationReason] = chooseAugmentation(choices, resolution, facts.trainPictures, epochs);
  const stepsPerEpoch = Math.floor(facts.trainPictures / (batch * accumulate));
  const ownMomentum = resolveNetwork(architecture).batchNorm.momentum;
  const batchesPerEpoch = stepsPerEpoch * accumulate;
  const [batchNormMomentum, momentumReason] = chooseBatchNormMomentum(ownMomentum, batchesPerEpoch);
  const [schedule, course] = chooseSchedule(choices, learningRate, { epochs, stepsPerEpoch });
  const fineTuning = chooseFineTuning(choices, headRate, start !== null, { stepsPerEpoch });
  const [loss, lossReasons] = chooseLoss(choices, facts);
  const average = chooseEma(choices, schedule, { epochs, pictures: batch * accumulate });
  const keptSide = TRAIN_SHORT_SIDE_FACTOR * resolution;
  const recipe: Recipe = {
    seed: choices.seed ?? 0,
    epochs,
    batch,
    accumulate,
    ...optimizer,
    schedule,
    ...loss,
    average,
    fineTuning,
    patience: choosePatience(choices, facts),
    batchNormMomentum,
    augmentation,
    preprocessing: choosePreprocessing(resolution, start),
    trainShortSide: facts.medianShortSide > keptSide ? keptSide : null,
    validationFraction: facts.validationFraction,
    skipBad: choices.skipBad ?? false,
  };
  const reasons = [
    ...(presetReason === null ? [] : [presetReason]),
    resolutionReason,
    reductionReason,
    batchReason,
    `${reason}, ${course}`,
    augmentationReason,
    ...lossReasons,
  ];
  if (fineTuning !== null) reasons.push(describeFineTuning(fineTuning));
  if (average !== null) reasons.push(describeAverage(average));
  if (momentumReason !== null) reasons.push(momentumReason);
  return { architecture, recipe, reasons };
}
