/**
 * Pictures that are in the training part and in the validation part: a network that has learnt a picture by heart
 * looks better than it is. Files are compared by their bytes, pictures in memory by their pixels, both by SHA-256.
 * Only files of equal size are read, for no others can be equal. The outcome doesn't depend on the order of reading.
 */
import { createHash } from 'node:crypto';
import { BneckError } from '../base/errors.ts';
import { giveOthersATurn, Limiter } from './concurrency.ts';
import type { Dataset } from './dataset.ts';

/** Numbers of pictures that are the same. */
export interface Duplicate {
  readonly train: number;
  /** the first of them, where there are several */
  readonly validation: number;
}

export interface DuplicateSearch {
  /** pictures looked at, and how many there are to look at */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

const READS_AT_ONCE = 8;

/** The mark of a picture; null for one that cannot be read, which is told elsewhere. */
async function markOf(dataset: Dataset, index: number, byFile: boolean): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    if (byFile) return hash.update((await dataset.file?.(index).read()) ?? '').digest('base64');
    const { width, height, data } = await dataset.read(index);
    return hash.update(`${width}x${height}:`).update(data).digest('base64');
  } catch (error) {
    if (error instanceof BneckError && error.code === 'image') return null;
    throw error;
  }
}

/** The numbers of the pictures that could have an equal in the other part. */
function candidates(dataset: Dataset, other: Dataset, byFile: boolean): number[] {
  const all = Array.from({ length: dataset.length }, (_, index) => index);
  if (!byFile) return all;
  const sizes = new Set(Array.from({ length: other.length }, (_, index) => other.file?.(index).bytes));
  return all.filter((index) => sizes.has(dataset.file?.(index).bytes));
}

/** Finds the training pictures that are in the validation part too, in ascending order. */
export async function findDuplicates(
  train: Dataset,
  validation: Dataset,
  { onProgress }: DuplicateSearch = {},
): Promise<Duplicate[]> {
  const byFile = train.file !== undefined && validation.file !== undefined;
  const [trainNumbers, validationNumbers] = [
    candidates(train, validation, byFile),
    candidates(validation, train, byFile),
  ];
  const limiter = new Limiter(READS_AT_ONCE);
  const total = trainNumbers.length + validationNumbers.length;
  let done = 0;
  const mark = (dataset: Dataset) => (index: number) =>
    limiter.run(async () => {
      const found = await markOf(dataset, index, byFile);
      done += 1;
      onProgress?.(done, total);
      await giveOthersATurn();
      return found;
    });
  const validationMarks = await Promise.all(validationNumbers.map(mark(validation)));
  const firsts = new Map<string, number>();
  validationMarks.forEach((found, place) => {
    if (found !== null && !firsts.has(found)) firsts.set(found, validationNumbers[place] as number);
  });
  const trainMarks = await Promise.all(trainNumbers.map(mark(train)));
  return trainMarks.flatMap((found, place) => {
    const same = found === null ? undefined : firsts.get(found);
    return same === undefined ? [] : [{ train: trainNumbers[place] as number, validation: same }];
  });
}
