/** Rows of kernels/linear.ts: fully connected layers, weights as saved, any sizes. */
import { activate } from './activation-code.ts';
import { ceilDivide, EDGE_BYTES, type Kernel, multipleOf4, multipleOf8, type Sizes, size } from './kernel.ts';
import { packedIndex, packedLength, panelBytes } from './panel.ts';
import { array, at } from './reference-views.ts';

const rows = (s: Sizes) => size(s, 'rows');
const inFeatures = (s: Sizes) => size(s, 'inFeatures');
const outFeatures = (s: Sizes) => size(s, 'outFeatures');
const flops = (s: Sizes) => 2 * rows(s) * inFeatures(s) * outFeatures(s);
const ODD = { rows: 7, inFeatures: 27, outFeatures: 13 };
const ONE = { rows: 1, inFeatures: 3, outFeatures: 2 };
const EVEN = { rows: 8, inFeatures: 40, outFeatures: 24 };

export const linearForward: Kernel = {
  name: 'f32_linear_forward',
  file: 'linear',
  pointers: {
    x: { access: 'read', length: (s) => rows(s) * inFeatures(s) },
    weight: { access: 'read', length: (s) => outFeatures(s) * inFeatures(s) },
    bias: { access: 'read', optional: true, length: outFeatures },
    y: { access: 'write', length: (s) => rows(s) * outFeatures(s) },
  },
  integers: ['rows', 'inFeatures', 'outFeatures', 'featuresPerTask', 'activation'],
  floats: [],
  tiles: (s) => ceilDivide(outFeatures(s), size(s, 'featuresPerTask')),
  scratchBytes: () => 0,
  flops,
  reduction: inFeatures,
  reference(s, arrays) {
    const [x, weight, y] = [array(arrays, 'x'), array(arrays, 'weight'), array(arrays, 'y')];
    for (let row = 0; row < rows(s); row++) {
      for (let o = 0; o < outFeatures(s); o++) {
        let sum = arrays.bias ? at(arrays.bias, o) : 0;
        for (let i = 0; i < inFeatures(s); i++) {
          sum += at(x, row * inFeatures(s) + i) * at(weight, o * inFeatures(s) + i);
        }
        y[row * outFeatures(s) + o] = activate(sum, size(s, 'activation'));
      }
    }
  },
  cases: [
    { sizes: { ...ODD, featuresPerTask: 5, activation: 3 } },
    { sizes: { ...ONE, featuresPerTask: 8, activation: 4 }, absent: ['bias'] },
    { sizes: { ...EVEN, featuresPerTask: 8, activation: 0 } },
  ],
};

export const linearTilesForward: Kernel = {
  ...linearForward,
  name: 'f32_linear_forward__5x8',
  pointers: {
    ...linearForward.pointers,
    weight: { access: 'read', length: (s) => packedLength(inFeatures(s), outFeatures(s)) },
  },
  scratchBytes: (s) => EDGE_BYTES + panelBytes(rows(s) + 3, inFeatures(s)),
  constraint: multipleOf8('featuresPerTask'),
  reference(s, arrays) {
    const packed = array(arrays, 'weight');
    const weight = Float32Array.from({ length: outFeatures(s) * inFeatures(s) }, (_, index) =>
      at(packed, packedIndex(inFeatures(s), index % inFeatures(s), Math.floor(index / inFeatures(s)))),
    );
    linearForward.reference(s, { ...arrays, weight });
  },
  cases: [
    { sizes: { ...ODD, featuresPerTask: 8, activation: 3 } },
    { sizes: { ...EVEN, featuresPerTask: 16, activation: 0 }, absent: ['bias'] },
    { sizes: { ...EVEN, featuresPerTask: 24, activation: 4 } },
    { sizes: { rows: 17, inFeatures: 30, outFeatures: 20, featuresPerTask: 24, activation: 1 } },
    // where a panel of weights is worth reading ahead
    { sizes: { rows: 8, inFeatures: 522, outFeatures: 36, featuresPerTask: 24, activation: 0 } },
    { sizes: { rows: 16, inFeatures: 512, outFeatures: 24, featuresPerTask: 16, activation: 3 } },
  ],
};

export const linearGradInput: Kernel = {
  name: 'f32_linear_grad_input',
  file: 'linear',
  pointers: {
    dy: { access: 'read', length: (s) => rows(s) * outFeatures(s) },
    weight: { access: 'read', length: (s) => outFeatures(s) * inFeatures(s) },
    dx: { access: 'write', length: (s) => rows(s) * inFeatures(s) },
  },
  integers: ['rows', 'inFeatures', 'outFeatures', 'featuresPerTask'],
  floats: [],
  tiles: (s) => ceilDivide(inFeatures(s), size(s, 'featuresPerTask')),
  scratchBytes: (s) =>
    EDGE_BYTES + panelBytes(rows(s) + 3, outFeatures(s)) + panelBytes(outFeatures(s), size(s, 'featuresPerTask')),
  flops,
  reduction: outFeatures,
  constraint: multipleOf8('featuresPerTask'),
  reference(s, arrays) {
    const [dy, weight, dx] = [array(arrays, 'dy'), array(arrays, 'weight'), array(arrays, 'dx')];
    for (let row = 0; row < rows(s); row++) {
      for (let i = 0; i < inFeatures(s); i++) {
        let sum = 0;
        for (let o = 0; o < outFeatures(s); o++) {
          sum += at(dy, row * outFeatures(s) + o) * at(weight, o * inFeatures(s) + i);
        }
        dx[row * inFeatures(s) + i] = sum;
      }
    }
  },
  cases: [
    { sizes: { ...ODD, featuresPerTask: 16 } },
    { sizes: { ...ONE, featuresPerTask: 8 } },
    { sizes: { ...EVEN, featuresPerTask: 16 } },
  ],
};

export const linearGradWeight: Kernel = {
  name: 'f32_linear_grad_weight',
  file: 'linear',
  pointers: {
    dy: { access: 'read', length: (s) => rows(s) * outFeatures(s) },
    x: { access: 'read', length: (s) => rows(s) * inFeatures(s) },
    dWeight: { access: 'write', length: (s) => outFeatures(s) * inFeatures(s) },
    dBias: { access: 'write', optional: true, length: outFeatures },
  },
  integers: ['rows', 'inFeatures', 'outFeatures', 'featuresPerTask'],
  floats: [],
  tiles: (s) => ceilDivide(outFeatures(s), size(s, 'featuresPerTask')),
  scratchBytes: (s) =>
    EDGE_BYTES + panelBytes(rows(s), size(s, 'featuresPerTask')) + panelBytes(rows(s), inFeatures(s)),
  flops,
  reduction: rows,
  constraint: multipleOf4('featuresPerTask'),
  reference(s, arrays) {
    const [dy, x, dWeight] = [array(arrays, 'dy'), array(arrays, 'x'), array(arrays, 'dWeight')];
    for (let o = 0; o < outFeatures(s); o++) {
      let bias = 0;
      for (let row = 0; row < rows(s); row++) bias += at(dy, row * outFeatures(s) + o);
      if (arrays.dBias) arrays.dBias[o] = bias;
      for (let i = 0; i < inFeatures(s); i++) {
        let sum = 0;
        for (let row = 0; row < rows(s); row++) {
          sum += at(dy, row * outFeatures(s) + o) * at(x, row * inFeatures(s) + i);
        }
        dWeight[o * inFeatures(s) + i] = sum;
      }
    }
  },
  cases: [
    { sizes: { ...ODD, featuresPerTask: 8 } },
    { sizes: { ...ONE, featuresPerTask: 4 }, absent: ['dBias'] },
    { sizes: { ...EVEN, featuresPerTask: 8 } },
  ],
};
