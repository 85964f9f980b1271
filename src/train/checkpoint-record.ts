/**
 * `state.json` of a checkpoint: the recipe, the data it belongs to, the position and the books.
 * Numbers survive exactly, since JSON's shortest form reads back as the same double; the metrics
 * stand as metrics.csv has them, which also knows NaN. Invariant: what `parseRecord` returns is
 * consistent in itself, whatever the file said.
 */
import { z } from 'zod';
import { assert, BneckError } from '../base/errors.ts';
import type { Augmentation } from '../data/augment/augmentation.ts';
import { parseAugmentation } from '../data/augment/parse-augmentation.ts';
import { formatMetrics, parseMetrics } from '../report/metrics-csv.ts';
import type { DataRecord } from './data-record.ts';
import { stepsPerEpoch, totalEpochs } from './phases.ts';
import type { Recipe } from './recipe.ts';
import type { TrainingState } from './training-state.ts';

export interface CheckpointRecord {
  readonly recipe: Recipe;
  /** Where the data were, as an absolute path. */
  readonly dataPath: string;
  readonly data: DataRecord;
  readonly state: Readonly<TrainingState>;
}

/** Of the file's form; a checkpoint of another form is refused. */
const FORM = 2;

const fraction = z.number().min(0).lt(1);
const count = z.int().min(0);
const channels = z.tuple([z.number(), z.number(), z.number()]);

const optimizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd'),
    momentum: fraction,
    nesterov: z.boolean(),
    weightDecay: z.number().min(0),
  }),
  z.strictObject({
    kind: z.enum(['adam', 'adamw']),
    beta1: fraction,
    beta2: fraction,
    epsilon: z.number().gt(0),
    weightDecay: z.number().min(0),
  }),
  z.strictObject({
    kind: z.literal('rmsprop'),
    alpha: fraction,
    momentum: fraction,
    epsilon: z.number().gt(0),
    epsilonInside: z.boolean(),
    weightDecay: z.number().min(0),
  }),
]);

/** The form of 0.1.0's first runs: a crop or none, and a flip. It draws the same changes as the list it becomes. */
const cropAndFlipSchema = z
  .strictObject({
    randomResizedCrop: z.strictObject({ scale: z.unknown(), ratio: z.unknown() }).nullable(),
    flip: z.unknown(),
  })
  .transform(({ randomResizedCrop, flip }) => {
    const crop = randomResizedCrop === null ? [] : [{ kind: 'random-resized-crop', ...randomResizedCrop }];
    return [...crop, { kind: 'flip', probability: flip }];
  });

const augmentationSchema = z
  .union([z.array(z.unknown()), cropAndFlipSchema])
  .transform((ops, context): Augmentation => {
    try {
      return parseAugmentation(ops);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  });

const course = { learningRate: z.number().gt(0), warmupSteps: count, totalSteps: count.min(1) };
const falling = { ...course, everySteps: count.min(1), factor: z.number().gt(0).max(1) };
const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ...course }),
  z.strictObject({ kind: z.literal('cosine'), ...course, leastRate: z.number().min(0) }),
  z.strictObject({ kind: z.literal('step'), ...falling }),
  z.strictObject({ kind: z.literal('exponential'), ...falling }),
  z.strictObject({ kind: z.literal('one-cycle'), ...course, startShare: fraction, endShare: fraction }),
]);

const recipeSchema = z.strictObject({
  seed: count.max(2 ** 32 - 1),
  epochs: count.min(1),
  batch: count.min(2),
  accumulate: count.min(1),
  optimizer: optimizerSchema,
  decayNormAndBias: z.boolean(),
  clipNorm: z.number().gt(0).nullable(),
  schedule: scheduleSchema,
  labelSmoothing: fraction,
  classWeights: z.array(z.number().gt(0)).nullable(),
  balancedSampling: z.boolean(),
  mixing: z.strictObject({ mixup: z.number().min(0), cutmix: z.number().min(0) }).nullable(),
  average: z.strictObject({ decay: fraction, everySteps: count.min(1), copySteps: count }).nullable(),
  fineTuning: z
    .strictObject({
      headEpochs: count,
      headSchedule: scheduleSchema.nullable(),
      firstRateShare: z.number().gt(0).max(1),
    })
    .nullable(),
  patience: count.min(1).nullable(),
  batchNormMomentum: fraction,
  augmentation: augmentationSchema,
  preprocessing: z.strictObject({ resolution: count.min(1), resize: count.min(1), mean: channels, std: channels }),
  trainShortSide: count.min(1).nullable(),
  validationFraction: fraction,
  skipBad: z.boolean(),
});

const partSchema = z.strictObject({ counts: z.array(count), fingerprint: z.string() });

const recordSchema = z.strictObject({
  form: z.literal(FORM),
  recipe: recipeSchema,
  dataPath: z.string().min(1),
  data: z.strictObject({ classNames: z.array(z.string()), train: partSchema, validation: partSchema }),
  state: z.strictObject({
    epoch: count,
    stepInEpoch: count,
    steps: count,
    lossSum: z.number(),
    correct: count,
    pictures: count,
    seconds: z.number().min(0),
    metrics: z.string(),
    bestEpoch: count.min(1).nullable(),
  }),
});

export function formatRecord({ recipe, dataPath, data, state }: CheckpointRecord): string {
  assert(Number.isFinite(state.lossSum), `loss sum ${state.lossSum}`);
  const { rows, ...position } = state;
  const json = { form: FORM, recipe, dataPath, data, state: { ...position, metrics: formatMetrics(rows) } };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** What contradicts itself in a record, or null. */
function inconsistency({ recipe, state, data }: CheckpointRecord): string | null {
  const steps = stepsPerEpoch(recipe);
  const trainPictures = data.train.counts.reduce((sum, pictures) => sum + pictures, 0);
  const picturesPerStep = recipe.batch * recipe.accumulate;
  if (Math.floor(trainPictures / picturesPerStep) !== steps) return 'schedule.totalSteps does not fit the data';
  const { classWeights, fineTuning } = recipe;
  if (classWeights !== null && classWeights.length !== data.classNames.length) {
    return 'classWeights do not fit the classes';
  }
  const headSteps = fineTuning?.headSchedule?.totalSteps ?? 0;
  if (headSteps !== (fineTuning?.headEpochs ?? 0) * steps) return 'headSchedule.totalSteps does not fit the data';
  for (const { warmupSteps, totalSteps } of [recipe.schedule, fineTuning?.headSchedule ?? recipe.schedule]) {
    if (warmupSteps > totalSteps) return 'a warm-up is longer than its schedule';
  }
  if (state.epoch > totalEpochs(recipe) || state.stepInEpoch > steps) return 'the position lies behind the end';
  if (state.steps !== state.epoch * steps + state.stepInEpoch) return 'steps do not fit the epoch';
  if (state.pictures !== state.stepInEpoch * picturesPerStep) return 'pictures do not fit the steps';
  if (state.rows.length !== state.epoch || (state.rows[0]?.epoch ?? 1) !== 1) return 'metrics do not fit the epoch';
  if ((state.bestEpoch ?? 0) > state.epoch) return 'the best epoch is not over yet';
  return null;
}

/**
 * @param name what to call the file in errors
 * @throws BneckError 'file' for anything that `formatRecord` cannot have written
 */
export function parseRecord(text: string, name: string): CheckpointRecord {
  const fail = (problem: string, cause?: unknown): never => {
    const remedy = 'Restore the file as bneck wrote it, or start a new run.';
    throw new BneckError('file', `${name}: ${problem}. ${remedy}`, { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return fail('it is not JSON', cause);
  }
  const parsed = recordSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return fail(`${issue?.path.join('.') || 'the file'}: ${issue?.message.slice(0, 200) ?? 'it is of another form'}`);
  }
  const { recipe, dataPath, data, state } = parsed.data;
  const { metrics, ...position } = state;
  const record = { recipe, dataPath, data, state: { ...position, rows: parseMetrics(metrics, `${name}, metrics`) } };
  const problem = inconsistency(record);
  return problem === null ? record : fail(problem);
}
