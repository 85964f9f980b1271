/**
 * The pictures to judge a model on. A model remembers how its data were divided, so that the very
 * folder it was trained on gives the pictures that it did not learn from, unless told otherwise.
 * Invariant: labels follow the model's class names, or, where its weights came without any, the order
 * of the class folders, which is that of the scripts such weights come from.
 */
import { z } from 'zod';
import { BneckError } from '../base/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { findIdxPairs } from '../data/idx.node.ts';
import { type DataPart, openDataset } from '../data/open-data.node.ts';
import { IMAGENET_CLASSES } from '../model/imagenet-classes.ts';
import type { ModelFile } from '../model/model-file.ts';

export interface EvaluationData {
  readonly dataset: Dataset;
  /** What the pictures are, for people. */
  readonly part: string;
  /** What had to be assumed. */
  readonly notes: readonly string[];
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

const sameNames = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((name, at) => name === others[at]);

/** Bare weights: their classes were numbered, or taken for ImageNet's, when they were read. */
function lacksNames({ classNames, training }: ModelFile): boolean {
  if (training !== null) return false;
  return classNames.every((name, at) => name === String(at)) || sameNames(classNames, IMAGENET_CLASSES);
}

/** The class folders in the order of a nameless model's outputs, or null where the model's own names are used. */
async function foldersAsClasses(path: string, file: ModelFile, part: DataPart | undefined) {
  if (!lacksNames(file) || (await findIdxPairs(path).catch(() => null)) !== null) return null;
  const { classes } = (await openDataset(path, { part })).dataset;
  if (classes.some((name) => file.classNames.includes(name))) return null;
  if (classes.length === file.classNames.length) return classes;
  const found = `${classes.length} class folders for weights of ${file.classNames.length} classes without names`;
  throw new BneckError('data', `${path}: ${found}. Give a folder for each class, in the order of the classes.`);
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
  const folders = await foldersAsClasses(path, file, part);
  const options = {
    classes: folders ?? file.classNames,
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
  const notes = folders === null ? [] : ['the class folders, in their order, are taken for the classes of the weights'];
  return { dataset, part: chosen === undefined ? 'its pictures' : TITLES[chosen], notes };
}
