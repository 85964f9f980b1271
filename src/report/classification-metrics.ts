/**
 * How good a classifier is, from its logits: accuracy, loss, the confusion matrix, precision, recall
 * and F1 of each class, and calibration. Used by reports and by `bneck evaluate`. Invariant: equal
 * logits give equal numbers on every machine; `top1` is the diagonal of `confusion` over all pictures.
 */
import { assert, BneckError } from '../base/errors.ts';
import { crossEntropy, likeliest, rankOf } from './logits.ts';

/** Of one class. A share of nothing (a class that never appears, or is never predicted) is NaN. */
export interface ClassMetrics {
  /** Of the pictures taken for this class, the share that show it. */
  readonly precision: number;
  /** Of the pictures that show this class, the share taken for it. */
  readonly recall: number;
  /** Harmonic mean of the two: 2 TP / (2 TP + FP + FN). NaN only where the class neither appears nor is predicted. */
  readonly f1: number;
  /** Pictures that show this class. */
  readonly support: number;
}

/** The predictions whose confidence is above `least` and up to `greatest`. */
export interface CalibrationBin {
  readonly least: number;
  readonly greatest: number;
  readonly count: number;
  /** Mean probability of the predicted class; NaN where the bin is empty, like `accuracy`. */
  readonly confidence: number;
  /** Share of them that are right. */
  readonly accuracy: number;
}

export interface ClassificationMetrics {
  readonly pictures: number;
  /** Share of pictures whose class has the greatest logit, 0 to 1; of equal logits the lower class counts. */
  readonly top1: number;
  /** Share of pictures whose class is among the five greatest logits, 0 to 1. */
  readonly top5: number;
  /** Mean cross-entropy in nats, without label smoothing. */
  readonly loss: number;
  /** [K, K] pictures: row the true class, column the predicted one. */
  readonly confusion: Int32Array;
  /** One a class, in the order of the logits. */
  readonly perClass: readonly ClassMetrics[];
  /** Mean F1 of the classes that appear or are predicted. */
  readonly macroF1: number;
  /**
   * Expected calibration error, 0 to 1: the mean distance between confidence and accuracy over the bins,
   * each with the weight of its pictures. Source: Guo et al., "On Calibration of Modern Neural Networks".
   */
  readonly ece: number;
  /** Equal widths from 0 to 1. */
  readonly bins: readonly CalibrationBin[];
  /** One a picture: the predicted class, its softmax probability, the cross-entropy in nats. */
  readonly predicted: Int32Array;
  readonly confidences: Float64Array;
  readonly losses: Float64Array;
}

export const CALIBRATION_BINS = 15;
/** Entries of a confusion matrix. */
const MOST_ENTRIES = 2 ** 30;

function classMetrics(confusion: Int32Array, classes: number): ClassMetrics[] {
  const support = new Float64Array(classes);
  const found = new Float64Array(classes);
  for (let label = 0; label < classes; label++) {
    for (let guess = 0; guess < classes; guess++) {
      const count = confusion[label * classes + guess] as number;
      support[label] = (support[label] as number) + count;
      found[guess] = (found[guess] as number) + count;
    }
  }
  return Array.from({ length: classes }, (_, label) => {
    const right = confusion[label * classes + label] as number;
    const [shown, taken] = [support[label] as number, found[label] as number];
    return { precision: right / taken, recall: right / shown, f1: (2 * right) / (shown + taken), support: shown };
  });
}

/** @param right 1 where the prediction is right, else 0 */
function calibrationBins(confidences: Float64Array, right: Uint8Array): CalibrationBin[] {
  const sums = Array.from({ length: CALIBRATION_BINS }, () => ({ count: 0, confidence: 0, right: 0 }));
  confidences.forEach((confidence, index) => {
    const place = Math.min(CALIBRATION_BINS, Math.max(1, Math.ceil(confidence * CALIBRATION_BINS))) - 1;
    const sum = sums[place] as (typeof sums)[number];
    sum.count += 1;
    sum.confidence += confidence;
    sum.right += right[index] as number;
  });
  return sums.map(({ count, confidence, right: hits }, place) => ({
    least: place / CALIBRATION_BINS,
    greatest: (place + 1) / CALIBRATION_BINS,
    count,
    confidence: confidence / count,
    accuracy: hits / count,
  }));
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] as number;
  return sum / values.length;
}

function check(labels: Int32Array, logits: Float32Array, classes: number): void {
  assert(Number.isSafeInteger(classes) && classes >= 1, `${classes} classes`);
  assert(logits.length === labels.length * classes, `${logits.length} logits for ${labels.length} x ${classes}`);
  assert(
    labels.every((label) => label >= 0 && label < classes),
    'a label beyond the classes',
  );
  if (classes * classes > MOST_ENTRIES) {
    throw new BneckError('memory', `A confusion matrix of ${classes} classes does not fit. Judge fewer classes.`);
  }
  if (labels.length === 0) throw new BneckError('data', 'There are no pictures to judge. Give some.');
  const wrong = logits.findIndex((logit) => !Number.isFinite(logit));
  if (wrong >= 0) {
    const place = `picture ${Math.floor(wrong / classes)}, class ${wrong % classes}`;
    throw new BneckError('data', `The model's answer is not a finite number (${place}). Take a sound model.`);
  }
}

/**
 * @param labels the true classes, [N]
 * @param logits before softmax, [N, K]
 * @param classes K
 * @throws BneckError 'data' for no pictures or for logits that are not finite, 'memory' for more classes
 *   than a matrix can hold
 */
export function classificationMetrics(
  labels: Int32Array,
  logits: Float32Array,
  classes: number,
): ClassificationMetrics {
  check(labels, logits, classes);
  const pictures = labels.length;
  const confusion = new Int32Array(classes * classes);
  const predicted = new Int32Array(pictures);
  const confidences = new Float64Array(pictures);
  const losses = new Float64Array(pictures);
  const right = new Uint8Array(pictures);
  let amongFive = 0;
  for (let index = 0; index < pictures; index++) {
    const row = logits.subarray(index * classes, (index + 1) * classes);
    const label = labels[index] as number;
    const guess = likeliest(row);
    const entry = label * classes + guess.label;
    confusion[entry] = (confusion[entry] as number) + 1;
    predicted[index] = guess.label;
    confidences[index] = guess.confidence;
    losses[index] = crossEntropy(row, label);
    right[index] = guess.label === label ? 1 : 0;
    if (rankOf(row, label) < 5) amongFive += 1;
  }
  const perClass = classMetrics(confusion, classes);
  const bins = calibrationBins(confidences, right);
  const gaps = bins.map(({ count, confidence, accuracy }) =>
    count === 0 ? 0 : (count / pictures) * Math.abs(accuracy - confidence),
  );
  return {
    pictures,
    top1: mean(right),
    top5: amongFive / pictures,
    loss: mean(losses),
    confusion,
    perClass,
    macroF1: mean(perClass.map(({ f1 }) => f1).filter((f1) => !Number.isNaN(f1))),
    ece: gaps.reduce((sum, gap) => sum + gap, 0),
    bins,
    predicted,
    confidences,
    losses,
  };
}
