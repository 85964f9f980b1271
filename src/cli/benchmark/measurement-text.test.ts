import { describe, expect, test } from 'vitest';
import { formatKernels, formatLayers, formatMeasurements, formatMilliseconds } from './measurement-text.ts';
import { type Cost, costsByKernel } from './step-costs.ts';

const cost = (name: string, kernel: string, milliseconds: number, flops: number, bytes: number): Cost => {
  return { name, kernel, calls: 1, milliseconds, flops, bytes };
};
const COSTS = [
  cost('stem', 'conv', 1, 20e6, 3e6),
  cost('block', 'pointwise', 4, 200e6, 8e6),
  cost('head', 'pointwise', 3, 80e6, 6e6),
  cost('logits', 'copy', 0, 0, 1e3),
];

test.each([
  [0.123, '0.12 ms'],
  [9.994, '9.99 ms'],
  [9.996, '10.0 ms'],
  [99.96, '100 ms'],
  [1234, '1234 ms'],
])('%d ms reads %s', (milliseconds, text) => {
  expect(formatMilliseconds(milliseconds)).toBe(text);
});

test('costsByKernel adds up the calls of a kernel', () => {
  expect(costsByKernel(COSTS)).toContainEqual({
    name: 'pointwise',
    kernel: 'pointwise',
    calls: 2,
    milliseconds: 7,
    flops: 280e6,
    bytes: 14e6,
  });
});

describe('formatLayers', () => {
  test('shows the slowest first, and what is left out', () => {
    const lines = formatLayers(COSTS, 2).split('\n');
    expect(lines[2]).toMatch(/^block +pointwise +4\.000 +50\.0% +50\.0 +2\.0$/);
    expect(lines[3]).toMatch(/^head/);
    expect(lines[4]).toBe('2 more take 12.5% of the time; --all-layers shows them.');
  });

  test('shows all in the order of the network', () => {
    const lines = formatLayers(COSTS, null).split('\n');
    expect(lines.slice(2).map((line) => line.split(' ')[0])).toEqual(['stem', 'block', 'head', 'logits']);
    expect(lines[5]).toMatch(/0\.000 +0\.0% +- +-$/);
  });
});

test('formatKernels compares with the peak', () => {
  const lines = formatKernels(COSTS, { threads: 2, gflops: 80, gigabytesPerSecond: 4 }).split('\n');
  expect(lines[2]).toMatch(/^pointwise +2 +7\.000 +87\.5% +40\.0 +50% +2\.0 +50%$/);
  expect(lines.at(-1)).toMatch(/^Peak of this machine, 2 threads: 80 GFLOP\/s/);
});

test('formatMeasurements has a row for each number of threads', () => {
  const latencyMs = { calls: 7, min: 1, p50: 2, p90: 3, p99: 30 };
  const measured = { startMs: 80, latencyMs, imagesPerSecond: 480, engineBytes: 14e6, costs: COSTS };
  const lines = formatMeasurements([
    { ...measured, threads: 1 },
    { ...measured, threads: 2 },
  ]).split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[3]).toMatch(/^2 +80\.0 ms +2\.00 ms +3\.00 ms +30\.0 ms +1\.00 ms +7 +480 images\/s +14\.0 MB$/);
});
