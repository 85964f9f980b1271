import { expect, test } from 'vitest';
import { cos, exp, log, sin, sumOfExponentials } from './math.ts';
import { RandomStream } from './random.ts';

test('exp, log, sin and cos agree with the host to a few ulp', () => {
  for (let i = 0; i < 2000; i++) {
    const x = (i - 1000) * 0.0371;
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-14);
    expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(1e-14);
    expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(1e-14);
    const positive = Math.exp(x * 3);
    expect(Math.abs(log(positive) - Math.log(positive))).toBeLessThan(1e-13);
  }
  expect(log(1)).toBe(0);
  expect(exp(0)).toBe(1);
  expect(exp(-1000)).toBe(0);
});

test.each([1, 2, 63, 64, 65, 1000])(
  'the sum of exponentials of %i values is the one that adding up exp gives, to the bit',
  (count) => {
    const stream = new RandomStream(0, 'sample', count);
    const values = new Float32Array(count).map(() => 40 * stream.uniform() - 20);
    if (count > 2) values.set([-3000, Number.NEGATIVE_INFINITY], 1);
    const greatest = values.reduce((a, b) => Math.max(a, b));
    expect(sumOfExponentials(values, greatest)).toBe(values.reduce((sum, value) => sum + exp(value - greatest), 0));
    values[count - 1] = Number.NaN;
    expect(sumOfExponentials(values, greatest)).toBeNaN();
  },
);
