/**
 * What stands at a path, in the parts it comes in, before anything is set aside: the common outcome of all readers of
 * data. Divided further here, for training or for evaluation. Invariant: all parts have the same class names, and no
 * part is empty.
 */
import { BneckError } from '../base/errors.ts';
import type { DataKind, DataSource, Dataset } from './dataset.ts';
import { listed } from './name-list.ts';
import type { PartName } from './part-names.ts';
import { checkValidationFraction, splitDataset } from './split.ts';

/** Share of each class set aside for validation where the data don't say. */
export const DEFAULT_VALIDATION_FRACTION = 0.2;

export interface DataOptions {
  /** share of each class to set aside where the data have no validation part, 0 to below 1; 0.2 by default */
  readonly validation?: number | undefined;
  /** decides which pictures are set aside; 0 by default */
  readonly seed?: number | undefined;
  /** class names in label order: each class of the data must be among them; where data number their classes, a name for each */
  readonly classes?: readonly string[] | undefined;
  /** refuses data that number their classes where `classes` have names, which then say nothing about the numbers */
  readonly namedOnly?: boolean | undefined;
  /** pixels; larger pictures are refused, see decode.node.ts */
  readonly pixelLimit?: number | undefined;
  /** the folder that paths in a CSV file start from; that of the file by default */
  readonly root?: string | undefined;
  /** whether a CSV file may name pictures outside of the root; false by default */
  readonly allowOutside?: boolean | undefined;
}

export interface FoundData {
  readonly kind: DataKind;
  readonly path: string;
  readonly classes: readonly string[];
  /** at least one; where there is `whole` there is no other */
  readonly parts: Readonly<Partial<Record<PartName | 'whole', Dataset>>>;
  /** whether the data number their classes, so that no name says which is which */
  readonly numbered: boolean;
  /** files that were passed over: hidden, or not pictures */
  readonly ignored: number;
  /** what had to be assumed, a line each */
  readonly notes: readonly string[];
}

/** The pictures that judge the network while it learns, where the data bring them: their test part, if no other. */
function ownValidation({ parts }: FoundData): Dataset | undefined {
  return parts.validation ?? parts.test;
}

/** What has no division of its own. */
function undivided({ parts }: FoundData): Dataset | undefined {
  return parts.whole ?? (parts.validation === undefined && parts.test === undefined ? parts.train : undefined);
}

function requireTrainable({ path, kind, classes, parts }: FoundData): void {
  const train = parts.train ?? parts.whole;
  if (train === undefined) {
    const found = parts.validation === undefined ? 'test' : 'validation';
    throw new BneckError('data', `${path}: there is a ${found} part but no train part; add one to learn from`);
  }
  if (classes.length < 2) {
    const what = kind === 'class-folders' ? 'add a folder of pictures for each other class' : 'add pictures of others';
    const one = `only one class (${classes[0]})`;
    throw new BneckError('data', `${path}: ${one}; ${what}, at least two are needed to tell apart`);
  }
  // Classes that are given by a format may be absent from a part of its data.
  if (kind !== 'class-folders' && kind !== 'csv') return;
  const learnt = new Set(train.labels);
  const missing = classes.filter((_, label) => !learnt.has(label));
  if (missing.length > 0) {
    const found = `no training pictures of ${listed(missing)}`;
    throw new BneckError('data', `${path}: ${found}; add some, or take the name out of the classes`);
  }
}

/**
 * Data to train on: their own parts, or one set aside class by class.
 * @throws BneckError 'data' where there is nothing to learn from, fewer than two classes, or a class without pictures
 */
export function divideData(found: FoundData, options: DataOptions = {}): DataSource {
  const fraction = options.validation ?? DEFAULT_VALIDATION_FRACTION;
  checkValidationFraction(fraction);
  requireTrainable(found);
  const { kind, path, classes, ignored, notes } = found;
  const validation = ownValidation(found);
  const divided = validation !== undefined;
  const train = (found.parts.train ?? found.parts.whole) as Dataset;
  const parts = divided ? { train, validation } : splitDataset(train, fraction, options.seed ?? 0);
  return { kind, path, classes, ...parts, divided, ignored, notes };
}

export type DataPart = PartName | 'all';

/**
 * One part of the data, as one data set. Undivided data are taken whole, or divided as training does.
 * @param part by default the validation part of data that have one of their own, else all of it
 * @throws BneckError 'option' for a part that is not there
 */
export function partOf(found: FoundData, part: DataPart | undefined, options: DataOptions = {}): Dataset {
  const { parts, path } = found;
  const whole = undivided(found);
  if (whole !== undefined) {
    if (part === undefined || part === 'all') return whole;
    if (part === 'test') throw missingPart(path, part, 'train and validation, which are set aside, or all');
    const fraction = options.validation ?? DEFAULT_VALIDATION_FRACTION;
    return splitDataset(whole, fraction, options.seed ?? 0)[part];
  }
  const there = Object.keys(parts);
  const validation = ownValidation(found);
  if (part === 'all' && there.length > 1) {
    const message = `${path}: has parts of its own (${there.join(', ')}); ask for one of them, not for all`;
    throw new BneckError('option', message);
  }
  const chosen =
    part === 'validation'
      ? validation
      : part === undefined || part === 'all'
        ? (validation ?? parts.train)
        : parts[part];
  if (chosen === undefined) throw missingPart(path, part as DataPart, there.join(', '));
  return chosen;
}

function missingPart(path: string, part: DataPart, there: string): BneckError {
  return new BneckError('option', `${path}: there is no ${part} part; ask for another: ${there}`);
}
