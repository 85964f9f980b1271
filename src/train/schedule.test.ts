import { expect, test } from 'vitest';
import { learningRateAt, type Schedule } from './schedule.ts';

const COSINE: Schedule = { kind: 'cosine', learningRate: 0.4, warmupSteps: 4, totalSteps: 104 };

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

test('constant after the warm-up, and without any', () => {
  expect(learningRateAt({ ...COSINE, kind: 'constant' }, 103)).toBe(0.4);
  expect(learningRateAt({ ...COSINE, warmupSteps: 0 }, 0)).toBe(0.4);
  expect(learningRateAt({ ...COSINE, totalSteps: 1, warmupSteps: 0 }, 0)).toBe(0.4);
  expect(() => learningRateAt(COSINE, 104)).toThrow(/step 104/);
});
