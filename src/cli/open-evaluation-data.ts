/**
 * The pictures to judge a model on. A model remembers how its data were divided, so that the very
 * folder it was trained on gives the pictures that it did not learn from, unless told otherwise.
 * Invariant: labels follow the model's class names.
 */
import { z } from 'zod';
import { BneckError } from '../base/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { findIdxPairs } from '../data/idx.node.ts';
import { type DataPart, openDataset } from '../data/open-data.node.ts';
import type { ModelFile } from '../model/model-file.ts';

export interface EvaluationData {
  readonly dataset: Dataset;
  /** What the pictures are, for people. */
  readonly part: string;
}

/** The little that is needed of a model's training summary; a model from elsewhere has none of it. */
const trainingSchema = z.object({
  recipe: z.object({ seed: z.int().min(0).max(0xffffffff), validationFraction: z.number().min(0).lt(1) }),
  data: z.object({ train: z.object({ fingerprint: z.string() }) }),
});

/** IDX files number their classes, so a model with names of its own says nothing about them. */
async function requireNumberedClasses(path: string, { classNames }: ModelFile): Promise<void> {
  if ((await findIdxPairs(path).catch(() => null)) === null) return;
  if (classNames.every((name, index) => name === String(index))) return;
  const names = classNames.slice(0, 3).join(', ');
  throw new BneckError(
    'data',
    `${path}: IDX files number their classes, while the model's have names (${names}, ...), so which is which is not known. Give class folders of these names.`,
  );
}

const TITLES: Readonly<Record<DataPart, string>> = {
  train: 'the pictures to learn from',
  validation: 'the pictures set aside for validation',
  all: 'all pictures',
};

/**
 * @param part what was asked for; left out, the validation part of data that have one or that this
 *   model was trained on, else all of it
 * @throws BneckError 'data' for data that cannot be opened or whose classes are not the model's
 */
export async function openEvaluationData(
  path: string,
  file: ModelFile,
  part: DataPart | undefined,
): Promise<EvaluationData> {
  await requireNumberedClasses(path, file);
  const training = trainingSchema.safeParse(file.training).data;
  const options = {
    classes: file.classNames,
    seed: training?.recipe.seed,
    validation: training?.recipe.validationFraction,
  };
  const open = async (wanted: DataPart | undefined) => (await openDataset(path, { ...options, part: wanted })).dataset;
  let chosen = part;
  if (chosen === undefined && training !== undefined) {
    // A class with a single picture cannot be divided, so these are not the data of the training.
    const learnt = await open('train').catch(() => null);
    if (learnt?.fingerprint === training.data.train.fingerprint) chosen = 'validation';
  }
  const dataset = await open(chosen);
  if (dataset.length === 0) {
    throw new BneckError(
      'data',
      `${path}: no pictures in this part. Ask for another: --split train, validation or all.`,
    );
  }
  return { dataset, part: chosen === undefined ? 'its pictures' : TITLES[chosen] };
}
