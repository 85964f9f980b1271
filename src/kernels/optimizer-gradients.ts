/** Rows of kernels/optimizer-gradients.ts: what happens to gradients before the update. */
import { ceilDivide, type Kernel, multipleOf4, type Sizes, size } from './kernel.ts';
import { array, at } from './reference-views.ts';

const FLOATS_PER_TILE = 16384;
const length = (s: Sizes) => size(s, 'length');
const tiles = (s: Sizes) => normPartials(length(s));
const common = { file: 'optimizer-gradients', tiles, scratchBytes: () => 0, constraint: multipleOf4('length') };

/** Partials that `f32_gradient_norm_forward` leaves for a run of so many floats, of four numbers each. */
export function normPartials(floats: number): number {
  return ceilDivide(floats, FLOATS_PER_TILE);
}

export const gradientSumUpdate: Kernel = {
  ...common,
  name: 'f32_gradient_sum_update',
  pointers: { sums: { access: 'update', length }, gradients: { access: 'read', length } },
  integers: ['length'],
  floats: [],
  flops: length,
  reduction: () => 2,
  reference(s, arrays) {
    const [sums, gradients] = [array(arrays, 'sums'), array(arrays, 'gradients')];
    for (let i = 0; i < length(s); i++) sums[i] = at(sums, i) + at(gradients, i);
  },
  cases: [{ sizes: { length: FLOATS_PER_TILE + 20 } }, { sizes: { length: 4 } }],
};

export const gradientMeanUpdate: Kernel = {
  ...common,
  name: 'f32_gradient_mean_update',
  pointers: { sums: { access: 'update', length }, gradients: { access: 'update', length } },
  integers: ['length'],
  floats: ['scale'],
  flops: (s) => 2 * length(s),
  reduction: () => 2,
  reference(s, arrays) {
    const [sums, gradients] = [array(arrays, 'sums'), array(arrays, 'gradients')];
    for (let i = 0; i < length(s); i++) gradients[i] = (at(sums, i) + at(gradients, i)) * size(s, 'scale');
    sums.fill(0);
  },
  cases: [{ sizes: { length: FLOATS_PER_TILE + 20, scale: 0.25 } }, { sizes: { length: 4, scale: 0.5 } }],
};

export const gradientNormForward: Kernel = {
  ...common,
  name: 'f32_gradient_norm_forward',
  pointers: {
    gradients: { access: 'read', length },
    partials: { access: 'write', length: (s) => 4 * tiles(s) },
  },
  integers: ['length'],
  floats: [],
  flops: (s) => 2 * length(s),
  reduction: () => 1,
  reference(s, arrays) {
    const sums = Float64Array.from({ length: 4 * tiles(s) }, () => 0);
    for (let i = 0; i < length(s); i++) {
      const place = 4 * Math.floor(i / FLOATS_PER_TILE) + (i % 4);
      sums[place] = (sums[place] as number) + at(array(arrays, 'gradients'), i) ** 2;
    }
    array(arrays, 'partials').set(sums);
  },
  cases: [{ sizes: { length: FLOATS_PER_TILE + 20 } }, { sizes: { length: 8 } }],
};

export const gradientClipUpdate: Kernel = {
  ...common,
  name: 'f32_gradient_clip_update',
  pointers: {
    partials: { access: 'read', fill: 'positive', length: (s) => 4 * size(s, 'partialCount') },
    gradients: { access: 'update', length },
  },
  integers: ['length', 'partialCount'],
  floats: ['limit'],
  flops: length,
  reduction: (s) => size(s, 'partialCount'),
  reference(s, arrays) {
    const [partials, gradients] = [array(arrays, 'partials'), array(arrays, 'gradients')];
    let square = 0;
    for (let i = 0; i < partials.length; i++) square += at(partials, i);
    const factor = Math.min(1, size(s, 'limit') / (Math.sqrt(square) + 1e-6));
    for (let i = 0; i < length(s); i++) gradients[i] = at(gradients, i) * factor;
  },
  cases: [
    { sizes: { length: FLOATS_PER_TILE + 20, partialCount: 5, limit: 0.5 } },
    { sizes: { length: 12, partialCount: 1, limit: 100 } },
  ],
};
