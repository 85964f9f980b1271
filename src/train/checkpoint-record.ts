/**
 * `state.json` of a checkpoint: the recipe, the data it belongs to, the position and the books.
 * Numbers survive exactly, since JSON's shortest form reads back as the same double; the metrics
 * stand as metrics.csv has them, which also knows NaN. Invariant: what `parseRecord` returns is
 * consistent in itself, whatever the file said.
 */
import { z } from 'zod';
import { assert, BneckError } from '../base/errors.ts';
import { DUPLICATE_POLICIES } from '../data/duplicate-policy.ts';
import { formatMetrics, parseMetrics } from '../report/metrics-csv.ts';
import { type DataOpening, type DataRecord, PLAIN_OPENING } from './data-record.ts';
import { stepsPerEpoch, totalEpochs } from './phases.ts';
import type { Recipe } from './recipe.ts';
import { recipeSchema } from './recipe-schema.ts';
import type { TrainingState } from './training-state.ts';

export interface CheckpointRecord {
  readonly recipe: Recipe;
  /** Where the data were, as an absolute path. */
  readonly dataPath: string;
  readonly opening: DataOpening;
  readonly data: DataRecord;
  readonly state: Readonly<TrainingState>;
}

/** Of the file's form; a checkpoint of another form is refused. */
const FORM = 2;

const count = z.int().min(0);

/** Absent in 0.1.0's first runs, which knew no other way. */
const openingSchema = z
  .strictObject({
    classes: z.array(z.string()).nullable(),
    root: z.string().nullable(),
    allowOutside: z.boolean(),
    duplicates: z.enum(DUPLICATE_POLICIES),
  })
  .default({ ...PLAIN_OPENING, classes: null });

const partSchema = z.strictObject({ counts: z.array(count), fingerprint: z.string() });

const recordSchema = z.strictObject({
  form: z.literal(FORM),
  recipe: recipeSchema,
  dataPath: z.string().min(1),
  opening: openingSchema,
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
  /** See checkpoint-sums.node.ts. */
  sums: z.record(z.string(), z.string()).optional(),
});

export function formatRecord({ recipe, dataPath, opening, data, state }: CheckpointRecord): string {
  assert(Number.isFinite(state.lossSum), `loss sum ${state.lossSum}`);
  const { rows, ...position } = state;
  const json = { form: FORM, recipe, dataPath, opening, data, state: { ...position, metrics: formatMetrics(rows) } };
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
  const { recipe, dataPath, opening, data, state } = parsed.data;
  const { metrics, ...position } = state;
  const record = {
    recipe,
    dataPath,
    opening,
    data,
    state: { ...position, rows: parseMetrics(metrics, `${name}, metrics`) },
  };
  const problem = inconsistency(record);
  return problem === null ? record : fail(problem);
}
