import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate } from './format.ts';

function table<T>(format: (value: T) => string, rows: readonly (readonly [T, string])[]): void {
  for (const [value, text] of rows) expect(format(value)).toBe(text);
}

test('durations', () => {
  table(formatDuration, [
    [0, '0.00s'],
    [0.4249, '0.42s'],
    [9.996, '10.0s'],
    [12.34, '12.3s'],
    [59.94, '59.9s'],
    [59.96, '1m 00s'],
    [83.4, '1m 23s'],
    [3599.6, '1h 00m'],
    [7500, '2h 05m'],
    [86399, '1d 00h'],
    [273600, '3d 04h'],
    [-83, '-1m 23s'],
    [Number.POSITIVE_INFINITY, 'n/a'],
  ]);
});

test('counts', () => {
  table(formatCount, [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [5483032, '5,483,032'],
    [999999.5, '1,000,000'],
    [-123456, '-123,456'],
    [-0.2, '0'],
    [Number.NaN, 'n/a'],
  ]);
});

test('bytes', () => {
  table(formatBytes, [
    [0, '0 B'],
    [999, '999 B'],
    [999.7, '1.0 kB'],
    [1536, '1.5 kB'],
    [21_900_000, '21.9 MB'],
    [99_960_000, '100 MB'],
    [999_400, '999 kB'],
    [999_600, '1.0 MB'],
    [5e18, '5,000 PB'],
    [-2048, '-2.0 kB'],
    [Number.NaN, 'n/a'],
  ]);
});

test('percent and rates', () => {
  table(
    (value) => formatPercent(value),
    [
      [0.934, '93.4%'],
      [1, '100.0%'],
      [Number.NaN, 'n/a'],
    ],
  );
  expect(formatPercent(0.93456, 2)).toBe('93.46%');
  table(
    (value) => formatRate(value),
    [
      [1234.4, '1,234 images/s'],
      [99.96, '100 images/s'],
      [12.34, '12.3 images/s'],
      [0.42, '0.42 images/s'],
      [Number.NaN, 'n/a'],
    ],
  );
  expect(formatRate(2, 'steps')).toBe('2.00 steps/s');
});
