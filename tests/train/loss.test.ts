/** The loss of soft targets against PyTorch's (scripts/make-training-goldens.py): smoothing, class weights, mixed labels. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exp, log, sumOfExponentials } from '../../src/base/math.ts';
import { targetsOf } from '../../src/train/targets.ts';
import { callKernel } from './call-kernel.ts';

interface Losses {
  readonly logits: readonly number[];
  readonly labels: readonly number[];
  readonly partners: readonly number[];
  readonly cases: readonly {
    readonly labelSmoothing: number;
    readonly classWeights: readonly number[] | null;
    readonly share: number;
    readonly loss: number;
    readonly gradient: readonly number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/training.json', import.meta.url), 'utf8')).losses as Losses;
const [labels, partners] = [Int32Array.from(golden.labels), Int32Array.from(golden.partners)];
const CLASSES = 5;

function lossOf(targets: Float32Array) {
  const rows = labels.length;
  const arrays = {
    logits: Float32Array.from(golden.logits),
    targets,
    losses: new Float32Array(rows),
    dLogits: new Float32Array(rows * CLASSES),
  };
  callKernel('f32_softmax_cross_entropy_forward', arrays, { rows, classes: CLASSES });
  return { mean: arrays.losses.reduce((sum, loss) => sum + loss, 0) / rows, dLogits: arrays.dLogits };
}

test.each(golden.cases)('smoothing $labelSmoothing, weights $classWeights, share $share', (wanted) => {
  const { labelSmoothing, classWeights, share } = wanted;
  const given = share === 1 ? labels : { labels, partners, share };
  const { mean, dLogits } = lossOf(targetsOf(given, { classes: CLASSES, labelSmoothing, classWeights }));
  expect(Math.abs(mean - wanted.loss)).toBeLessThan(1e-6);
  wanted.gradient.forEach((gradient, i) => {
    expect(Math.abs((dLogits[i] as number) - gradient)).toBeLessThan(1e-7);
  });
});

test('a mixed picture counts with the mixture of its labels weights, and rows without weights add up to 1', () => {
  const options = { classes: CLASSES, labelSmoothing: 0.1, classWeights: null };
  const plain = targetsOf({ labels, partners, share: 0.25 }, options);
  for (let n = 0; n < labels.length; n++) {
    const row = plain.subarray(n * CLASSES, (n + 1) * CLASSES);
    expect(row.reduce((sum, target) => sum + target, 0)).toBeCloseTo(1, 6);
  }
  // Half of each: as if both pictures were there, each with half the weight.
  const classWeights = [0.5, 1, 2, 4, 0.25];
  const smooth = { classes: CLASSES, labelSmoothing: 0, classWeights };
  const mixed = targetsOf({ labels: Int32Array.of(0, 2), partners: Int32Array.of(3, 2), share: 0.5 }, smooth);
  const sum = (0.5 + 4) / 2 + 2;
  const wanted = [0.25, 0, 0, 2, 0, 0, 0, 2, 0, 0].map((weight) => Math.fround((weight * 2) / sum));
  mixed.forEach((target, i) => {
    expect(target).toBeCloseTo(wanted[i] as number, 6);
  });
});

test('the kernel’s exp and log are those of src/base, to the bit', () => {
  const [rows, classes] = [3, 80];
  const logits = Float32Array.from({ length: rows * classes }, (_, i) => ((i * 7919) % 1009) / 37 - 13);
  const targets = Float32Array.from({ length: rows * classes }, (_, i) => (i % classes === 3 ? 1 : 0));
  const arrays = { logits, targets, losses: new Float32Array(rows), dLogits: new Float32Array(rows * classes) };
  callKernel('f32_softmax_cross_entropy_forward', arrays, { rows, classes });
  for (let row = 0; row < rows; row++) {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    const greatest = own.reduce((a, b) => Math.max(a, b));
    const sum = sumOfExponentials(own, greatest);
    expect(arrays.losses[row]).toBe(Math.fround(log(sum) - ((own[3] as number) - greatest)));
    own.forEach((logit, k) => {
      const gradient = exp(logit - greatest) / sum - (k === 3 ? 1 : 0);
      expect(arrays.dLogits[row * classes + k]).toBe(Math.fround(gradient / rows));
    });
  }
});
