/** The search for a learning rate: what it makes of curves, and that it leaves a session as it was. */
import { expect, test } from 'vitest';
import { BatchLoader } from '../../src/data/loader.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import { chooseRecipe } from '../../src/train/choose-recipe.ts';
import { formatSweep, rateInRange, type SweepPoint, suggestRate, sweepRates } from '../../src/train/rate-sweep.ts';
import { findLearningRate } from '../../src/train/train.ts';
import { TrainingSession } from '../../src/train/training-session.ts';
import { fakeData } from './fake-session.ts';

/** Points of this loss, unsmoothed. */
function curve(lossOf: (exponent: number) => number): SweepPoint[] {
  return Array.from({ length: 61 }, (_, at) => {
    const loss = lossOf(at / 10 - 5);
    return { learningRate: 10 ** (at / 10 - 5), loss, smoothedLoss: loss };
  });
}

test('suggests where the loss falls steepest', () => {
  // Falls around 10^-2, breaks at 10^-0.5.
  const usual = curve((e) => 2 - 1 / (1 + Math.exp(-4 * (e + 2))) + Math.exp(8 * (e + 0.5)));
  expect(Math.log10(suggestRate(usual) as number)).toBeCloseTo(-2, 1);
  expect(suggestRate(curve((e) => 2 + e / 10))).toBeNull();
  // A fall behind the lowest point is the loss on its way down from where it broke.
  const late = curve((e) => (e < -3 ? 2 + e / 10 : e < -1 ? 3 : 3 - (e + 1)));
  expect(suggestRate(late)).not.toBeNull();
  expect(suggestRate([])).toBeNull();
});

test('rates of a range have a constant ratio', () => {
  const range = { from: 1e-4, to: 1, steps: 5 };
  const rates = [0, 1, 2, 3, 4].map((step) => rateInRange(range, step));
  expect(rates).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1].map((rate) => expect.closeTo(rate, 10)));
});

test('points as CSV', () => {
  const points = [{ learningRate: 1e-6, loss: 2.5, smoothedLoss: 2 }];
  expect(formatSweep(points)).toBe('learning_rate,loss,smoothed_loss\n0.000001,2.5,2\n');
});

const data = fakeData();
const facts = {
  classNames: data.classes,
  classCounts: [7, 7, 6],
  trainPictures: 20,
  validationPictures: 7,
  validationFraction: 0,
  medianShortSide: 8,
};
const CHOICES = { batch: 3, accumulate: 2, width: 0.1, resolution: 32, ema: 0.5, mixup: 0.2 } as const;

test('a session is afterwards what it was before, and the sweep ends where the loss breaks', async () => {
  const { recipe, architecture } = chooseRecipe(CHOICES, facts, null);
  const session = await TrainingSession.create({
    architecture,
    weights: initialWeights(buildGraph(architecture), 1),
    batch: recipe.batch,
    microBatches: recipe.accumulate,
    resolution: 32,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    optimizer: recipe.optimizer,
    keepsAverage: true,
    labelSmoothing: 0.1,
    seed: 0,
    threads: 1,
  });
  const { preprocessing, augmentation } = recipe;
  const loader = new BatchLoader(data.train, { batchSize: 3, preprocessing, augmentation, seed: 0 });
  const pictures = new Uint8Array(3 * 32 * 32 * 3).fill(99);
  try {
    for (const place of [0, 1]) {
      if (place === 0) await session.accumulate(pictures, Int32Array.of(0, 1, 2));
      else await session.step(pictures, Int32Array.of(0, 1, 2), 0.01);
    }
    const before = [session.state(), session.steps, await session.predict(pictures, 3)];
    const seen: number[] = [];
    const range = { from: 1e-5, to: 1e6, steps: 60 };
    const points = await sweepRates(session, loader, recipe, range, (_, done) => seen.push(done) > 0);
    expect([session.state(), session.steps, await session.predict(pictures, 3)]).toEqual(before);
    expect(points.length).toBeGreaterThan(10);
    expect(points.length).toBeLessThan(60);
    expect(seen).toEqual(points.map((_, index) => index + 1));
    points.forEach(({ learningRate }, index) => {
      expect(learningRate).toBe(rateInRange(range, index));
    });
    const few = await sweepRates(session, loader, recipe, range, (_, done) => done < 4);
    expect(few).toEqual(points.slice(0, 4));
  } finally {
    await session.dispose();
  }
});

test('in one call, the same again, on any number of threads', async () => {
  const options = { data: fakeData(), ...CHOICES, steps: 12, to: 0.1 };
  const [one, two] = [
    await findLearningRate({ ...options, threads: 1 }),
    await findLearningRate({ ...options, threads: 2 }),
  ];
  expect(one.points).toHaveLength(12);
  expect(two).toEqual(one);
  await expect(findLearningRate({ ...options, steps: 1 })).rejects.toThrow(/steps 1: give a whole number from 10/);
  await expect(findLearningRate({ ...options, from: 1 })).rejects.toThrow(/from 1: it has to be below 0.1/);
});
