/** Rows of kernels/pooling.ts: sums over the pixels of an image. */
import { activate, activateSlope } from './activation-code.ts';
import { ceilDivide, type Kernel, mapActivation, multipleOf4, multipleOf8, type Sizes, size } from './kernel.ts';
import { mapFloats, mapIndex } from './panel.ts';
import { array, at, normalizedValue } from './reference-views.ts';

const images = (s: Sizes) => size(s, 'images');
const pixels = (s: Sizes) => size(s, 'pixels');
const channels = (s: Sizes) => size(s, 'channels');
const channelTiles = (s: Sizes) => ceilDivide(channels(s), 64);
const mapLength = (s: Sizes) => images(s) * pixels(s) * channels(s);
const vectorLength = (s: Sizes) => images(s) * channels(s);

export const globalAveragePoolForward: Kernel = {
  name: 'f32_global_average_pool_forward',
  file: 'pooling',
  pointers: {
    x: { access: 'read', length: mapLength },
    coefficients: { access: 'read', optional: true, length: (s) => 2 * channels(s) },
    out: { access: 'write', length: vectorLength },
  },
  integers: ['images', 'pixels', 'channels', 'activation'],
  floats: [],
  tiles: (s) => images(s) * ceilDivide(channels(s), 256),
  scratchBytes: () => 32,
  flops: mapLength,
  reduction: pixels,
  constraint: multipleOf4('channels'),
  reference(s, arrays) {
    const [x, out] = [array(arrays, 'x'), array(arrays, 'out')];
    for (let i = 0; i < vectorLength(s); i++) {
      const image = Math.floor(i / channels(s));
      const c = i % channels(s);
      let sum = 0;
      for (let p = 0; p < pixels(s); p++) {
        const index = (image * pixels(s) + p) * channels(s) + c;
        sum += normalizedValue(x, index, c, channels(s), arrays.coefficients, size(s, 'activation'));
      }
      out[i] = sum / pixels(s);
    }
  },
  cases: [
    { sizes: { images: 3, pixels: 35, channels: 72, activation: 3 } },
    { sizes: { images: 2, pixels: 1, channels: 4, activation: 1 } },
    { sizes: { images: 2, pixels: 9, channels: 68, activation: 0 }, absent: ['coefficients'] },
  ],
};

export const globalAveragePoolPanelsForward: Kernel = {
  name: 'f32_global_average_pool_forward__panels',
  file: 'pooling',
  pointers: {
    x: { access: 'read', length: (s) => mapFloats(images(s) * pixels(s), channels(s)) },
    out: { access: 'write', length: vectorLength },
  },
  integers: ['images', 'pixels', 'channels'],
  floats: [],
  tiles: (s) => channels(s) / 8,
  scratchBytes: () => 0,
  flops: mapLength,
  reduction: pixels,
  constraint: multipleOf8('channels'),
  reference(s, arrays) {
    const [x, out] = [array(arrays, 'x'), array(arrays, 'out')];
    for (let i = 0; i < vectorLength(s); i++) {
      const image = Math.floor(i / channels(s));
      let sum = 0;
      for (let p = 0; p < pixels(s); p++) {
        sum += at(x, mapIndex(images(s) * pixels(s), image * pixels(s) + p, i % channels(s)));
      }
      out[i] = sum / pixels(s);
    }
  },
  cases: [{ sizes: { images: 3, pixels: 35, channels: 72 } }, { sizes: { images: 2, pixels: 1, channels: 8 } }],
};

export const gateSumsGradInput: Kernel = {
  name: 'f32_gate_sums_grad_input',
  file: 'pooling',
  pointers: {
    da: { access: 'read', optional: true, length: mapLength },
    y: { access: 'read', length: mapLength },
    coefficients: { access: 'read', length: (s) => 2 * channels(s) },
    saved: { access: 'read', length: (s) => 2 * channels(s) },
    sums: { access: 'write', length: (s) => 5 * vectorLength(s) },
  },
  integers: ['images', 'pixels', 'channels', 'activation'],
  floats: [],
  tiles: images,
  scratchBytes: () => 64,
  flops: (s) => 10 * mapLength(s),
  reduction: pixels,
  constraint: (s) => multipleOf4('channels')(s) ?? mapActivation('activation')(s),
  reference(s, arrays) {
    const [y, coefficients, saved] = [array(arrays, 'y'), array(arrays, 'coefficients'), array(arrays, 'saved')];
    const sums = array(arrays, 'sums');
    const n = channels(s);
    for (let i = 0; i < vectorLength(s); i++) {
      const image = Math.floor(i / n);
      const c = i % n;
      const total = [0, 0, 0, 0, 0] as [number, number, number, number, number];
      for (let p = 0; p < pixels(s); p++) {
        const index = (image * pixels(s) + p) * n + c;
        const u = at(y, index) * at(coefficients, c) + at(coefficients, n + c);
        const da = arrays.da ? at(arrays.da, index) : 0;
        const slope = activateSlope(u, size(s, 'activation'));
        const centred = slope * (at(y, index) - at(saved, c));
        total[0] += da * activate(u, size(s, 'activation'));
        total[1] += da * slope;
        total[2] += slope;
        total[3] += da * centred;
        total[4] += centred;
      }
      total.forEach((value, kind) => {
        sums[(image * 5 + kind) * n + c] = value;
      });
    }
  },
  cases: [
    { sizes: { images: 3, pixels: 35, channels: 72, activation: 3 } },
    { sizes: { images: 2, pixels: 4, channels: 8, activation: 1 }, absent: ['da'] },
  ],
};

export const gateGradInput: Kernel = {
  name: 'f32_gate_grad_input',
  file: 'pooling',
  pointers: {
    sums: { access: 'read', length: (s) => 5 * vectorLength(s) },
    dGate: { access: 'write', length: vectorLength },
  },
  integers: ['images', 'channels'],
  floats: [],
  tiles: images,
  scratchBytes: () => 0,
  flops: () => 0,
  reduction: () => 0,
  reference(s, arrays) {
    const dGate = array(arrays, 'dGate');
    for (let i = 0; i < vectorLength(s); i++) {
      const image = Math.floor(i / channels(s));
      dGate[i] = at(array(arrays, 'sums'), image * 5 * channels(s) + (i % channels(s)));
    }
  },
  cases: [{ sizes: { images: 3, channels: 12 } }],
};

export const gateStatisticsGradInput: Kernel = {
  name: 'f32_gate_statistics_grad_input',
  file: 'pooling',
  pointers: {
    sums: { access: 'read', length: (s) => 5 * vectorLength(s) },
    gate: { access: 'read', optional: true, length: vectorLength },
    dPool: { access: 'read', optional: true, length: vectorLength },
    pooled: { access: 'write', optional: true, length: vectorLength },
    partial: { access: 'write', length: (s) => 2 * channels(s) },
  },
  integers: ['images', 'channels', 'pixels'],
  floats: [],
  tiles: channelTiles,
  scratchBytes: () => 0,
  flops: (s) => 9 * vectorLength(s),
  reduction: images,
  constraint: multipleOf4('channels'),
  reference(s, arrays) {
    const sums = array(arrays, 'sums');
    const partial = array(arrays, 'partial').fill(0);
    const n = channels(s);
    for (let i = 0; i < vectorLength(s); i++) {
      const image = Math.floor(i / n);
      const c = i % n;
      const sum = (kind: number) => at(sums, (image * 5 + kind) * n + c);
      const gate = arrays.gate ? at(arrays.gate, i) : 1;
      const pooled = arrays.dPool ? at(arrays.dPool, i) / pixels(s) : 0;
      if (arrays.pooled && arrays.dPool) arrays.pooled[i] = pooled;
      partial[c] = at(partial, c) + gate * sum(1) + pooled * sum(2);
      partial[n + c] = at(partial, n + c) + gate * sum(3) + pooled * sum(4);
    }
  },
  cases: [
    { sizes: { images: 5, channels: 72, pixels: 49 } },
    { sizes: { images: 2, channels: 8, pixels: 4 }, absent: ['gate'] },
    { sizes: { images: 2, channels: 8, pixels: 4 }, absent: ['dPool', 'pooled'] },
  ],
};
