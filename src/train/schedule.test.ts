import { expect, test } from 'vitest';
import { learningRateAt, type Schedule } from './schedule.ts';

const COSINE: Schedule = { kind: 'cosine', learningRate: 0.4, warmupSteps: 4, totalSteps: 104, leastRate: 0 };
const CYCLE: Schedule = { ...COSINE, kind: 'one-cycle', startShare: 0.1, endShare: 0.01 };

test('warms up linearly, then falls along half a cosine', () => {
  const rates = [0, 1, 2, 3, 4].map((step) => learningRateAt(COSINE, step));
  expect(rates).toEqual([0.1, 0.2, 0.4 * 0.75, 0.4, 0.4].map((rate) => expect.closeTo(rate, 12)));
  expect(learningRateAt(COSINE, 54)).toBeCloseTo(0.2, 12);
  for (let step = 5; step < 104; step++) {
    expect(learningRateAt(COSINE, step)).toBeCloseTo(0.2 * (1 + Math.cos((Math.PI * (step - 4)) / 100)), 12);
    expect(learningRateAt(COSINE, step)).toBeLessThan(learningRateAt(COSINE, step - 1));
  }
  expect(learningRateAt(COSINE, 103)).toBeGreaterThan(0);
});

test('steps that are not of the course are refused; the shortest courses work', () => {
  expect(() => learningRateAt(COSINE, 104)).toThrow(/step 104/);
  expect(() => learningRateAt(COSINE, -1)).toThrow(/step -1/);
  for (const kind of ['constant', 'cosine', 'step', 'exponential', 'one-cycle'] as const) {
    const extras = { leastRate: 0, everySteps: 1, factor: 0.5, startShare: 0.1, endShare: 0.01 };
    for (const warmupSteps of [0, 1]) {
      const shortest = { ...extras, kind, learningRate: 0.4, totalSteps: 1, warmupSteps } as Schedule;
      const rate = learningRateAt(shortest, 0);
      expect(rate, `${kind} ${warmupSteps}`).toBeGreaterThan(0);
      expect(rate).toBeLessThanOrEqual(0.4);
    }
  }
});

test('one cycle has its top at the end of the warm-up and ends low', () => {
  const rates = Array.from({ length: 104 }, (_, step) => learningRateAt({ ...CYCLE, warmupSteps: 31 }, step));
  expect(rates[0]).toBeCloseTo(0.04, 12);
  expect(rates[30]).toBe(0.4);
  expect(Math.max(...rates)).toBe(0.4);
  expect(rates[103]).toBeCloseTo(0.004, 12);
});
