// Softmax cross-entropy against soft targets, and its gradient (torch.nn.CrossEntropyLoss, mean over the
// batch). Label smoothing, mixed labels and class weights are in the targets, which the trainer writes.

import { exp, log } from './exponential';

/**
 * losses[n] = -sum over k of targets[n][k] log softmax(logits[n])[k];
 * dLogits[n] = (sum of targets[n] * softmax(logits[n]) - targets[n]) / rows.
 * logits, targets, dLogits [rows][classes]; losses [rows]; losses and dLogits written. A tile is one row.
 * flops: some 30 a logit; bytes: 12 a logit.
 */
export function f32_softmax_cross_entropy_forward(
  logits: usize, targets: usize, losses: usize, dLogits: usize, rows: i32, classes: i32, tile: i32, scratch: usize,
): void {
  const start = <usize>(tile * classes) << 2;
  const end = start + (<usize>classes << 2);
  let highest = load<f32>(logits + start);
  for (let k = start; k < end; k += 4) highest = max(highest, load<f32>(logits + k));
  let sum: f64 = 0.0, total: f64 = 0.0, wanted: f64 = 0.0;
  for (let k = start; k < end; k += 4) {
    const shifted = <f64>load<f32>(logits + k) - <f64>highest;
    const target = <f64>load<f32>(targets + k);
    total += target;
    wanted += target * shifted;
    sum += exp(shifted);
  }
  store<f32>(losses + (<usize>tile << 2), <f32>(total * log(sum) - wanted));
  for (let k = start; k < end; k += 4) {
    const shifted = <f64>load<f32>(logits + k) - <f64>highest;
    const gradient = (total * exp(shifted)) / sum - <f64>load<f32>(targets + k);
    store<f32>(dLogits + k, <f32>(gradient / <f64>rows));
  }
}
