import { expect, test } from 'vitest';
import { runNames } from './run-names.ts';

test.each([
  [['runs/1'], ['runs/1']],
  [
    ['runs/1', 'runs/2'],
    ['runs/1', 'runs/2'],
  ],
  [
    ['/home/ann/faces/small', '/home/ann/faces/v2'],
    ['small', 'v2'],
  ],
  [
    ['/home/ann/faces/small/', '/home/ann/cars/small'],
    ['faces/small', 'cars/small'],
  ],
  [
    ['/home/ann/faces/runs/1', '/home/ann/cars/runs/1'],
    ['faces/runs/1', 'cars/runs/1'],
  ],
  [
    ['/a', '/b/a'],
    ['a', 'b/a'],
  ],
])('%j', (paths, names) => {
  expect(runNames(paths)).toEqual(names);
});
