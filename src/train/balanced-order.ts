/**
 * The order of an epoch in which every class comes equally often, whatever the numbers of its pictures.
 * An epoch stays as long as the data set: pictures of rare classes come several times, those of common
 * ones take turns from epoch to epoch. Invariant: a function of labels, seed and epoch alone.
 */
import { RandomStream } from '../base/random.ts';

/** `length` entries of `indices`: all of them in random order, again and again; repetition r of a picture is index + r * total. */
function drawn(indices: readonly number[], length: number, total: number, stream: RandomStream): number[] {
  const result: number[] = [];
  for (let repetition = 0; result.length < length; repetition++) {
    for (const place of stream.permutation(indices.length)) {
      if (result.length === length) break;
      result.push((indices[place] as number) + repetition * total);
    }
  }
  return result;
}

/**
 * Pictures by number, as many as there are, in the form that BatchLoader's `order` takes: number + r * N
 * is repetition r of a picture, with random changes of its own.
 * @param labels [N] class indices
 */
export function balancedOrder(labels: Int32Array, classes: number, seed: number, epoch: number): Float64Array {
  const byClass = Array.from({ length: classes }, (): number[] => []);
  labels.forEach((label, index) => {
    byClass[label]?.push(index);
  });
  const present = byClass.filter((indices) => indices.length > 0);
  const stream = new RandomStream(seed, 'sample', epoch);
  // Where the classes do not go into the length, some come once more: others in each epoch.
  const turns = stream.permutation(present.length);
  const chosen = present.flatMap((indices, place) => {
    const length = Math.floor((labels.length + (turns[place] as number)) / present.length);
    return drawn(indices, length, labels.length, stream);
  });
  const order = new RandomStream(seed, 'order', epoch).permutation(labels.length);
  return Float64Array.from(order, (place) => chosen[place] as number);
}
