/** Rows of kernels/elementwise.ts. */
import { philox, RANDOM_PURPOSE } from '../base/random.ts';
import { activate, activateSlope } from './activation-code.ts';
import { ceilDivide, type Kernel, multipleOf4, type Sizes, size } from './kernel.ts';
import { array, at, normalizedValue } from './reference-views.ts';

const length = (s: Sizes) => size(s, 'length');
const floatTiles = (s: Sizes) => ceilDivide(length(s), 16384);
const mapLength = (s: Sizes) => size(s, 'rows') * size(s, 'channels');

export const addForward: Kernel = {
  name: 'f32_add_forward',
  file: 'elementwise',
  pointers: {
    a: { access: 'read', length: mapLength },
    aCoefficients: { access: 'read', optional: true, length: (s) => 2 * size(s, 'channels') },
    b: { access: 'read', optional: true, length: mapLength },
    bCoefficients: { access: 'read', optional: true, length: (s) => 2 * size(s, 'channels') },
    out: { access: 'write', length: mapLength },
  },
  integers: ['rows', 'channels', 'rowsPerTask', 'aActivation', 'bActivation'],
  floats: [],
  tiles: (s) => ceilDivide(size(s, 'rows'), size(s, 'rowsPerTask')),
  scratchBytes: (s) => 32 * 4 * size(s, 'channels'),
  flops: mapLength,
  reduction: () => 2,
  constraint: multipleOf4('channels'),
  reference(s, arrays) {
    const n = size(s, 'channels');
    for (let i = 0; i < mapLength(s); i++) {
      const a = normalizedValue(array(arrays, 'a'), i, i % n, n, arrays.aCoefficients, size(s, 'aActivation'));
      const b = arrays.b ? normalizedValue(arrays.b, i, i % n, n, arrays.bCoefficients, size(s, 'bActivation')) : 0;
      array(arrays, 'out')[i] = a + b;
    }
  },
  cases: [
    { sizes: { rows: 75, channels: 12, rowsPerTask: 70, aActivation: 0, bActivation: 3 } },
    { sizes: { rows: 5, channels: 8, rowsPerTask: 8, aActivation: 1, bActivation: 0 }, absent: ['bCoefficients'] },
    {
      sizes: { rows: 33, channels: 4, rowsPerTask: 8, aActivation: 3, bActivation: 0 },
      absent: ['b', 'bCoefficients'],
    },
  ],
};

export const activationForward: Kernel = {
  name: 'f32_activation_forward',
  file: 'elementwise',
  pointers: { x: { access: 'read', length }, y: { access: 'write', length } },
  integers: ['length', 'activation'],
  floats: [],
  tiles: floatTiles,
  scratchBytes: () => 0,
  flops: length,
  reduction: () => 1,
  reference(s, arrays) {
    for (let i = 0; i < length(s); i++) {
      array(arrays, 'y')[i] = activate(at(array(arrays, 'x'), i), size(s, 'activation'));
    }
  },
  cases: [1, 2, 3, 4].map((activation) => ({ sizes: { length: 16384 + 7 + activation, activation } })),
};

export const activationGradInput: Kernel = {
  name: 'f32_activation_grad_input',
  file: 'elementwise',
  pointers: {
    dy: { access: 'read', length },
    x: { access: 'read', length },
    dx: { access: 'write', length },
  },
  integers: ['length', 'activation'],
  floats: [],
  tiles: floatTiles,
  scratchBytes: () => 0,
  flops: length,
  reduction: () => 1,
  reference(s, arrays) {
    for (let i = 0; i < length(s); i++) {
      const slope = activateSlope(at(array(arrays, 'x'), i), size(s, 'activation'));
      array(arrays, 'dx')[i] = at(array(arrays, 'dy'), i) * slope;
    }
  },
  cases: [1, 2, 3, 4].map((activation) => ({ sizes: { length: 100 + activation, activation } })),
};

export const dropoutForward: Kernel = {
  name: 'f32_dropout_forward',
  file: 'elementwise',
  pointers: {
    x: { access: 'read', length },
    state: { access: 'read', type: 'u32', fill: 'random', length: () => 2 },
    y: { access: 'write', length },
  },
  integers: ['length', 'threshold'],
  floats: ['scale'],
  tiles: floatTiles,
  scratchBytes: () => 0,
  flops: length,
  reduction: () => 1,
  reference(s, arrays) {
    const state = array(arrays, 'state');
    const words = new Uint32Array(4);
    for (let i = 0; i < length(s); i++) {
      philox(words, [i >>> 2, at(state, 1), 0, 0], [at(state, 0), RANDOM_PURPOSE.dropout]);
      const kept = at(words, i & 3) >>> 8 >= size(s, 'threshold');
      array(arrays, 'y')[i] = kept ? at(array(arrays, 'x'), i) * size(s, 'scale') : 0;
    }
  },
  cases: [{ sizes: { length: 16384 + 1001, threshold: Math.round(0.2 * 2 ** 24), scale: 1.25 } }],
};

export const normalizeForward: Kernel = {
  name: 'u8_normalize_forward',
  file: 'elementwise',
  pointers: {
    x: { access: 'read', type: 'u8', fill: 'random', length: (s) => 3 * size(s, 'pixels') },
    coefficients: { access: 'read', length: () => 6 },
    y: { access: 'write', length: (s) => 3 * size(s, 'pixels') },
  },
  integers: ['pixels'],
  floats: [],
  tiles: (s) => ceilDivide(size(s, 'pixels'), 4096),
  scratchBytes: () => 0,
  flops: (s) => 6 * size(s, 'pixels'),
  reduction: () => 2,
  reference(s, arrays) {
    const [x, coefficients] = [array(arrays, 'x'), array(arrays, 'coefficients')];
    for (let i = 0; i < 3 * size(s, 'pixels'); i++) {
      array(arrays, 'y')[i] = at(x, i) * at(coefficients, i % 3) + at(coefficients, 3 + (i % 3));
    }
  },
  cases: [{ sizes: { pixels: 4097 } }, { sizes: { pixels: 1 } }],
};
