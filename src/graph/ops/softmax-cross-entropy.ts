/**
 * The loss of classification: softmax, then cross-entropy against a label, optionally smoothed. Not a
 * node of the graph: inference ends at the logits, training adds this behind them.
 *
 *   target[k] = (1 - smoothing) [k = label] + smoothing / K
 *   loss[n] = - sum over k of target[k] log softmax(logits[n])[k]
 *
 * Source: Szegedy et al. 2016, section 7; PyTorch `nn.CrossEntropyLoss(label_smoothing=...)`.
 */
import { BneckError } from '../../base/errors.ts';
import { exp, log } from '../../base/math.ts';
import { formatShape } from '../../base/tensor.ts';
import type { ReferenceTensor } from '../op.ts';
import { referenceTensor } from '../reference-tensor.ts';

export interface CrossEntropy {
  /** [N]: each picture's loss. */
  readonly losses: ReferenceTensor;
  /** [N, K]: the gradient of the losses' mean, (softmax - target) / N. */
  readonly dLogits: ReferenceTensor;
}

function checkLabels({ shape }: ReferenceTensor, labels: ArrayLike<number>): readonly [number, number] {
  const [images, classes] = shape;
  if (shape.length !== 2 || images !== labels.length || classes === undefined) {
    throw new BneckError(
      'shape',
      `Cross-entropy takes logits [N, K] and N labels, not ${formatShape(shape)} and ${labels.length}.`,
    );
  }
  for (let n = 0; n < images; n++) {
    const label = labels[n] as number;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new BneckError('data', `Label ${label} of picture ${n} is not a whole number from 0 to ${classes - 1}.`);
    }
  }
  return [images, classes];
}

/** The logarithm of softmax, safe for logits of any size: the largest is taken off first. */
function logSoftmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const logSum = log(logits.reduce((sum, logit) => sum + exp(logit - largest), 0));
  return logits.map((logit) => logit - largest - logSum);
}

/**
 * @param logits [N, K]
 * @param labels N class indices
 * @param smoothing in [0, 1): how much of the target is spread evenly over the classes
 * @throws BneckError('shape') or BneckError('data') where labels and logits do not fit
 */
export function softmaxCrossEntropy(logits: ReferenceTensor, labels: ArrayLike<number>, smoothing = 0): CrossEntropy {
  const [images, classes] = checkLabels(logits, labels);
  const losses = referenceTensor([images]);
  const dLogits = referenceTensor([images, classes]);
  for (let n = 0; n < images; n++) {
    const logProbabilities = logSoftmax(logits.data.slice(n * classes, (n + 1) * classes));
    let loss = 0;
    logProbabilities.forEach((logProbability, k) => {
      const target = (k === labels[n] ? 1 - smoothing : 0) + smoothing / classes;
      if (target > 0) loss -= target * logProbability;
      dLogits.data[n * classes + k] = (exp(logProbability) - target) / images;
    });
    losses.data[n] = loss;
  }
  return { losses, dLogits };
}
