/** Updates of the head alone, from features that were computed once. */
import type { HeadFeatures } from './head-features.ts';
import type { Recipe } from './recipe.ts';
import type { Session } from './session.ts';
import type { EpochWalk, Updates } from './update.ts';

/** @param order of the epoch's pictures, as BatchLoader's `order` */
export async function* headUpdates(
  session: Session,
  features: HeadFeatures,
  order: ArrayLike<number>,
  { batch, accumulate }: Recipe,
  { firstStep, steps, learningRate }: EpochWalk,
): Updates {
  // As many pictures an update as the whole network takes; features are small enough for one batch.
  const pictures = batch * accumulate;
  for (let step = firstStep; step < steps; step++) {
    const taken = await features.batch(order, step * pictures, pictures);
    const result = await session.stepHead(taken.features, taken.labels, learningRate(step));
    yield [{ ...result, labels: taken.labels }];
  }
}
