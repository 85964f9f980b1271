import { describe, expect, test } from 'vitest';
import { likeliestClasses } from './classification.ts';

const NAMES = ['a', 'b', 'c', 'd'];

describe('likeliestClasses', () => {
  test('gives the highest first, with the softmax of all logits', () => {
    const [first, second, ...rest] = likeliestClasses(Float32Array.of(0, Math.log(4), Math.log(3), 0), NAMES, 2);
    expect(first).toEqual({ label: 'b', index: 1, probability: expect.closeTo(4 / 9, 6) });
    expect(second).toEqual({ label: 'c', index: 2, probability: expect.closeTo(3 / 9, 6) });
    expect(rest).toEqual([]);
  });

  test('equal classes stand in the order of the logits', () => {
    const order = (logits: number[], count: number) =>
      likeliestClasses(Float32Array.from(logits), NAMES, count).map(({ index }) => index);
    expect(order([1, 2, 1, 2], 4)).toEqual([1, 3, 0, 2]);
    expect(order([1, 2, 1, 2], 3)).toEqual([1, 3, 0]);
    expect(order([5, 5, 5, 5], 2)).toEqual([0, 1]);
  });

  test('gives all where more are asked for', () => {
    expect(likeliestClasses(Float32Array.of(1, 3, 2, 0), NAMES, 9).map(({ index }) => index)).toEqual([1, 2, 0, 3]);
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses to give %d', (count) => {
    expect(() => likeliestClasses(Float32Array.of(1, 3, 2, 0), NAMES, count)).toThrow(`top ${count}: give a whole`);
  });

  test('large logits do not overflow', () => {
    const [best] = likeliestClasses(Float32Array.of(3e38, 0, -3e38, 1), NAMES, 1);
    expect(best).toEqual({ label: 'a', index: 0, probability: 1 });
  });
});
