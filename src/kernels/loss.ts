/** Row of kernels/loss.ts. */
import { type Kernel, type Sizes, size } from './kernel.ts';
import { array, at } from './reference-views.ts';

const logitCount = (s: Sizes) => size(s, 'rows') * size(s, 'classes');

export const softmaxCrossEntropyForward: Kernel = {
  name: 'f32_softmax_cross_entropy_forward',
  file: 'loss',
  pointers: {
    logits: { access: 'read', length: logitCount },
    targets: { access: 'read', fill: 'positive', length: logitCount },
    losses: { access: 'write', length: (s) => size(s, 'rows') },
    dLogits: { access: 'write', length: logitCount },
  },
  integers: ['rows', 'classes'],
  floats: [],
  tiles: (s) => size(s, 'rows'),
  scratchBytes: () => 0,
  flops: (s) => 30 * logitCount(s),
  reduction: (s) => size(s, 'classes'),
  reference(s, arrays) {
    const classes = size(s, 'classes');
    for (let row = 0; row < size(s, 'rows'); row++) {
      const logits = Array.from(array(arrays, 'logits').slice(row * classes, (row + 1) * classes));
      const targets = Array.from(array(arrays, 'targets').slice(row * classes, (row + 1) * classes));
      const highest = Math.max(...logits);
      const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
      const weight = targets.reduce((total, target) => total + target, 0);
      let loss = 0;
      targets.forEach((target, k) => {
        const logProbability = at(array(arrays, 'logits'), row * classes + k) - highest - Math.log(sum);
        loss -= target * logProbability;
        array(arrays, 'dLogits')[row * classes + k] = (weight * Math.exp(logProbability) - target) / size(s, 'rows');
      });
      array(arrays, 'losses')[row] = loss;
    }
  },
  cases: [
    { sizes: { rows: 5, classes: 9 } },
    { sizes: { rows: 2, classes: 1000 } },
    { sizes: { rows: 1, classes: 1 } },
  ],
};
