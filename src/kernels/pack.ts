/** Rows of kernels/pack.ts: weights and rows into kernel order, gradients back into saved order. */
import { ceilDivide, type Kernel, multipleOf8, type Sizes, size } from './kernel.ts';
import { mapFloats, mapIndex, packedIndex, packedLength } from './panel.ts';
import { array, at } from './reference-views.ts';

const inChannels = (s: Sizes) => size(s, 'inChannels');
const outChannels = (s: Sizes) => size(s, 'outChannels');
const taps = (s: Sizes) => size(s, 'taps');
const depth = (s: Sizes) => inChannels(s) * taps(s);

export const packPanelsForward: Kernel = {
  name: 'f32_pack_panels_forward',
  file: 'pack',
  pointers: {
    weight: { access: 'read', length: (s) => outChannels(s) * depth(s) },
    scale: { access: 'read', optional: true, length: outChannels },
    packed: { access: 'write', length: (s) => packedLength(depth(s), outChannels(s)) },
  },
  integers: ['outChannels', 'inChannels', 'taps'],
  floats: [],
  tiles: (s) => ceilDivide(outChannels(s), 8),
  scratchBytes: () => 0,
  flops: () => 0,
  reduction: () => 0,
  reference(s, arrays) {
    const packed = array(arrays, 'packed').fill(0);
    for (let o = 0; o < outChannels(s); o++) {
      for (let k = 0; k < depth(s); k++) {
        const [tap, channel] = [Math.floor(k / inChannels(s)), k % inChannels(s)];
        const weight = at(array(arrays, 'weight'), (o * inChannels(s) + channel) * taps(s) + tap);
        packed[packedIndex(depth(s), k, o)] = weight * (arrays.scale ? at(arrays.scale, o) : 1);
      }
    }
  },
  cases: [
    { sizes: { outChannels: 21, inChannels: 5, taps: 1 } },
    { sizes: { outChannels: 16, inChannels: 3, taps: 9 }, absent: ['scale'] },
  ],
};

export const packPanelsTransposed: Kernel = {
  name: 'f32_pack_panels_transposed',
  file: 'pack',
  pointers: {
    weight: { access: 'read', length: (s) => outChannels(s) * inChannels(s) },
    packed: { access: 'write', length: (s) => packedLength(outChannels(s), inChannels(s)) },
  },
  integers: ['outChannels', 'inChannels'],
  floats: [],
  tiles: (s) => ceilDivide(inChannels(s), 8),
  scratchBytes: () => 0,
  flops: () => 0,
  reduction: () => 0,
  reference(s, arrays) {
    const packed = array(arrays, 'packed').fill(0);
    for (let o = 0; o < outChannels(s); o++) {
      for (let c = 0; c < inChannels(s); c++) {
        packed[packedIndex(outChannels(s), o, c)] = at(array(arrays, 'weight'), o * inChannels(s) + c);
      }
    }
  },
  cases: [{ sizes: { outChannels: 21, inChannels: 13 } }, { sizes: { outChannels: 8, inChannels: 16 } }],
};

export const packDepthwiseTransposed: Kernel = {
  name: 'f32_pack_depthwise_transposed',
  file: 'pack',
  pointers: {
    weight: { access: 'read', length: (s) => size(s, 'channels') * taps(s) },
    packed: { access: 'write', length: (s) => packedLength(taps(s), size(s, 'channels')) },
  },
  integers: ['channels', 'taps'],
  floats: [],
  tiles: (s) => ceilDivide(size(s, 'channels'), 8),
  scratchBytes: () => 0,
  flops: () => 0,
  reduction: () => 0,
  reference(s, arrays) {
    const packed = array(arrays, 'packed').fill(0);
    for (let c = 0; c < size(s, 'channels'); c++) {
      for (let tap = 0; tap < taps(s); tap++) {
        packed[packedIndex(taps(s), taps(s) - 1 - tap, c)] = at(array(arrays, 'weight'), c * taps(s) + tap);
      }
    }
  },
  cases: [{ sizes: { channels: 20, taps: 9 } }, { sizes: { channels: 8, taps: 25 } }],
};

export const packRowsForward: Kernel = {
  name: 'f32_pack_rows_forward',
  file: 'pack',
  pointers: {
    x: { access: 'read', length: (s) => size(s, 'rows') * size(s, 'channels') },
    packed: { access: 'write', length: (s) => mapFloats(size(s, 'rows'), size(s, 'channels')) },
  },
  integers: ['rows', 'channels', 'rowsPerTask'],
  floats: [],
  tiles: (s) => ceilDivide(size(s, 'rows'), size(s, 'rowsPerTask')),
  scratchBytes: () => 0,
  flops: () => 0,
  reduction: () => 0,
  constraint: multipleOf8('channels'),
  reference(s, arrays) {
    const [rows, channels] = [size(s, 'rows'), size(s, 'channels')];
    const packed = array(arrays, 'packed');
    for (let row = 0; row < rows; row++) {
      for (let channel = 0; channel < channels; channel++) {
        packed[mapIndex(rows, row, channel)] = at(array(arrays, 'x'), row * channels + channel);
      }
    }
  },
  cases: [
    { sizes: { rows: 63, channels: 24, rowsPerTask: 8 } },
    { sizes: { rows: 32, channels: 8, rowsPerTask: 20 } },
    { sizes: { rows: 3, channels: 16, rowsPerTask: 4 } },
  ],
};

export const unpackRowsForward: Kernel = {
  ...packRowsForward,
  name: 'f32_unpack_rows_forward',
  pointers: {
    packed: { access: 'read', length: (s) => mapFloats(size(s, 'rows'), size(s, 'channels')) },
    x: { access: 'write', length: (s) => size(s, 'rows') * size(s, 'channels') },
  },
  reference(s, arrays) {
    const channels = size(s, 'channels');
    array(arrays, 'x').forEach((_, index, x) => {
      const place = mapIndex(size(s, 'rows'), Math.floor(index / channels), index % channels);
      x[index] = at(array(arrays, 'packed'), place);
    });
  },
  cases: [{ sizes: { rows: 63, channels: 24, rowsPerTask: 8 } }, { sizes: { rows: 3, channels: 8, rowsPerTask: 4 } }],
};

const partialLength = (s: Sizes) => size(s, 'groups') * size(s, 'rows') * size(s, 'columns');

export const partialsGradWeight: Kernel = {
  name: 'f32_partials_grad_weight',
  file: 'pack',
  pointers: {
    partials: { access: 'read', length: (s) => size(s, 'partialCount') * partialLength(s) },
    out: { access: 'write', length: partialLength },
  },
  integers: ['partialCount', 'groups', 'rows', 'columns'],
  floats: [],
  tiles: (s) => ceilDivide(partialLength(s), 4096),
  scratchBytes: () => 0,
  flops: (s) => size(s, 'partialCount') * partialLength(s),
  reduction: (s) => size(s, 'partialCount'),
  constraint: (s) => (partialLength(s) % 4 === 0 ? null : 'groups * rows * columns is not a multiple of 4'),
  reference(s, arrays) {
    const [rows, columns] = [size(s, 'rows'), size(s, 'columns')];
    for (let i = 0; i < partialLength(s); i++) {
      let sum = 0;
      for (let task = 0; task < size(s, 'partialCount'); task++) {
        sum += at(array(arrays, 'partials'), task * partialLength(s) + i);
      }
      const inside = i % (rows * columns);
      const [row, column] = [Math.floor(inside / columns), inside % columns];
      array(arrays, 'out')[i - inside + column * rows + row] = sum;
    }
  },
  cases: [
    { sizes: { partialCount: 5, groups: 12, rows: 9, columns: 3 } },
    { sizes: { partialCount: 3, groups: 1, rows: 1, columns: 4100 } },
    { sizes: { partialCount: 1, groups: 1, rows: 25, columns: 8 } },
  ],
};
