/**
 * Updates of the whole network, from a loader's batches of pictures: mixed where the recipe says so, and
 * several to an update where gradients are accumulated. Invariant: what a batch becomes depends on the
 * recipe and its place in the epoch alone.
 */
import { assert } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import type { Batch, BatchLoader } from '../data/loader.ts';
import { mixBatch } from './mix-batch.ts';
import type { Recipe } from './recipe.ts';
import type { Session } from './session.ts';
import type { BatchLabels } from './targets.ts';
import type { EpochWalk, TrainedBatch, Updates } from './update.ts';

/** A batch's labels; where the recipe says so, after its pictures have been mixed. */
function mixedLabels(
  { pictures, labels }: Batch,
  { mixing, seed, preprocessing }: Recipe,
  epoch: number,
  place: number,
) {
  if (mixing === null) return labels;
  return mixBatch(pictures, labels, mixing, preprocessing.resolution, new RandomStream(seed, 'mix', epoch, place));
}

/** Batches at the end of the epoch that make no whole update are dropped, as partial batches are. */
export async function* pictureUpdates(
  session: Session,
  loader: BatchLoader,
  recipe: Recipe,
  { epoch, firstStep, steps, learningRate }: EpochWalk,
): Updates {
  const { accumulate } = recipe;
  const firstBatch = firstStep * accumulate;
  let place = firstBatch;
  let done: TrainedBatch[] = [];
  if (firstStep === steps) return;
  for await (const batch of loader.epoch(epoch, { firstBatch })) {
    assert(batch.count === session.batch, `a training batch of ${batch.count} pictures`);
    const labels: BatchLabels = mixedLabels(batch, recipe, epoch, place);
    const step = Math.floor(place / accumulate);
    const last = (place + 1) % accumulate === 0;
    const result = last
      ? await session.step(batch.pictures, labels, learningRate(step))
      : await session.accumulate(batch.pictures, labels);
    done.push({ ...result, labels });
    place += 1;
    if (!last) continue;
    yield done;
    done = [];
    if (step + 1 === steps) return;
  }
}
