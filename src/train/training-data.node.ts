/**
 * The data of a run: opened, measured, and wrapped so that pictures are decoded once where memory
 * allows. Stands between `data` and the trainer. Invariant: caching and the threads it uses change
 * no byte of a picture; what could (the reduced size of large training pictures) is in the recipe.
 */
import { resolve } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { type CacheOptions, cached } from '../data/cache.ts';
import { classCounts, type DataSource, type Dataset, pictureSize } from '../data/dataset.ts';
import { DEFAULT_VALIDATION_FRACTION } from '../data/found-data.ts';
import { openData } from '../data/open-data.node.ts';
import type { DataFacts, Recipe } from './recipe.ts';

export type CacheMode = NonNullable<CacheOptions['mode']>;

export interface TrainingData {
  readonly source: DataSource;
  readonly facts: DataFacts;
}

/**
 * @param where a path, or data that are open already
 * @throws BneckError 'option' for a share to set aside of data that have a validation part already
 */
export function refuseSecondValidation(where: string | DataSource, source: DataSource, validation: number): void {
  const open = typeof where !== 'string';
  if (!open && source.divided !== true) return;
  const reason = open ? 'the data are open and divided already' : 'the data have a validation part of their own';
  throw new BneckError('option', `validation ${validation}: ${reason}. Leave it out.`);
}

/**
 * @param validation the share of each class to set aside, for data without a validation part
 * @throws BneckError 'data' for data that cannot be trained on
 */
export async function openTrainingData(
  where: string | DataSource,
  { validation, seed }: { readonly validation?: number | undefined; readonly seed: number },
): Promise<TrainingData> {
  const source = typeof where === 'string' ? await openData(where, { validation, seed }) : where;
  const facts: DataFacts = {
    classNames: source.classes,
    classCounts: [...classCounts(source.train)],
    trainPictures: source.train.length,
    validationPictures: source.validation.length,
    validationFraction: validation ?? DEFAULT_VALIDATION_FRACTION,
    medianShortSide: await pictureSize(source.train),
  };
  return { source, facts };
}

/** Where data are, for the day a run is resumed from another folder. */
export function dataPath(source: DataSource): string {
  return resolve(source.path);
}

/** Both parts with decoded pictures kept in memory as `mode` says. */
export async function cachedParts(
  { source, facts }: TrainingData,
  recipe: Recipe,
  mode: CacheMode,
): Promise<{ readonly train: Dataset; readonly validation: Dataset }> {
  const { resize } = recipe.preprocessing;
  const trainSide = recipe.trainShortSide ?? undefined;
  // Reducing to exactly the side that preprocessing asks for leaves its outcome as it is.
  const validationSide = facts.medianShortSide > resize ? resize : undefined;
  return {
    train: await cached(source.train, { mode, shortSide: trainSide }),
    validation: await cached(source.validation, { mode, shortSide: validationSide }),
  };
}
