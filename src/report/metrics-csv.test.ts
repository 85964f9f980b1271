import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EpochMetrics, formatMetrics, formatMetricsRow, METRICS_HEADER, parseMetrics } from './metrics-csv.ts';

const FIRST: EpochMetrics = {
  epoch: 1,
  trainLoss: 0.6931471805599454,
  trainAccuracy: 0.1,
  validationLoss: Number.NaN,
  validationAccuracy: 1 / 3,
  learningRate: 1e-7,
  imagesPerSecond: 1234.5,
  seconds: 60,
};

test('a row is written in full', () => {
  expect(METRICS_HEADER).toBe(
    'epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,images_per_second,seconds\n',
  );
  expect(formatMetricsRow(FIRST)).toBe('1,0.6931471805599454,0.1,NaN,0.3333333333333333,1e-7,1234.5,60\n');
  expect(() => formatMetricsRow({ ...FIRST, epoch: 0 })).toThrow();
});

test('every double reads back as itself', () => {
  const number = fc.double();
  const row = fc.tuple(number, number, number, number, number, number, number);
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 1, max: 1000 }), (values, start) => {
      const rows = values.map(
        ([trainLoss, trainAccuracy, validationLoss, validationAccuracy, learningRate, imagesPerSecond, seconds], i) => {
          const validation = { validationLoss, validationAccuracy };
          return { epoch: start + i, trainLoss, trainAccuracy, ...validation, learningRate, imagesPerSecond, seconds };
        },
      );
      const text = formatMetrics(rows);
      expect(parseMetrics(text, 'metrics.csv')).toStrictEqual(rows);
      expect(parseMetrics(text.replaceAll('\n', '\r\n'), 'metrics.csv')).toStrictEqual(rows);
    }),
  );
});

test('damage is refused with its line', () => {
  const row = formatMetricsRow(FIRST);
  const second = formatMetricsRow({ ...FIRST, epoch: 2 });
  const read = (text: string) => () => parseMetrics(text, 'runs/1/metrics.csv');
  const whole = METRICS_HEADER + row + second;
  expect(read(whole)()).toHaveLength(2);
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.slice(0, length);
    if (cut.endsWith('\n')) continue;
    expect(read(cut)).toThrow(/runs\/1\/metrics\.csv, line [123]: .*\. Restore/);
  }
  expect(read('')).toThrow(/line 1: expected the columns/);
  expect(read(METRICS_HEADER + row.replace('60', ''))).toThrow(/line 2: seconds is not a number/);
  expect(read(METRICS_HEADER + row.replace('60', '0x3c'))).toThrow(/line 2: seconds is not a number/);
  expect(read(METRICS_HEADER + row.replace('60', ' 60'))).toThrow(/line 2: seconds is not a number/);
  expect(read(METRICS_HEADER + row.replace(',60', ''))).toThrow(/line 2: 7 cells for 8 columns/);
  expect(read(METRICS_HEADER + row + row)).toThrow(/line 3: epoch 1 where 2 was expected/);
  expect(read(METRICS_HEADER + row.replace('1,', '1.5,'))).toThrow(/line 2: epoch is not a positive integer/);
  expect(read(`${METRICS_HEADER}\n${row}`)).toThrow(/line 2: 1 cells/);
});
