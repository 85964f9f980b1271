/**
 * The pictures to judge a model on. A model remembers how its data were divided, so that the very
 * folder it was trained on gives the pictures that it did not learn from, unless told otherwise.
 * Invariant: labels follow the model's class names, or, where its weights came without any, the order
 * of the class folders, which is that of the scripts such weights come from.
 */
import { z } from 'zod';
import { BneckError } from '../base/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { type DataOptions, type DataPart, type FoundData, partOf } from '../data/found-data.ts';
import { listed } from '../data/name-list.ts';
import { findData } from '../data/open-data.node.ts';
import { IMAGENET_CLASSES } from '../model/imagenet-classes.ts';
import type { ModelFile } from '../model/model-file.ts';
import type { DataReading } from './data-options.ts';

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

const sameNames = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((name, at) => name === others[at]);

/** Bare weights: their classes were numbered, or taken for ImageNet's, when they were read. */
function lacksNames(classNames: readonly string[], training: ModelFile['training']): boolean {
  if (training !== null) return false;
  return classNames.every((name, at) => name === String(at)) || sameNames(classNames, IMAGENET_CLASSES);
}

/** @throws BneckError 'data' with what differs between a classes file and a model */
function requireSame(given: readonly string[], own: readonly string[]): void {
  if (sameNames(given, own)) return;
  const [missing, extra] = [own.filter((name) => !given.includes(name)), given.filter((name) => !own.includes(name))];
  const differences: string[] = [];
  if (given.length !== own.length) differences.push(`${given.length} names for ${own.length} classes`);
  if (missing.length > 0) differences.push(`only in the model: ${listed(missing)}`);
  if (extra.length > 0) differences.push(`only in the file: ${listed(extra)}`);
  const at = own.findIndex((name, index) => name !== given[index]);
  if (differences.length === 0) differences.push(`class ${at} is ${own[at]} in the model and ${given[at]} in the file`);
  throw new BneckError(
    'data',
    `The classes file is not the model's: ${differences.join('; ')}. Give the model's own, or none.`,
  );
}

/** The data with the labels of the model's outputs, and what was assumed for that. */
async function findForModel(
  path: string,
  { classNames, training }: ModelFile,
  options: DataOptions,
): Promise<{ readonly found: FoundData; readonly notes: readonly string[] }> {
  const isNameless = lacksNames(classNames, training);
  if (options.classes !== undefined) {
    if (!isNameless || options.classes.length !== classNames.length) requireSame(options.classes, classNames);
    return { found: await findData(path, options), notes: [] };
  }
  const named = { ...options, classes: classNames, namedOnly: true };
  if (!isNameless) return { found: await findData(path, named), notes: [] };
  const found = await findData(path, options);
  if (found.numbered || found.classes.some((name) => classNames.includes(name))) {
    return { found: await findData(path, named), notes: [] };
  }
  const what = found.kind === 'class-folders' ? 'class folders' : 'classes of the data';
  if (found.classes.length === classNames.length) {
    return { found, notes: [`the ${what}, in their order, are taken for the classes of the weights`] };
  }
  const message = `${found.classes.length} ${what} for weights of ${classNames.length} classes without names`;
  throw new BneckError('data', `${path}: ${message}. Give pictures of each class, in the order of the classes.`);
}

const TITLES: Readonly<Record<DataPart, string>> = {
  train: 'the pictures to learn from',
  validation: 'the pictures set aside for validation',
  test: 'the pictures of the test part',
  all: 'all pictures',
};

/**
 * @param part what was asked for; left out, the validation part of data that have one or that this
 *   model was trained on, else all of it
 * @param reading how the data are to be read
 * @throws BneckError 'data' for data that cannot be opened or whose classes are not the model's
 */
export async function openEvaluationData(
  path: string,
  file: ModelFile,
  part: DataPart | undefined,
  reading: DataReading,
): Promise<EvaluationData> {
  const training = trainingSchema.safeParse(file.training).data;
  const options = { ...reading, seed: training?.recipe.seed, validation: training?.recipe.validationFraction };
  const { found, notes } = await findForModel(path, file, options);
  let chosen = part;
  if (chosen === undefined && training !== undefined) {
    const learnt = learntFrom(found, options);
    if (learnt === training.data.train.fingerprint) chosen = 'validation';
  }
  const dataset = partOf(found, chosen, options);
  if (dataset.length === 0) {
    throw new BneckError('data', `${path}: no pictures in this part. Ask for another with --split.`);
  }
  return { dataset, part: chosen === undefined ? 'its pictures' : TITLES[chosen], notes: [...found.notes, ...notes] };
}

/** The fingerprint of what training would learn from; null where a class with a single picture cannot be divided. */
function learntFrom(found: FoundData, options: DataOptions): string | null {
  try {
    return partOf(found, 'train', options).fingerprint;
  } catch {
    return null;
  }
}
