import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { chooseSchedule, SCHEDULE_NAMES } from './choose-schedule.ts';
import type { TrainingChoices } from './recipe.ts';
import { learningRateAt } from './schedule.ts';

const LENGTH = { epochs: 20, stepsPerEpoch: 10 };
const choose = (choices: TrainingChoices) => chooseSchedule(choices, 0.1, LENGTH)[0];

test('epochs become steps', () => {
  expect(choose({})).toEqual({ kind: 'cosine', learningRate: 0.1, warmupSteps: 10, totalSteps: 200, leastRate: 0 });
  expect(choose({ warmup: 2.5 }).warmupSteps).toBe(25);
  expect(choose({ warmup: 0, schedule: 'constant' })).toEqual({
    kind: 'constant',
    learningRate: 0.1,
    warmupSteps: 0,
    totalSteps: 200,
  });
  const step = { schedule: 'step', rateEvery: 2, rateFactor: 0.973 } as const;
  expect(choose(step)).toMatchObject({ everySteps: 20, factor: 0.973 });
  expect(choose({ ...step, rateEvery: 0.01 })).toMatchObject({ everySteps: 1 });
  expect(choose({ schedule: 'one-cycle' }).warmupSteps).toBe(60);
});

test('what is not said makes sense: three steps of a tenth, and a hundredth at the end', () => {
  const rate = (choices: TrainingChoices, step: number) => learningRateAt(choose(choices), step);
  const step = { schedule: 'step', warmup: 2 } as const;
  expect([20, 79, 80, 140, 199].map((at) => Math.log10(rate(step, at)))).toEqual(
    [-1, -1, -2, -3, -3].map((power) => expect.closeTo(power, 10)),
  );
  for (const every of [undefined, 4]) {
    const last = rate({ schedule: 'exponential', warmup: 0, rateEvery: every }, 199);
    expect(last / 0.1).toBeGreaterThan(0.01);
    expect(last / 0.1).toBeLessThan(0.0105);
  }
  for (const schedule of SCHEDULE_NAMES) {
    for (let at = 0; at < 200; at++) expect(rate({ schedule }, at)).toBeLessThanOrEqual(0.1);
  }
});

test.each<[TrainingChoices, RegExp]>([
  [{ schedule: 'linear' as 'cosine' }, /schedule linear: give cosine, constant/],
  [{ leastRate: 0.1 }, /below the learning rate 0.1/],
  [{ leastRate: 0.01, schedule: 'step' }, /leastRate 0.01: it belongs to schedule cosine, not to step/],
  [{ rateEvery: 2 }, /belongs to schedule step and exponential/],
  [{ rateFactor: 0.5, schedule: 'one-cycle' }, /rateFactor 0.5/],
  [{ warmup: 21 }, /only 20 epochs/],
])('refuses %j', (choices, message) => {
  expect(() => choose(choices)).toThrow(message);
  expect(() => choose(choices)).toThrow(BneckError);
});
