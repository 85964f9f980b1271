/**
 * Setting pictures aside for validation, class by class, so that both parts have the classes in
 * the same proportions. Invariant: a class's choice depends on (seed, class index, its number of
 * pictures, fraction) alone, and a class never loses its last training picture.
 */
import { BneckError } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import { classCounts, type Dataset, subset } from './dataset.ts';

export interface SplitIndices {
  /** ascending */
  readonly train: Uint32Array;
  /** ascending */
  readonly validation: Uint32Array;
}

/** @throws BneckError 'option' unless 0 <= fraction < 1 */
export function checkValidationFraction(fraction: number): void {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new BneckError(
      'option',
      `validation ${fraction}: give the share of pictures to set aside, from 0 to below 1`,
    );
  }
}

/**
 * Takes round(fraction * n) of each class's n pictures for validation: at least one if the class
 * has two, and always one fewer than it has. A fraction of 0 takes none.
 */
export function stratifiedSplit(labels: Int32Array, classCount: number, fraction: number, seed: number): SplitIndices {
  checkValidationFraction(fraction);
  const members: number[][] = Array.from({ length: classCount }, () => []);
  labels.forEach((label, index) => {
    members[label]?.push(index);
  });
  const train: number[] = [];
  const validation: number[] = [];
  members.forEach((indices, label) => {
    const least = fraction > 0 ? 1 : 0;
    const taken = Math.min(Math.max(Math.round(fraction * indices.length), least), Math.max(indices.length - 1, 0));
    const order = new RandomStream(seed, 'split', label).permutation(indices.length);
    order.forEach((place, rank) => {
      (rank < taken ? validation : train).push(indices[place] as number);
    });
  });
  return { train: Uint32Array.from(train).sort(), validation: Uint32Array.from(validation).sort() };
}

/**
 * The two parts of a data set, by `stratifiedSplit`.
 * @throws BneckError 'data' where a class has a single picture, which can't be in both parts
 */
export function splitDataset(
  dataset: Dataset,
  fraction: number,
  seed: number,
): { readonly train: Dataset; readonly validation: Dataset } {
  checkValidationFraction(fraction);
  const single = [...classCounts(dataset)].flatMap((count, label) => (count === 1 ? [dataset.classes[label]] : []));
  if (fraction > 0 && single.length > 0) {
    throw new BneckError(
      'data',
      `only 1 picture in ${single.slice(0, 5).join(', ')}${single.length > 5 ? ` and ${single.length - 5} more classes` : ''}: ` +
        'a class needs one to learn from and one to be judged by; add pictures, or give train and val folders',
    );
  }
  const { train, validation } = stratifiedSplit(dataset.labels, dataset.classes.length, fraction, seed);
  return { train: subset(dataset, train), validation: subset(dataset, validation) };
}
