/**
 * One way in: a path to data. Tells class folders from IDX files and opens either, for training
 * (`openData`) or as one data set to evaluate on (`openDataset`). Invariant: a path that can't be
 * used is explained by name, with the nearest name that does exist where there is one.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { nearestName } from '../base/nearest-name.ts';
import type { DataSource, Dataset } from './dataset.ts';
import { isPictureName } from './decode.node.ts';
import { findIdxPairs, idxFolder, idxParts } from './idx.node.ts';
import {
  classFolder,
  type DataOptions,
  DEFAULT_VALIDATION_FRACTION,
  folderLayout,
  imageFolder,
  type LabelledFolder,
} from './image-folder.node.ts';
import { entryKind, entryNames } from './list-pictures.node.ts';
import { splitDataset } from './split.ts';

/** @throws BneckError 'data' unless the path is a folder */
async function requireFolder(path: string): Promise<void> {
  const entry = await entryKind(path);
  if (entry?.kind === 'folder') return;
  if (entry !== null) {
    const what = isPictureName(path) ? 'a picture' : 'a file';
    throw new BneckError('data', `${path}: is ${what}; give the folder that holds the data`);
  }
  // The first part of the path that isn't there, and what stands beside it.
  let missing = resolve(path);
  while (dirname(missing) !== missing && (await entryKind(dirname(missing))) === null) missing = dirname(missing);
  const siblings = await entryNames(dirname(missing)).catch(() => []);
  const near = nearestName(basename(missing), siblings);
  const where = missing === resolve(path) ? '' : ` (${missing} is missing)`;
  const remedy = near === null ? 'check the path' : `did you mean ${join(dirname(missing), near)}?`;
  throw new BneckError('data', `${path}: there is no such folder${where}; ${remedy}`);
}

/**
 * Opens a folder for training: class folders (split, or to be split) or IDX files.
 * @throws BneckError 'data' with the path, what is wrong and what to do
 */
export async function openData(path: string, options: DataOptions = {}): Promise<DataSource> {
  await requireFolder(path);
  return (await findIdxPairs(path)) === null ? imageFolder(path, options) : idxFolder(path, options);
}

export type DataPart = 'train' | 'validation' | 'all';

export interface DatasetOptions extends DataOptions {
  /** which part; by default the validation part of data that have one of their own, else all of it */
  readonly part?: DataPart | undefined;
}

/** Data without a part of their own for validation: whole, or one side of the split that training makes. */
function partOf(dataset: Dataset, part: DataPart | undefined, options: DataOptions): Dataset {
  if (part === undefined || part === 'all') return dataset;
  const fraction = options.validation ?? DEFAULT_VALIDATION_FRACTION;
  return splitDataset(dataset, fraction, options.seed ?? 0)[part];
}

/**
 * Opens a folder as one data set, e.g. to evaluate a model. With `classes` (a model's labels) the
 * labels follow that list and classes may be absent; one class is enough.
 * @throws BneckError 'data' with the path, what is wrong and what to do
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<LabelledFolder> {
  await requireFolder(path);
  const { part } = options;
  const idx = await idxParts(path, options);
  if (idx !== null) {
    const { train, validation } = idx;
    if (train !== undefined && validation !== undefined) {
      if (part === 'all') throw allOfTwo(path);
      return { dataset: part === 'train' ? train : validation, ignored: 0 };
    }
    return { dataset: partOf((train ?? validation) as Dataset, part, options), ignored: 0 };
  }
  const layout = await folderLayout(path);
  if (layout.kind === 'split') {
    if (part === 'all') throw allOfTwo(path);
    return classFolder(part === 'train' ? layout.train : layout.validation, options);
  }
  const { dataset, ignored } = await classFolder(layout.root, options);
  return { dataset: partOf(dataset, part, options), ignored };
}

function allOfTwo(path: string): BneckError {
  return new BneckError('option', `${path}: has a train and a validation part; ask for one of them, not for all`);
}
