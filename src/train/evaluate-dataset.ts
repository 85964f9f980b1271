/**
 * Judges a network on labelled pictures: mean cross-entropy and how often the right class is among
 * the first one or five. Used after each epoch and by `bneck evaluate`. Invariant: sums are taken in
 * double precision in the order of the pictures, with bneck's own exp and log, so that equal logits
 * give equal metrics on every machine.
 */
import { assert } from '../base/errors.ts';
import { exp, log } from '../base/math.ts';
import type { BatchLoader } from '../data/loader.ts';

/**
 * Logits [count, classes] of the first `count` pictures of a batch.
 * @param pictures [N, R, R, 3] bytes
 */
export type Predict = (pictures: Uint8Array, count: number) => Promise<Float32Array>;

export interface Evaluation {
  /** Pictures judged. */
  readonly pictures: number;
  /** Mean cross-entropy in nats, without label smoothing. */
  readonly loss: number;
  /** Share of pictures whose class has the greatest logit, 0 to 1. */
  readonly top1: number;
  /** Share of pictures whose class is among the five greatest logits, 0 to 1. */
  readonly top5: number;
  readonly seconds: number;
}

/** Cross-entropy of one picture in nats: log of the sum of exp(logit), less the label's logit. */
export function crossEntropy(logits: Float32Array, label: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (!(logit <= greatest)) greatest = logit;
  let sum = 0;
  for (const logit of logits) sum += exp(logit - greatest);
  return greatest + log(sum) - (logits[label] as number);
}

/** How many classes come before the label's: 0 where it has the greatest logit. Ties go to the lower class. */
export function rankOf(logits: Float32Array, label: number): number {
  const own = logits[label] as number;
  if (Number.isNaN(own)) return logits.length;
  let before = 0;
  logits.forEach((logit, index) => {
    if (logit > own || (logit === own && index < label)) before += 1;
  });
  return before;
}

/**
 * Walks through an evaluation loader once.
 * @param onBatch called after each batch with the pictures judged so far
 * @returns null if `signal` was aborted before the end
 */
export async function evaluateDataset(
  predict: Predict,
  loader: BatchLoader,
  signal?: AbortSignal,
  onBatch?: (pictures: number) => void,
): Promise<Evaluation | null> {
  const classes = loader.dataset.classes.length;
  const start = performance.now();
  let pictures = 0;
  let lossSum = 0;
  let first = 0;
  let firstFive = 0;
  for await (const batch of loader.epoch(0)) {
    if (signal?.aborted) return null;
    const logits = await predict(batch.pictures, batch.count);
    assert(logits.length >= batch.count * classes, `${logits.length} logits for ${batch.count} pictures`);
    for (let place = 0; place < batch.count; place++) {
      const row = logits.subarray(place * classes, (place + 1) * classes);
      const label = batch.labels[place] as number;
      const rank = rankOf(row, label);
      lossSum += crossEntropy(row, label);
      if (rank < 1) first += 1;
      if (rank < 5) firstFive += 1;
    }
    pictures += batch.count;
    onBatch?.(pictures);
  }
  const seconds = (performance.now() - start) / 1000;
  return { pictures, loss: lossSum / pictures, top1: first / pictures, top5: firstFive / pictures, seconds };
}
