/**
 * What the logits of one picture say: its loss, its place, its likeliest class. Invariant: sums are
 * taken in double precision in the order of the classes, with bneck's own exp and log, so that equal
 * logits give equal numbers on every machine.
 */
import { log, sumOfExponentials } from '../base/math.ts';

/** Cross-entropy of one picture in nats: log of the sum of exp(logit), less the label's logit. */
export function crossEntropy(logits: Float32Array, label: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (!(logit <= greatest)) greatest = logit;
  return greatest + log(sumOfExponentials(logits, greatest)) - (logits[label] as number);
}

/** How many classes come before the label's: 0 where it has the greatest logit. Ties go to the lower class. */
export function rankOf(logits: Float32Array, label: number): number {
  const own = logits[label] as number;
  if (Number.isNaN(own)) return logits.length;
  let before = 0;
  logits.forEach((logit, index) => {
    if (logit > own || (logit === own && index < label)) before += 1;
  });
  return before;
}

/** The class with the greatest logit, the lowest of several, and its softmax probability. */
export function likeliest(logits: Float32Array): { readonly label: number; readonly confidence: number } {
  let label = 0;
  for (let index = 1; index < logits.length; index++) {
    if ((logits[index] as number) > (logits[label] as number)) label = index;
  }
  return { label, confidence: 1 / sumOfExponentials(logits, logits[label] as number) };
}
