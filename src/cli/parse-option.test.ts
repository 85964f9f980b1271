import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { editDistance, nearestName } from '../base/nearest-name.ts';
import { CHOICE_BOUNDS } from '../train/bounds.ts';
import { alternatives, numberWithin, oneOf, reductionOption } from './parse-option.ts';

test('numbers are numbers, within bounds', () => {
  const rate = numberWithin(CHOICE_BOUNDS.learningRate);
  expect(['0.1', '.5', '1e-3', '+2', '3.'].map(rate)).toEqual([0.1, 0.5, 0.001, 2, 3]);
  for (const text of ['', ' ', 'abc', '1e', '0x10', '3px', 'NaN', 'Infinity', '1e999', '0', '-1', '1,5', '1 2']) {
    expect(() => rate(text), text).toThrow(InvalidArgumentError);
  }
  const batch = numberWithin(CHOICE_BOUNDS.batch);
  expect(batch('64')).toBe(64);
  for (const text of ['1', '2.5', '65537']) expect(() => batch(text)).toThrow('whole number from 2 to 65536');
  expect(() => numberWithin(CHOICE_BOUNDS.labelSmoothing)('1')).toThrow('a number from 0 to below 1');
});

test('words are those of the list, or the nearest is named', () => {
  const model = oneOf(['large', 'small', 'v2']);
  expect(model('v2')).toBe('v2');
  expect(() => model('lareg')).toThrow('Give large, small or v2 (did you mean large?).');
  expect(() => model('resnet')).toThrow(/^Give large, small or v2\.$/);
  expect(() => model('constructor')).toThrow();
  expect(reductionOption('16')).toBe(16);
  expect(() => reductionOption('16.0')).toThrow();
  expect([[], ['a'], ['a', 'b']].map(alternatives)).toEqual(['', 'a', 'a or b']);
});

test('the nearest name is near', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('ab', 'ba')).toBe(1);
  expect(editDistance('', 'abc')).toBe(3);
  expect(nearestName('TRIAN', ['train', 'predict'])).toBe('train');
  expect(nearestName('xyz', ['train'])).toBeNull();
  expect(nearestName('t'.repeat(10_000), ['train'])).toBeNull();
});
