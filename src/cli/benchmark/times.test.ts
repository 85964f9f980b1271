import { describe, expect, test } from 'vitest';
import { percentile, summarizeTimes, timeCalls } from './times.ts';

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  test.each([
    [hundred, 0.5, 50],
    [hundred, 0.9, 90],
    [hundred, 0.99, 99],
    [hundred, 0, 1],
    [hundred, 1, 100],
    [[3, 7], 0.5, 3],
    [[3, 7], 0.51, 7],
    [[4], 0.99, 4],
  ])('of %j at %d is %d', (sorted, share, expected) => {
    expect(percentile(sorted, share)).toBe(expected);
  });
});

test('summarizeTimes takes values in any order and leaves them so', () => {
  const values = [5, 1, 3, 2, 4];
  expect(summarizeTimes(values)).toEqual({ calls: 5, min: 1, p50: 3, p90: 5, p99: 5 });
  expect(values).toEqual([5, 1, 3, 2, 4]);
});

test('timeCalls counts each call after the warm-up, one at a time', async () => {
  let [running, most, made] = [0, 0, 0];
  const times = await timeCalls(async () => {
    running += 1;
    most = Math.max(most, running);
    made += 1;
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  }, 0.02);
  expect(most).toBe(1);
  expect(times.length).toBeGreaterThanOrEqual(5);
  expect(times.length).toBeLessThan(made);
  expect(times.every((time) => time >= 0)).toBe(true);
});
