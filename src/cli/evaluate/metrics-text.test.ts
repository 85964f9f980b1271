import { expect, test } from 'vitest';
import { classificationMetrics } from '../../report/classification-metrics.ts';
import { classTable, confusionText, mainFigures } from './metrics-text.ts';

/** Metrics of pictures whose classes and answers are given in pairs. */
function metricsOf(pairs: readonly (readonly [label: number, guess: number])[], classes: number) {
  const logits = new Float32Array(pairs.length * classes);
  pairs.forEach(([, guess], index) => {
    logits[index * classes + guess] = 20;
  });
  return classificationMetrics(
    Int32Array.from(pairs, ([label]) => label),
    logits,
    classes,
  );
}

test('few classes: the figures, a line a class, the matrix', () => {
  const metrics = metricsOf(
    [
      [0, 0],
      [0, 0],
      [0, 1],
      [1, 1],
    ],
    3,
  );
  const names = ['cat', 'dog', 'a\u001b[31m cow'];
  expect(mainFigures(metrics, 2)).toMatch(/^top-1 accuracy {5}75\.00%\n(.*\n)*speed {14}2\.00 images\/s$/);
  expect(classTable(metrics, names).split('\n').slice(2)).toEqual([
    'cat            100.0%   66.7%  80.0%         3',
    'dog             50.0%  100.0%  66.7%         1',
    'a\ufffd[31m cow        n/a     n/a    n/a         0',
  ]);
  expect(confusionText(metrics, names).split('\n').slice(1)).toEqual([
    'shown         0  1  2',
    '------------  -  -  -',
    '0 cat         2  1  .',
    '1 dog         .  1  .',
    '2 a\ufffd[31m cow  .  .  .',
  ]);
});

test('many classes: the worst ones, and the pairs that are confused most', () => {
  const names = Array.from({ length: 60 }, (_, index) => `class ${index}`);
  const right = names.map((_, index) => [index, index] as const);
  const metrics = metricsOf([...right, [7, 9], [7, 9], [3, 4]], 60);
  const table = classTable(metrics, names).split('\n');
  expect(table[0]).toBe('The 20 classes with the lowest F1 (--json has all 60):');
  expect(table).toHaveLength(3 + 20);
  expect(table.slice(3, 5).map((line) => line.slice(0, 7))).toEqual(['class 7', 'class 9']);
  expect(confusionText(metrics, names).split('\n').slice(3)).toEqual([
    'class 7  class 9      2 of 3  66.7%',
    'class 3  class 4      1 of 2  50.0%',
  ]);
  expect(confusionText(metricsOf(right, 60), names)).toBe('No class is taken for another.');
});
