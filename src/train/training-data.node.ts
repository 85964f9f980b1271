/**
 * The data of a run: opened, searched for pictures that are in both parts, measured, and wrapped so that pictures are
 * decoded once. Stands between `data` and the trainer. Invariant: caches and the threads they use change no byte of a
 * picture; what could (the reduced size of large training pictures) is in the recipe.
 */
import { join, resolve } from 'node:path';
import { defaultCacheFolder } from '../base/cache-folder.node.ts';
import { BneckError } from '../base/errors.ts';
import { cached } from '../data/cache.ts';
import { classCounts, type DataSource, type Dataset, pictureSize } from '../data/dataset.ts';
import { diskCached } from '../data/disk-cache.node.ts';
import { DEFAULT_VALIDATION_FRACTION } from '../data/found-data.ts';
import { openData } from '../data/open-data.node.ts';
import { settleDuplicates } from '../data/settle-duplicates.node.ts';
import { type DataOpening, PLAIN_OPENING } from './data-record.ts';
import type { TrainingObserver } from './observer.ts';
import type { DataFacts, Recipe } from './recipe.ts';
import type { TrainOptions } from './train-options.ts';

export interface TrainingData {
  readonly source: DataSource;
  readonly opening: DataOpening;
  readonly facts: DataFacts;
  /** What was assumed and found, a line each. */
  readonly notes: readonly string[];
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

/** How a new run opens its data. @throws BneckError 'option' for what open data have settled already */
export function chooseOpening(where: string | DataSource, options: TrainOptions): DataOpening {
  const { classes, root, allowOutside, duplicates = PLAIN_OPENING.duplicates } = options;
  if (typeof where === 'string') {
    const folder = root === undefined ? null : resolve(root);
    return { classes: classes ?? null, root: folder, allowOutside: allowOutside ?? false, duplicates };
  }
  for (const [name, value] of Object.entries({ classes, root, allowOutside })) {
    if (value !== undefined) throw new BneckError('option', `${name}: the data are open already. Leave it out.`);
  }
  return { ...PLAIN_OPENING, duplicates };
}

export interface OpenTrainingOptions {
  /** The share of each class to set aside, for data without a validation part. */
  readonly validation?: number | undefined;
  readonly seed: number;
  readonly opening?: DataOpening;
  /** Whether pictures in both parts are looked for; false by default. */
  readonly compare?: boolean;
  readonly observer?: TrainingObserver | undefined;
}

/** @throws BneckError 'data' for data that cannot be trained on */
export async function openTrainingData(
  where: string | DataSource,
  { validation, seed, opening = PLAIN_OPENING, compare = false, observer }: OpenTrainingOptions,
): Promise<TrainingData> {
  const { classes, root, allowOutside, duplicates } = opening;
  const options = { validation, seed, classes: classes ?? undefined, root: root ?? undefined, allowOutside };
  const found = typeof where === 'string' ? await openData(where, options) : where;
  const onProgress = (done: number, total: number) => observer?.preparing?.({ task: 'comparing', done, total });
  const settled = compare ? await settleDuplicates(found, duplicates, { onProgress }) : { source: found, note: null };
  const { source, note } = settled;
  const facts: DataFacts = {
    classNames: source.classes,
    classCounts: [...classCounts(source.train)],
    trainPictures: source.train.length,
    validationPictures: source.validation.length,
    validationFraction: validation ?? DEFAULT_VALIDATION_FRACTION,
    medianShortSide: await pictureSize(source.train),
  };
  return { source, opening, facts, notes: [...(source.notes ?? []), ...(note === null ? [] : [note])] };
}

/** Where data are, for the day a run is resumed from another folder. */
export function dataPath(source: DataSource): string {
  return resolve(source.path);
}

type KeepOptions = Pick<TrainOptions, 'cache' | 'observer' | 'signal'>;

export interface KeptParts {
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Lets the caches go, when nothing is being read. */
  close(): Promise<void>;
}

/** Both parts, with decoded pictures in the cache on the disk, and in memory as well where they are few; or neither. */
export async function cachedParts(
  { source, facts }: TrainingData,
  recipe: Recipe,
  { cache, observer, signal }: KeepOptions,
): Promise<KeptParts> {
  const { resize } = recipe.preprocessing;
  const trainSide = recipe.trainShortSide ?? undefined;
  // Reducing to exactly the side that preprocessing asks for leaves its outcome as it is.
  const validationSide = facts.medianShortSide > resize ? resize : undefined;
  const closers: (() => Promise<void>)[] = [];
  const folder = cache || join(defaultCacheFolder(), 'pictures');
  const onProgress = (done: number, total: number) => observer?.preparing?.({ task: 'decoding', done, total });
  const onNote = (note: string) => observer?.noted?.(note);
  const keep = async (dataset: Dataset, shortSide: number | undefined): Promise<Dataset> => {
    if (cache === false) return cached(dataset, { mode: 'none', shortSide });
    // Without files of their own, pictures are in memory or nobody knows when they change.
    if (dataset.file === undefined) return cached(dataset, { shortSide });
    const kept = await diskCached(dataset, { folder, shortSide, onProgress, onNote, signal });
    if (kept === null) return cached(dataset, { shortSide });
    closers.push(kept.close);
    return cached(kept.dataset);
  };
  const [train, validation] = [await keep(source.train, trainSide), await keep(source.validation, validationSide)];
  const close = async () => {
    for (const closeOne of closers) await closeOne();
  };
  return { train, validation, close };
}
