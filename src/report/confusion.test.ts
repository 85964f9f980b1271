import { expect, test } from 'vitest';
import { cellStrength, mostConfused, rowSums, shownClasses } from './confusion.ts';

const CONFUSION = Int32Array.of(5, 1, 0, 0, 3, 7, 2, 0, 0);

test('the pairs with the most mistakes, with their share of the true class', () => {
  expect(rowSums(CONFUSION, 3)).toEqual([6, 10, 2]);
  expect(mostConfused(CONFUSION, 3, 2)).toEqual([
    { label: 1, guess: 2, count: 7, share: 0.7 },
    { label: 2, guess: 0, count: 2, share: 1 },
  ]);
  expect(mostConfused(CONFUSION, 3, 10)).toHaveLength(3);
});

test('the classes to show keep their order', () => {
  expect(shownClasses(CONFUSION, 3, 3)).toEqual([0, 1, 2]);
  // Class 0 is in 3 mistakes, class 1 in 8, class 2 in 9.
  expect(shownClasses(CONFUSION, 3, 2)).toEqual([1, 2]);
});

test('no share has no colour, a small one some', () => {
  expect([0, 1].map(cellStrength)).toEqual([0, 1]);
  expect(cellStrength(0.01)).toBeGreaterThan(0.1);
});
