import { expect, test } from 'vitest';
import { crossEntropy, likeliest, rankOf } from './logits.ts';

test('cross-entropy is that of the softmax, without overflow', () => {
  expect(crossEntropy(Float32Array.of(1, 2, 3), 2)).toBeCloseTo(Math.log(1 + Math.exp(-1) + Math.exp(-2)), 14);
  expect(crossEntropy(Float32Array.of(3e38, 0), 0)).toBe(0);
  expect(crossEntropy(Float32Array.of(3e38, 0), 1)).toBeGreaterThan(2e38);
  expect(crossEntropy(Float32Array.of(Number.NaN, 0), 1)).toBeNaN();
});

test('ties go to the lower class, and NaN is never right', () => {
  const logits = Float32Array.of(1, 5, 5, 0);
  expect([0, 1, 2, 3].map((label) => rankOf(logits, label))).toEqual([2, 0, 1, 3]);
  expect(rankOf(Float32Array.of(Number.NaN, Number.NaN), 0)).toBe(2);
});

test('the likeliest class and its softmax', () => {
  const { label, confidence } = likeliest(Float32Array.of(1, 3, 2));
  expect(label).toBe(1);
  expect(confidence).toBeCloseTo(1 / (1 + Math.exp(-2) + Math.exp(-1)), 14);
  expect(likeliest(Float32Array.of(0, 7, 7)).label).toBe(1);
  expect(likeliest(Float32Array.of(-3e38, 3e38)).confidence).toBe(1);
});
