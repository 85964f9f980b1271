/**
 * Everything a run needs before the engine starts: data, network, recipe, weights and position.
 * A new run chooses them, a resumed one reads them from its checkpoint. Invariant: nothing is
 * written here, and what comes out has been checked against each other.
 */
import { resolve } from 'node:path';
import { BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import { type FetchProgress, fetchPretrained } from '../model/pretrained.node.ts';
import { isPretrainedName } from '../model/pretrained-weights.ts';
import { readModelFile } from '../model/read-model-file.node.ts';
import type { Architecture } from '../models/architecture.ts';
import { loadCheckpoint } from './checkpoint.node.ts';
import { MODEL_FAMILIES } from './choose-network.ts';
import { checkChoices, chooseRecipe } from './choose-recipe.ts';
import { type DataRecord, describeDataChange, recordData } from './data-record.ts';
import { totalEpochs } from './phases.ts';
import { withPreset } from './presets.ts';
import type { Recipe, TrainingChoices } from './recipe.ts';
import { RunFolder } from './run-folder.node.ts';
import type { SessionState } from './session.ts';
import { startingWeights } from './starting-weights.ts';
import type { TrainOptions } from './train-options.ts';
import { chooseOpening, openTrainingData, refuseSecondValidation, type TrainingData } from './training-data.node.ts';
import { isOver, newTrainingState, type TrainingState } from './training-state.ts';

export interface ResumedRun {
  readonly folder: RunFolder;
  readonly session: SessionState;
  /** Whether the last checkpoint was damaged, and this is the one before. */
  readonly fellBack: boolean;
}

export interface PreparedRun {
  readonly data: TrainingData;
  readonly dataRecord: DataRecord;
  readonly architecture: Architecture;
  readonly recipe: Recipe;
  readonly reasons: readonly string[];
  readonly weights: StateDict;
  /** Null for a new run. */
  readonly resumed: ResumedRun | null;
  readonly state: TrainingState;
}

/** The model whose weights a new run starts from, downloaded if they are published ones. */
async function startingModel({ weights, lineage, model, observer, signal }: TrainOptions) {
  if (lineage !== undefined && (typeof weights !== 'string' || isPretrainedName(weights))) {
    const remedy = 'Give the file as weights, or leave the lineage out.';
    throw new BneckError('option', `lineage ${lineage} says who trained a file of bare weights. ${remedy}`);
  }
  if (typeof weights !== 'string') return { file: weights ?? null, notes: [] };
  if (!isPretrainedName(weights)) return readModelFile(weights, { lineage });
  const family = typeof model === 'object' ? model.family : MODEL_FAMILIES[model ?? 'small'];
  const onProgress = (progress: FetchProgress) => observer?.downloading?.(progress);
  return readModelFile(await fetchPretrained(weights, { family, onProgress, ...(signal && { signal }) }));
}

async function prepareNewRun(options: TrainOptions): Promise<PreparedRun> {
  const [choices] = withPreset(options);
  const { data: where, out } = options;
  const { validation, seed = 0 } = choices;
  if (where === undefined) throw new BneckError('option', 'No data: give the folder of the pictures to train on.');
  checkChoices(choices);
  if (out !== undefined) await RunFolder.requireFree(out);
  const { file: start, notes } = await startingModel(options);
  const opening = chooseOpening(where, options);
  const data = await openTrainingData(where, { validation, seed, opening, compare: true, observer: options.observer });
  if (validation !== undefined) refuseSecondValidation(where, data.source, validation);
  const { architecture, recipe, reasons } = chooseRecipe(options, data.facts, start);
  const { weights, reason } = startingWeights(architecture, data.facts.classNames, start, recipe.seed);
  return {
    data,
    dataRecord: recordData(data.source),
    architecture,
    recipe,
    reasons: [...data.notes, ...reasons, reason, ...notes],
    weights,
    resumed: null,
    state: newTrainingState(),
  };
}

type SettledElsewhere = 'weights' | 'lineage' | 'out' | 'classes' | 'allowOutside' | 'duplicates';

/** What a resumed run has settled already; all of `TrainingChoices` but skipBad. */
const SETTLED: Readonly<Record<Exclude<keyof TrainingChoices, 'skipBad'> | SettledElsewhere, true>> = {
  recipe: true,
  model: true,
  width: true,
  reduction: true,
  resolution: true,
  epochs: true,
  batch: true,
  accumulate: true,
  optimizer: true,
  learningRate: true,
  momentum: true,
  nesterov: true,
  schedule: true,
  warmup: true,
  rateEvery: true,
  rateFactor: true,
  leastRate: true,
  weightDecay: true,
  decayNormAndBias: true,
  clipNorm: true,
  labelSmoothing: true,
  classWeights: true,
  balancedSampling: true,
  mixup: true,
  cutmix: true,
  fineTune: true,
  headEpochs: true,
  firstRateShare: true,
  ema: true,
  patience: true,
  augmentation: true,
  validation: true,
  seed: true,
  weights: true,
  lineage: true,
  out: true,
  classes: true,
  allowOutside: true,
  duplicates: true,
};

function refuseSettled(options: TrainOptions): void {
  for (const name of Object.keys(SETTLED) as (keyof typeof SETTLED)[]) {
    if (options[name] === undefined || options[name] === null) continue;
    const remedy = 'Leave it out, or start a new run.';
    throw new BneckError(
      'option',
      `${name} cannot be given to a run that is resumed: it goes on as it began. ${remedy}`,
    );
  }
}

async function prepareResumedRun(path: string, options: TrainOptions): Promise<PreparedRun> {
  refuseSettled(options);
  const folder = await RunFolder.open(path);
  const { model, optimizerState, averageWeights, record, damage } = await loadCheckpoint(path);
  const { state } = record;
  if (damage !== undefined) {
    const place = `epoch ${state.epoch + 1}, after step ${state.stepInEpoch}`;
    // Its remedy, the last sentence, is for those who have no other.
    const reason = damage.message.replace(/\. [A-Z][^.]*\.$/, '');
    options.observer?.noted?.(`The last checkpoint is damaged (${reason}); going on from the one before it, ${place}.`);
  }
  const recipe = { ...record.recipe, skipBad: record.recipe.skipBad || (options.skipBad ?? false) };
  if (isOver(state, recipe)) {
    const all = state.epoch === totalEpochs(recipe);
    const why = all ? `all its ${state.epoch} epochs are done` : `no better epoch came for ${recipe.patience}`;
    const remedy = `Start a new run, with weights ${folder.bestPath} to build on it.`;
    throw new BneckError('option', `${path}: this run is finished, ${why}. ${remedy}`);
  }
  const where = options.data ?? record.dataPath;
  const data = await openTrainingData(where, {
    validation: recipe.validationFraction,
    seed: recipe.seed,
    opening: { ...record.opening, root: options.root === undefined ? record.opening.root : resolve(options.root) },
    // What was told or refused then is not again; what was left out is.
    compare: record.opening.duplicates === 'drop',
    observer: options.observer,
  });
  const dataRecord = recordData(data.source);
  const change = describeDataChange(record.data, dataRecord);
  if (change !== null) {
    const remedy = 'Restore them, say where they are now, or start a new run.';
    throw new BneckError('data', `${data.source.path}: not the data this run was trained on (${change}). ${remedy}`);
  }
  return {
    data,
    dataRecord,
    architecture: model.architecture,
    recipe,
    reasons: data.notes,
    weights: model.weights,
    resumed: {
      folder,
      session: { weights: model.weights, optimizer: optimizerState, average: averageWeights },
      fellBack: damage !== undefined,
    },
    state: { ...state, rows: [...state.rows] },
  };
}

/** @throws BneckError 'option', 'data', 'image' or 'file' for whatever stands in the way */
export function prepareRun(options: TrainOptions): Promise<PreparedRun> {
  return options.resume === undefined ? prepareNewRun(options) : prepareResumedRun(options.resume, options);
}
