import { expect, test } from 'vitest';
import { differingEntries, jsonEntries } from './json-entries.ts';

const ADAM = {
  epochs: 3,
  optimizer: { kind: 'adam', epsilon: 1e-8 },
  augmentation: [
    { kind: 'crop', scale: [0.08, 1] },
    { kind: 'flip', probability: 0.5 },
  ],
  short: null,
};

test('names with dots, ops in words', () => {
  expect(jsonEntries(ADAM)).toEqual([
    ['epochs', '3'],
    ['optimizer.kind', 'adam'],
    ['optimizer.epsilon', '1e-8'],
    ['augmentation', 'crop scale [0.08, 1] · flip probability 0.5'],
    ['short', 'none'],
  ]);
  expect(jsonEntries({ a: [] })).toEqual([['a', 'none']]);
});

test('a hostile setting stays short', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`);
  expect(jsonEntries(deep)).toHaveLength(1);
  expect(jsonEntries(Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`k${at}`, at])))).toHaveLength(500);
});

test('only what differs', () => {
  const sgd = { ...ADAM, optimizer: { kind: 'sgd', momentum: 0.9 } };
  expect(differingEntries([ADAM, sgd, ADAM])).toEqual([
    { name: 'optimizer.kind', values: ['adam', 'sgd', 'adam'] },
    { name: 'optimizer.epsilon', values: ['1e-8', null, '1e-8'] },
    { name: 'optimizer.momentum', values: [null, '0.9', null] },
  ]);
  expect(differingEntries([ADAM, { ...ADAM }])).toEqual([]);
});
