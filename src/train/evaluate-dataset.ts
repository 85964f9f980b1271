/**
 * Judges a network on labelled pictures: mean cross-entropy and how often the right class is among
 * the first one or five. Used after each epoch and by `bneck evaluate`. Invariant: sums are taken in
 * double precision in the order of the pictures, with bneck's own exp and log, so that equal logits
 * give equal metrics on every machine.
 */
import { assert } from '../base/errors.ts';
import type { BatchLoader } from '../data/loader.ts';
import { crossEntropy, rankOf } from '../report/logits.ts';

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
