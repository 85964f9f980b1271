/**
 * What a model says about all pictures of a data set, kept: metrics by class need every answer. With
 * `flip` each picture is asked about twice, as it is and mirrored, and the probabilities are averaged.
 */
import { assert, BneckError } from '../../base/errors.ts';
import { exp, log, sumOfExponentials } from '../../base/math.ts';
import type { BatchLoader } from '../../data/loader.ts';
import { makePicture } from '../../data/picture.ts';
import { flipHorizontal } from '../../data/transform.ts';
import type { Predict } from '../../train/evaluate-dataset.ts';

export interface CollectedLogits {
  /** [N] */
  readonly labels: Int32Array;
  /** [N, K]; with `flip` the logs of the mean probabilities, which are logits too. */
  readonly logits: Float32Array;
  /** All of it, reading the pictures included. */
  readonly seconds: number;
}

/** Logits of all pictures: a gigabyte. */
const MOST_LOGITS = 2 ** 28;

/** The first `count` pictures of a batch, left and right exchanged. */
function mirrored(pictures: Uint8Array, count: number, resolution: number): Uint8Array {
  const bytes = resolution * resolution * 3;
  const result = new Uint8Array(pictures.length);
  for (let start = 0; start < count * bytes; start += bytes) {
    const picture = makePicture(resolution, resolution, pictures.subarray(start, start + bytes));
    result.set(flipHorizontal(picture).data, start);
  }
  return result;
}

/** log of the softmax of one picture's logits, in double precision. */
function logSoftmax(logits: Float32Array): Float64Array {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) greatest = Math.max(greatest, logit);
  const normalizer = greatest + log(sumOfExponentials(logits, greatest));
  return Float64Array.from(logits, (logit) => logit - normalizer);
}

/**
 * log of the mean of two softmaxes, class by class: logits whose softmax is that mean. Finite where the logits are.
 * @param some logits of N pictures, [N, K]
 * @param others as many
 */
export function meanProbabilityLogits(some: Float32Array, others: Float32Array, classes: number): Float32Array {
  assert(some.length === others.length && some.length % classes === 0, `${some.length} and ${others.length} logits`);
  const result = new Float32Array(some.length);
  for (let start = 0; start < some.length; start += classes) {
    const one = logSoftmax(some.subarray(start, start + classes));
    const other = logSoftmax(others.subarray(start, start + classes));
    for (let index = 0; index < classes; index++) {
      const [a, b] = [one[index] as number, other[index] as number];
      const greater = Math.max(a, b);
      result[start + index] = greater + log((exp(a - greater) + exp(b - greater)) / 2);
    }
  }
  return result;
}

/**
 * Walks through an evaluation loader once.
 * @param onBatch called after each batch with the pictures asked about so far
 * @throws BneckError 'memory' for more answers than can be kept
 */
export async function collectLogits(
  predict: Predict,
  loader: BatchLoader,
  flip: boolean,
  onBatch?: (pictures: number) => void,
): Promise<CollectedLogits> {
  const { length, classes: names } = loader.dataset;
  const classes = names.length;
  if (length * classes > MOST_LOGITS) {
    throw new BneckError(
      'memory',
      `${length} pictures of ${classes} classes are too many to judge at once. Divide them.`,
    );
  }
  const start = performance.now();
  const labels = new Int32Array(length);
  const logits = new Float32Array(length * classes);
  let pictures = 0;
  for await (const batch of loader.epoch(0)) {
    const { count } = batch;
    let answers = (await predict(batch.pictures, count)).subarray(0, count * classes);
    assert(answers.length === count * classes, `${answers.length} logits for ${count} pictures`);
    if (flip) {
      const others = await predict(mirrored(batch.pictures, count, loader.resolution), count);
      answers = meanProbabilityLogits(answers, others.subarray(0, count * classes), classes);
    }
    logits.set(answers, pictures * classes);
    labels.set(batch.labels.subarray(0, count), pictures);
    pictures += count;
    onBatch?.(pictures);
  }
  const seconds = (performance.now() - start) / 1000;
  return { labels: labels.subarray(0, pictures), logits: logits.subarray(0, pictures * classes), seconds };
}
