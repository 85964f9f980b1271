/** Rows of kernels/optimizer.ts: weight updates. */
import { ceilDivide, type Kernel, multipleOf4, type Sizes, size } from './kernel.ts';
import { array, at } from './reference-views.ts';

const length = (s: Sizes) => size(s, 'length');
const tiles = (s: Sizes) => ceilDivide(length(s), 16384);

export const sgdUpdate: Kernel = {
  name: 'f32_sgd_update',
  file: 'optimizer',
  pointers: {
    weights: { access: 'update', length },
    gradients: { access: 'read', length },
    velocity: { access: 'update', length },
    rates: { access: 'read', length: () => 1 },
  },
  integers: ['length', 'nesterov'],
  floats: ['momentum', 'decay'],
  tiles,
  scratchBytes: () => 0,
  flops: (s) => 6 * length(s),
  reduction: () => 4,
  constraint: multipleOf4('length'),
  reference(s, arrays) {
    const [weights, velocity] = [array(arrays, 'weights'), array(arrays, 'velocity')];
    const momentum = size(s, 'momentum');
    for (let i = 0; i < length(s); i++) {
      const g = at(array(arrays, 'gradients'), i) + size(s, 'decay') * at(weights, i);
      const v = momentum * at(velocity, i) + g;
      velocity[i] = v;
      weights[i] = at(weights, i) - at(array(arrays, 'rates'), 0) * (size(s, 'nesterov') === 1 ? g + momentum * v : v);
    }
  },
  cases: [
    { sizes: { length: 16384 + 20, nesterov: 0, momentum: 0.9, decay: 1e-4 } },
    { sizes: { length: 36, nesterov: 1, momentum: 0.9, decay: 0 } },
  ],
};

export const adamUpdate: Kernel = {
  name: 'f32_adam_update',
  file: 'optimizer',
  pointers: {
    weights: { access: 'update', length },
    gradients: { access: 'read', length },
    first: { access: 'update', length },
    second: { access: 'update', fill: 'positive', length },
    rates: { access: 'read', fill: 'positive', length: () => 5 },
  },
  integers: ['length'],
  floats: ['beta1', 'beta2', 'epsilon', 'decay'],
  tiles,
  scratchBytes: () => 0,
  flops: (s) => 15 * length(s),
  reduction: () => 8,
  constraint: multipleOf4('length'),
  reference(s, arrays) {
    const [weights, first, second] = [array(arrays, 'weights'), array(arrays, 'first'), array(arrays, 'second')];
    const rates = array(arrays, 'rates');
    for (let i = 0; i < length(s); i++) {
      const g = at(array(arrays, 'gradients'), i) + size(s, 'decay') * at(weights, i);
      const m = size(s, 'beta1') * at(first, i) + at(rates, 2) * g;
      const v = size(s, 'beta2') * at(second, i) + at(rates, 3) * g * g;
      first[i] = m;
      second[i] = v;
      const step = (at(rates, 0) * m) / (Math.sqrt(v) * at(rates, 1) + size(s, 'epsilon'));
      weights[i] = at(rates, 4) * at(weights, i) - step;
    }
  },
  cases: [{ sizes: { length: 16384 + 20, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 1e-4 } }],
};

export const rmspropUpdate: Kernel = {
  name: 'f32_rmsprop_update',
  file: 'optimizer',
  pointers: {
    weights: { access: 'update', length },
    gradients: { access: 'read', length },
    square: { access: 'update', fill: 'positive', length },
    velocity: { access: 'update', length },
    rates: { access: 'read', fill: 'positive', length: () => 2 },
  },
  integers: ['length', 'inside'],
  floats: ['alpha', 'epsilon', 'momentum', 'decay'],
  tiles,
  scratchBytes: () => 0,
  flops: (s) => 12 * length(s),
  reduction: () => 8,
  constraint: multipleOf4('length'),
  reference(s, arrays) {
    const [weights, square, velocity] = [array(arrays, 'weights'), array(arrays, 'square'), array(arrays, 'velocity')];
    const rates = array(arrays, 'rates');
    const epsilon = size(s, 'epsilon');
    for (let i = 0; i < length(s); i++) {
      const g = at(array(arrays, 'gradients'), i) + size(s, 'decay') * at(weights, i);
      const mean = size(s, 'alpha') * at(square, i) + at(rates, 1) * g * g;
      const root = size(s, 'inside') === 1 ? Math.sqrt(mean + epsilon) : Math.sqrt(mean) + epsilon;
      square[i] = mean;
      velocity[i] = size(s, 'momentum') * at(velocity, i) + g / root;
      weights[i] = at(weights, i) - at(rates, 0) * at(velocity, i);
    }
  },
  cases: [
    { sizes: { length: 16384 + 20, inside: 0, alpha: 0.9, epsilon: 0.0316, momentum: 0.9, decay: 1e-5 } },
    { sizes: { length: 36, inside: 1, alpha: 0.99, epsilon: 1e-3, momentum: 0, decay: 0 } },
  ],
};

export const movingAverageUpdate: Kernel = {
  name: 'f32_moving_average_update',
  file: 'optimizer',
  pointers: {
    averages: { access: 'update', length },
    values: { access: 'read', length },
    rates: { access: 'read', fill: 'positive', length: () => 2 },
  },
  integers: ['length'],
  floats: [],
  tiles,
  scratchBytes: () => 0,
  flops: (s) => 3 * length(s),
  reduction: () => 2,
  constraint: multipleOf4('length'),
  reference(s, arrays) {
    const [averages, values, rates] = [array(arrays, 'averages'), array(arrays, 'values'), array(arrays, 'rates')];
    for (let i = 0; i < length(s); i++) averages[i] = at(rates, 0) * at(averages, i) + at(rates, 1) * at(values, i);
  },
  cases: [{ sizes: { length: 16384 + 20 } }, { sizes: { length: 4 } }],
};
