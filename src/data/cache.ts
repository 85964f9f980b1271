/**
 * Keeps decoded pictures in memory, so that later epochs don't decode again. Stands between a data
 * set and the loader and looks like a data set. Invariant: what `read` gives depends on the
 * picture and `shortSide` alone; whether it came from memory changes no byte.
 */
import { BneckError } from '../base/errors.ts';
import { type Dataset, sampleSizes } from './dataset.ts';
import { Fingerprint } from './fingerprint.ts';
import { type Picture, pictureBytes } from './picture.ts';
import { reduceShortSide, shortSideSize } from './transform.ts';

export interface CacheOptions {
  /** 'auto' keeps pictures if their estimated size fits `limitBytes`, 'memory' always, 'none' never; 'auto' by default */
  readonly mode?: 'auto' | 'memory' | 'none' | undefined;
  /** decoded bytes that 'auto' may keep; 1 GiB by default */
  readonly limitBytes?: number | undefined;
  /** reduce larger pictures so that their short side is this many pixels, in every mode */
  readonly shortSide?: number | undefined;
}

export interface CachedDataset extends Dataset {
  /** whether pictures are kept */
  readonly keeps: boolean;
  /** decoded bytes kept so far */
  readonly keptBytes: number;
}

export const DEFAULT_CACHE_LIMIT_BYTES = 2 ** 30;

/** Decoded bytes of the whole data set, from the sizes of up to 64 of its pictures. */
export async function estimateBytes(dataset: Dataset, shortSide?: number): Promise<number> {
  const sizes = await sampleSizes(dataset);
  let sum = 0;
  for (const size of sizes) {
    const reduced = shortSide !== undefined && Math.min(size.width, size.height) > shortSide;
    sum += pictureBytes(reduced ? shortSideSize(size, shortSide) : size);
  }
  return (sum / sizes.length) * dataset.length;
}

/** Wraps a data set so that its pictures are decoded once, if they fit; see `CacheOptions`. */
export async function cached(dataset: Dataset, options: CacheOptions = {}): Promise<CachedDataset> {
  const { mode = 'auto', limitBytes = DEFAULT_CACHE_LIMIT_BYTES, shortSide } = options;
  if (shortSide !== undefined && !(Number.isInteger(shortSide) && shortSide >= 1)) {
    throw new BneckError('option', `shortSide ${shortSide}: give a whole number of pixels, at least 1`);
  }
  let keeps = mode === 'memory';
  if (mode === 'auto' && !(dataset.inMemory && shortSide === undefined) && dataset.length > 0) {
    keeps = (await estimateBytes(dataset, shortSide)) <= limitBytes;
  }
  const kept: (Picture | undefined)[] = new Array(keeps ? dataset.length : 0);
  let keptBytes = 0;

  const load = async (index: number): Promise<Picture> => reduceShortSide(await dataset.read(index), shortSide);
  const read = async (index: number): Promise<Picture> => {
    const found = kept[index];
    if (found !== undefined) return found;
    const picture = await load(index);
    // The estimate may have been low; 'auto' still never keeps more than it may.
    const fits = mode === 'memory' || keptBytes + pictureBytes(picture) <= limitBytes;
    if (keeps && fits && kept[index] === undefined) {
      kept[index] = picture;
      keptBytes += pictureBytes(picture);
    }
    return picture;
  };
  const fingerprint =
    shortSide === undefined
      ? dataset.fingerprint
      : new Fingerprint().addText(dataset.fingerprint).addIntegers([shortSide]).digest();
  const { size } = dataset;
  return {
    classes: dataset.classes,
    length: dataset.length,
    labels: dataset.labels,
    fingerprint,
    ...(dataset.inMemory === undefined ? {} : { inMemory: dataset.inMemory }),
    name: (index) => dataset.name(index),
    read,
    ...(size === undefined || shortSide !== undefined ? {} : { size: (index: number) => size.call(dataset, index) }),
    keeps,
    get keptBytes() {
      return keptBytes;
    },
  };
}
