import { expect, test } from 'vitest';
import { averageDecayAt, chooseAverage } from './weight-average.ts';

const RUN = { epochs: 20, totalSteps: 920, pictures: 64, warmupSteps: 46 };

test('copies in the warm-up, then moves after every so many updates', () => {
  const average = { decay: 0.9, everySteps: 2, copySteps: 4 };
  expect([1, 2, 3, 4, 5, 6].map((step) => averageDecayAt(average, step))).toEqual([null, 0, null, 0, null, 0.9]);
});

test('a decay that suits the length, or the one that was asked for', () => {
  expect(chooseAverage('auto', RUN)).toEqual({ decay: 1 - 1 / 92, everySteps: 1, copySteps: 46 });
  expect(chooseAverage('auto', { ...RUN, totalSteps: 3 }).decay).toBe(0.5);
  expect(chooseAverage('auto', { ...RUN, totalSteps: 1e6 }).decay).toBe(0.9998);
  expect(chooseAverage(0.99, RUN)).toMatchObject({ decay: 0.99, everySteps: 1 });
});

test("torchvision's formula at its own batch and epochs", () => {
  const { decay, everySteps } = chooseAverage('torchvision', { ...RUN, epochs: 600, pictures: 1024 });
  expect(everySteps).toBe(32);
  expect(1 - decay).toBeCloseTo((0.00002 * 1024 * 32) / 600, 12);
  expect(chooseAverage('torchvision', { ...RUN, epochs: 1, pictures: 1e6 }).decay).toBe(0);
});
