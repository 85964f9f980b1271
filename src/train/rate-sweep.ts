/**
 * A sweep of learning rates: one update with each, from small ones, with which nothing happens, to large
 * ones, with which everything breaks (Smith, "Cyclical learning rates", 2017). Where the loss falls
 * steepest is a good rate to train with. Invariant: where it does not throw, it leaves the session as it was.
 */
import { assert } from '../base/errors.ts';
import { exp, log } from '../base/math.ts';
import type { BatchLoader } from '../data/loader.ts';
import { pictureUpdates } from './picture-updates.ts';
import type { Recipe } from './recipe.ts';
import type { Session } from './session.ts';
import type { TrainedBatch } from './update.ts';

export interface RateRange {
  /** The first and the last rate, above 0; those between have a constant ratio. */
  readonly from: number;
  readonly to: number;
  /** Updates, at least 2. */
  readonly steps: number;
}

export interface SweepPoint {
  readonly learningRate: number;
  /** Mean over the update's pictures, before the update. */
  readonly loss: number;
  /** Smoothed over the points so far. */
  readonly smoothedLoss: number;
}

/** A point's weight against the one after it. */
const SMOOTHING = 0.9;
/** The sweep ends where the smoothed loss is this many times the lowest. */
const BROKEN = 4;
/** Fewer points tell nothing of a curve. */
const FEWEST_POINTS = 10;

/** Rate number `step` of a range, counted from 0. */
export function rateInRange({ from, to, steps }: RateRange, step: number): number {
  return exp(log(from) + ((log(to) - log(from)) * step) / (steps - 1));
}

/** An exponential moving average whose first value counts as much as its weight says. */
class Smoother {
  #sum = 0;
  #weight = 0;

  next(value: number): number {
    this.#sum = SMOOTHING * this.#sum + (1 - SMOOTHING) * value;
    this.#weight = SMOOTHING * this.#weight + (1 - SMOOTHING);
    return this.#sum / this.#weight;
  }
}

function meanLoss(batches: readonly TrainedBatch[]): number {
  const losses = batches.flatMap(({ losses: ofBatch }) => [...ofBatch]);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** All updates, epoch after epoch. */
async function* endlessUpdates(session: Session, loader: BatchLoader, recipe: Recipe, range: RateRange) {
  const steps = Math.floor(loader.batchesPerEpoch / recipe.accumulate);
  for (let epoch = 0; epoch * steps < range.steps; epoch++) {
    const learningRate = (step: number) => rateInRange(range, Math.min(epoch * steps + step, range.steps - 1));
    yield* pictureUpdates(session, loader, recipe, { epoch, firstStep: 0, steps, learningRate });
  }
}

/**
 * @param onPoint called after each update; false ends the sweep
 * @returns the points up to where the loss broke, or the range ended
 */
export async function sweepRates(
  session: Session,
  loader: BatchLoader,
  recipe: Recipe,
  range: RateRange,
  onPoint: (point: SweepPoint, done: number) => boolean = () => true,
): Promise<SweepPoint[]> {
  assert(range.steps >= 2 && range.from > 0 && range.from < range.to, 'a range of rates');
  const [state, stepsBefore] = [session.state(), session.steps];
  const points: SweepPoint[] = [];
  const smoother = new Smoother();
  let lowest = Number.POSITIVE_INFINITY;
  for await (const batches of endlessUpdates(session, loader, recipe, range)) {
    const loss = meanLoss(batches);
    const point = { learningRate: rateInRange(range, points.length), loss, smoothedLoss: smoother.next(loss) };
    if (!Number.isFinite(loss)) break;
    points.push(point);
    lowest = Math.min(lowest, point.smoothedLoss);
    const broken = points.length >= FEWEST_POINTS && point.smoothedLoss > BROKEN * lowest;
    if (!onPoint(point, points.length) || broken || points.length === range.steps) break;
  }
  session.restore(state, stepsBefore);
  return points;
}

/**
 * The rate at which the smoothed loss falls steepest, by the logarithm of the rate, before its lowest
 * point; null where it does not fall.
 */
export function suggestRate(points: readonly SweepPoint[]): number | null {
  const losses = points.map(({ smoothedLoss }) => smoothedLoss);
  const lowest = losses.indexOf(Math.min(...losses));
  let [steepest, place] = [0, -1];
  for (let at = 1; at < lowest; at++) {
    const fall = (losses[at - 1] as number) - (losses[at + 1] as number);
    if (fall > steepest) [steepest, place] = [fall, at];
  }
  return points[place]?.learningRate ?? null;
}

/** The points as a table for spreadsheets, a row each. */
export function formatSweep(points: readonly SweepPoint[]): string {
  const rows = points.map(({ learningRate, loss, smoothedLoss }) => `${learningRate},${loss},${smoothedLoss}\n`);
  return `learning_rate,loss,smoothed_loss\n${rows.join('')}`;
}
