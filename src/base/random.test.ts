import { expect, test } from 'vitest';
import { philox, RandomStream } from './random.ts';

test('philox4x32-10 gives the published test vectors', () => {
  const out = new Uint32Array(4);
  philox(out, [0, 0, 0, 0], [0, 0]);
  expect([...out]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  philox(out, [ones, ones, ones, ones], [ones, ones]);
  expect([...out]).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
});

test('a stream depends on its key alone', () => {
  const draw = (first: number, second: number) => new RandomStream(7, 'augment', first, second).uint32();
  expect(draw(1, 2)).toBe(draw(1, 2));
  expect(draw(1, 2)).not.toBe(draw(2, 1));
});

test('normal numbers have mean 0 and variance 1, a permutation holds each index once', () => {
  const stream = new RandomStream(1, 'initialWeights');
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < 20000; i++) {
    const x = stream.normal();
    sum += x;
    squares += x * x;
  }
  expect(Math.abs(sum / 20000)).toBeLessThan(0.03);
  expect(Math.abs(squares / 20000 - 1)).toBeLessThan(0.03);
  expect([...new RandomStream(3, 'order').permutation(50)].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
});
