import { expect, test } from 'vitest';
import { validateProgram } from '../../program/validate-program.ts';
import { measurePeak, peakPrograms } from './machine-peak.ts';

test('the programs are sound', () => {
  const { products, copy } = peakPrograms();
  validateProgram(products);
  validateProgram(copy);
});

test('there is a peak', async () => {
  const peak = await measurePeak(1);
  expect(peak).toEqual({ threads: 1, gflops: expect.any(Number), gigabytesPerSecond: expect.any(Number) });
  for (const rate of [peak.gflops, peak.gigabytesPerSecond]) {
    expect(rate).toBeGreaterThan(0);
    expect(Number.isFinite(rate)).toBe(true);
  }
});
