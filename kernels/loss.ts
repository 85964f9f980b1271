// Softmax cross-entropy with label smoothing, and its gradient (torch.nn.CrossEntropyLoss, mean over the batch).

import { exp, log } from './exponential';

/**
 * losses[n] = -sum over k of target[k] log softmax(logits[n])[k], with target = smoothing / classes +
 * (1 - smoothing) at the label; dLogits[n] = (softmax - target) / rows. logits, dLogits [rows][classes];
 * labels [rows] i32; losses [rows] written. A tile is one row.
 */
export function f32_softmax_cross_entropy_forward(
  logits: usize, labels: usize, losses: usize, dLogits: usize, rows: i32, classes: i32, smoothing: f32, tile: i32, scratch: usize,
): void {
  const row = logits + <usize>(tile * classes) * 4;
  const target = dLogits + <usize>(tile * classes) * 4;
  const label = load<i32>(labels + (<usize>tile << 2));
  let highest = load<f32>(row);
  for (let k = 1; k < classes; k++) highest = max(highest, load<f32>(row + (<usize>k << 2)));
  let sum: f64 = 0.0, total: f64 = 0.0;
  for (let k = 0; k < classes; k++) {
    const shifted = <f64>load<f32>(row + (<usize>k << 2)) - <f64>highest;
    total += shifted;
    sum += exp(shifted);
  }
  const logSum = log(sum);
  const spread = <f64>smoothing / <f64>classes;
  const peak = 1.0 - <f64>smoothing;
  const atLabel = <f64>load<f32>(row + (<usize>label << 2)) - <f64>highest;
  store<f32>(losses + (<usize>tile << 2), <f32>(logSum - peak * atLabel - spread * total));
  for (let k = 0; k < classes; k++) {
    const shifted = <f64>load<f32>(row + (<usize>k << 2)) - <f64>highest;
    const wanted = k == label ? spread + peak : spread;
    store<f32>(target + (<usize>k << 2), <f32>((exp(shifted) / sum - wanted) / <f64>rows));
  }
}
