import { expect, test } from 'vitest';
import { plotCurve } from './text-plot.ts';

const options = { width: 9, height: 4, formatX: (x: number) => `x${x}`, formatY: String, mark: null };

test('a curve, its axis and its ends', () => {
  const points = [0, 1, 2, 3].map((x) => ({ x, y: 3 - x }));
  expect(plotCurve(points, options)).toEqual([
    '3 │•',
    '  │   •',
    '  │     •',
    '0 │        •',
    '  └─────────',
    '   x0     x3',
  ]);
});

test('a place is marked; points that share a column are averaged; a flat curve is a line', () => {
  const points = [0, 0.01, 1, 2].map((x) => ({ x, y: x === 0 ? 4 : x === 0.01 ? 0 : 2 }));
  expect(plotCurve(points, { ...options, mark: 1 })).toEqual([
    '2 │•   •   •',
    '  │    ┊',
    '  │    ┊',
    '2 │    ┊',
    '  └────┴────',
    '   x0     x2',
  ]);
  expect(() => plotCurve([], options)).toThrow();
});
