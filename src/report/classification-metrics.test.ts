import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CALIBRATION_BINS, classificationMetrics } from './classification-metrics.ts';

/** Logits whose softmax gives `confidence` to class `guess`, the rest evenly to the others. */
function answer(classes: number, guess: number, confidence: number): number[] {
  const rest = Math.log((1 - confidence) / (classes - 1));
  return Array.from({ length: classes }, (_, label) => (label === guess ? Math.log(confidence) : rest));
}

test('a small case worked out by hand', () => {
  const truth = [0, 0, 0, 1, 1, 2];
  const guesses = [0, 0, 1, 1, 0, 1];
  const logits = Float32Array.from(guesses.flatMap((guess) => answer(4, guess, 0.85)));
  const result = classificationMetrics(Int32Array.from(truth), logits, 4);
  expect([...result.confusion]).toEqual([2, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  expect([...result.predicted]).toEqual(guesses);
  expect(result.top1).toBeCloseTo(3 / 6, 15);
  expect(result.top5).toBe(1);
  const [first, second, third, fourth] = result.perClass;
  expect(first).toMatchObject({ precision: 2 / 3, recall: 2 / 3, support: 3 });
  expect(first?.f1).toBeCloseTo(2 / 3, 15);
  expect(second).toMatchObject({ precision: 1 / 3, recall: 1 / 2, f1: 2 / 5, support: 2 });
  // Class 2 appears but is never predicted; class 3 does neither and is left out of the mean.
  expect(third).toEqual({ precision: Number.NaN, recall: 0, f1: 0, support: 1 });
  expect(fourth).toEqual({ precision: Number.NaN, recall: Number.NaN, f1: Number.NaN, support: 0 });
  expect(result.macroF1).toBeCloseTo((2 / 3 + 2 / 5 + 0) / 3, 15);
  // All six answers stand in one bin: 0.85 sure, half of them right.
  expect(result.ece).toBeCloseTo(0.35, 6);
  const full = result.bins.filter(({ count }) => count > 0);
  expect(full).toHaveLength(1);
  expect(full[0]).toMatchObject({ count: 6, accuracy: 0.5 });
  expect(full[0]?.least).toBeLessThan(0.85);
  expect(full[0]?.greatest).toBeGreaterThan(0.85);
  const [right, wrong] = [-Math.log(0.85), -Math.log(0.05)];
  expect(result.loss).toBeCloseTo((3 * right + 3 * wrong) / 6, 6);
  expect(result.losses[2]).toBeCloseTo(wrong, 6);
});

test('top-5 counts the places before the label', () => {
  const logits = Float32Array.from([7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1]);
  expect(classificationMetrics(Int32Array.of(4, 5), logits, 7).top5).toBe(0.5);
});

test('for any answers: rows, columns, shares and bins add up', () => {
  const cases = fc.integer({ min: 1, max: 7 }).chain((classes) =>
    fc.record({
      classes: fc.constant(classes),
      rows: fc.array(
        fc.tuple(
          fc.integer({ min: 0, max: classes - 1 }),
          fc.array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: classes, maxLength: classes }),
        ),
        { minLength: 1, maxLength: 30 },
      ),
    }),
  );
  fc.assert(
    fc.property(cases, ({ classes, rows }) => {
      const labels = Int32Array.from(rows, ([label]) => label);
      const logits = Float32Array.from(rows.flatMap(([, row]) => row));
      const result = classificationMetrics(labels, logits, classes);
      const at = (label: number, guess: number) => result.confusion[label * classes + guess] as number;
      const right = Array.from({ length: classes }, (_, label) => at(label, label)).reduce((a, b) => a + b, 0);
      expect(result.top1).toBeCloseTo(right / rows.length, 12);
      expect(result.confusion.reduce((a, b) => a + b, 0)).toBe(rows.length);
      result.perClass.forEach(({ support, recall, precision, f1 }, label) => {
        expect(support).toBe(labels.filter((other) => other === label).length);
        const taken = result.predicted.filter((other) => other === label).length;
        if (taken === 0) expect(precision).toBeNaN();
        if (support > 0 && taken > 0 && precision + recall > 0) {
          expect(f1).toBeCloseTo((2 * precision * recall) / (precision + recall), 12);
        }
      });
      expect(result.bins).toHaveLength(CALIBRATION_BINS);
      expect(result.bins.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length);
      for (const { count, least, greatest, confidence } of result.bins) {
        if (count === 0) continue;
        expect(confidence).toBeGreaterThanOrEqual(least - 1e-12);
        expect(confidence).toBeLessThanOrEqual(greatest + 1e-12);
      }
      expect(result.ece).toBeGreaterThanOrEqual(0);
      expect(result.ece).toBeLessThanOrEqual(1);
    }),
  );
});

test('what cannot be judged is refused', () => {
  expect(() => classificationMetrics(new Int32Array(0), new Float32Array(0), 3)).toThrow(/no pictures/);
  expect(() => classificationMetrics(Int32Array.of(0), Float32Array.of(1, Number.NaN), 2)).toThrow(
    /picture 0, class 1/,
  );
  expect(() => classificationMetrics(Int32Array.of(2), Float32Array.of(1, 0), 2)).toThrow(/beyond the classes/);
  expect(() => classificationMetrics(Int32Array.of(0), new Float32Array(1), 2)).toThrow();
});
