/**
 * A run's folder, read: the recipe, the books, the best model. What reports and comparisons are made
 * of. Invariant: nothing in it is believed unchecked, and of the recipe only what reports compute with is
 * needed, so that runs of recipes with more in them can be read too.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BneckError } from '../../base/errors.ts';
import type { Augmentation } from '../../data/augment/augmentation.ts';
import { parseAugmentation } from '../../data/augment/parse-augmentation.ts';
import { checkPreprocessing } from '../../data/preprocess.ts';
import type { ModelFile } from '../../model/model-file.ts';
import { readModelFile, readWholeFile } from '../../model/read-model-file.node.ts';
import type { Architecture } from '../../models/architecture.ts';
import { parseArchitecture } from '../../models/parse-architecture.ts';
import { type EpochMetrics, parseMetrics } from '../../report/metrics-csv.ts';
import { RunFolder } from '../../train/run-folder.node.ts';

const BOOKS_LIMIT_BYTES = 2 ** 28;

const count = z.int().min(0);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const partSchema = z.object({ counts: z.array(count), fingerprint: z.string() });
const configSchema = z.object({
  bneck: z.string(),
  data: z.object({
    path: z.string().min(1),
    kind: z.string(),
    classNames: z.array(z.string()).min(1),
    train: partSchema,
    validation: partSchema,
  }),
  architecture: z.unknown(),
  recipe: z.looseObject({
    seed: count.max(2 ** 32 - 1),
    epochs: count.min(1),
    fineTuning: z.looseObject({ headEpochs: count }).nullish(),
    batch: count.min(1).max(65536),
    augmentation: z.unknown(),
    preprocessing: z.object({ resolution: count, resize: count, mean: triple, std: triple }),
    trainShortSide: count.min(1).nullable(),
    validationFraction: z.number().min(0).lt(1),
    skipBad: z.boolean(),
  }),
  reasons: z.array(z.string()),
});

type Config = z.infer<typeof configSchema>;

export interface RunRecord {
  /** As given. */
  readonly path: string;
  readonly config: Config;
  readonly architecture: Architecture;
  readonly augmentation: Augmentation;
  readonly rows: readonly EpochMetrics[];
  /** That the recipe asks for, those of the head alone among them. */
  readonly epochs: number;
  /** The best model; null where no epoch is over or the file is gone. */
  readonly model: ModelFile | null;
  /** Of its file; 0 without. */
  readonly modelBytes: number;
  /** The row of the epoch whose weights the best model has. */
  readonly best: EpochMetrics | null;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Runs a check that speaks of options, and lets it speak of the file. */
function checked<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof BneckError)) throw error;
    const problem = error.message.replace(/\.$/, '');
    throw new BneckError('file', `${name}: ${problem}. Restore the file as bneck wrote it.`, { cause: error });
  }
}

function parseConfig(text: string, name: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BneckError('file', `${name}: it is not JSON. Restore the file as bneck wrote it.`, { cause });
  }
  const parsed = configSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const problem = `${issue?.path.join('.') || 'the file'}: ${issue?.message.slice(0, 200) ?? 'it is of another form'}`;
  throw new BneckError('file', `${name}: ${problem}. Restore the file as bneck wrote it.`);
}

/**
 * @param path the folder of a run
 * @throws BneckError 'file' with what is missing or damaged
 */
export async function readRun(path: string): Promise<RunRecord> {
  const folder = await RunFolder.open(path);
  const configPath = join(path, 'config.json');
  if (!(await exists(configPath))) {
    throw new BneckError('file', `${path}: it holds no config.json, so it is no run. Give the folder of a run.`);
  }
  const text = async (file: string) => Buffer.from(await readWholeFile(file, BOOKS_LIMIT_BYTES)).toString('utf8');
  const config = parseConfig(await text(configPath), configPath);
  const { classNames, train, validation } = config.data;
  const [architecture, augmentation] = checked(configPath, () => {
    checkPreprocessing(config.recipe.preprocessing);
    return [parseArchitecture(config.architecture), parseAugmentation(config.recipe.augmentation)] as const;
  });
  const classes = architecture.classes;
  if ([classNames, train.counts, validation.counts].some(({ length }) => length !== classes)) {
    throw new BneckError('file', `${configPath}: the classes do not fit. Restore the file as bneck wrote it.`);
  }
  const { metricsPath, bestPath } = folder;
  const rows = (await exists(metricsPath)) ? parseMetrics(await text(metricsPath), metricsPath) : [];
  const modelBytes = await stat(bestPath).then(
    ({ size }) => size,
    () => 0,
  );
  const model = modelBytes === 0 ? null : (await readModelFile(bestPath, {})).file;
  if (model?.classNames.some((name, label) => name !== classNames[label])) {
    throw new BneckError('file', `${bestPath}: its classes are not those of ${configPath}. Restore the run's files.`);
  }
  const best = rows.find(({ epoch }) => epoch === model?.training?.epoch) ?? null;
  const { epochs: whole, fineTuning } = config.recipe;
  const epochs = whole + (fineTuning?.headEpochs ?? 0);
  return { path, config, architecture, augmentation, rows, epochs, model, modelBytes, best };
}
