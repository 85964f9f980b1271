/** Schedules against PyTorch's (scripts/make-training-goldens.py), step by step. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { learningRateAt, type Schedule } from '../../src/train/schedule.ts';

const { schedules } = JSON.parse(readFileSync(new URL('../golden/training.json', import.meta.url), 'utf8')) as {
  readonly schedules: readonly { readonly schedule: Schedule; readonly rates: readonly number[] }[];
};

test.each(schedules)('$schedule.kind, $schedule.warmupSteps steps of warm-up', ({ schedule, rates }) => {
  expect(rates).toHaveLength(schedule.totalSteps);
  rates.forEach((rate, step) => {
    expect(Math.abs(learningRateAt(schedule, step) / rate - 1), `step ${step}`).toBeLessThan(1e-10);
  });
});
