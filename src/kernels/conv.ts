/** Rows of kernels/conv.ts: dense K x K convolutions of few input channels, over gathered patches. */
import { activate, SCALED_HARD_SWISH } from './activation-code.ts';
import {
  type Arrays,
  ceilDivide,
  EDGE_BYTES,
  foldedActivation,
  type Kernel,
  mapActivation,
  multipleOf4,
  multipleOf8,
  type PointerSpec,
  type Sizes,
  size,
} from './kernel.ts';
import { mapFloats, mapIndex, packedIndex, packedLength, panelBytes } from './panel.ts';
import { array, at, gradientOfOutput, range, writeStatistics } from './reference-views.ts';

const rows = (s: Sizes) => size(s, 'rows');
const outChannels = (s: Sizes) => size(s, 'outChannels');
const rowTasks = (s: Sizes) => ceilDivide(rows(s), size(s, 'rowsPerTask'));
const outPixels = (s: Sizes) => size(s, 'outHeight') * size(s, 'outWidth');
const depth = (s: Sizes) => size(s, 'kernel') ** 2 * size(s, 'inChannels');
const inputLength = (s: Sizes) =>
  (rows(s) / outPixels(s)) * size(s, 'height') * size(s, 'width') * size(s, 'inChannels');
/** Floats of a patch in scratch: a multiple of eight. */
const patchFloats = (s: Sizes) => ceilDivide(depth(s), 8) * 8;
const scratchRows = (s: Sizes) => 4 * size(s, 'rowsPerBlock');
/** A block's patches in panels, and as they are gathered. */
const panelsAndPatchesBytes = (s: Sizes) =>
  EDGE_BYTES + panelBytes(size(s, 'rowsPerBlock') + 3, depth(s)) + scratchRows(s) * patchFloats(s);

const GEOMETRY = [
  'rows',
  'height',
  'width',
  'inChannels',
  'outHeight',
  'outWidth',
  'outChannels',
  'kernel',
  'stride',
  'padding',
  'dilation',
  'rowsPerTask',
  'rowsPerBlock',
];

/** The patch of an output pixel, in the order [ky][kx][ci], zeros outside the picture. */
function patch(s: Sizes, arrays: Arrays, row: number): number[] {
  const x = array(arrays, 'x');
  const image = Math.floor(row / outPixels(s));
  const top = Math.floor((row % outPixels(s)) / size(s, 'outWidth')) * size(s, 'stride') - size(s, 'padding');
  const left = (row % size(s, 'outWidth')) * size(s, 'stride') - size(s, 'padding');
  const channels = size(s, 'inChannels');
  return range(0, depth(s)).map((k) => {
    const h = top + Math.floor(k / channels / size(s, 'kernel')) * size(s, 'dilation');
    const w = left + (Math.floor(k / channels) % size(s, 'kernel')) * size(s, 'dilation');
    if (h < 0 || h >= size(s, 'height') || w < 0 || w >= size(s, 'width')) return 0;
    return at(x, ((image * size(s, 'height') + h) * size(s, 'width') + w) * channels + (k % channels));
  });
}

function convolve(s: Sizes, arrays: Arrays, write: (index: number, out: number, sum: number) => void): void {
  const weight = array(arrays, 'weight');
  for (let row = 0; row < rows(s); row++) {
    const values = patch(s, arrays, row);
    for (let o = 0; o < outChannels(s); o++) {
      let sum = 0;
      for (let k = 0; k < depth(s); k++) sum += (values[k] as number) * at(weight, packedIndex(depth(s), k, o));
      write(row * outChannels(s) + o, o, sum);
    }
  }
}

const STRIDE_TWO = {
  rows: 40,
  height: 9,
  width: 7,
  inChannels: 3,
  outHeight: 5,
  outWidth: 4,
  outChannels: 12,
  kernel: 3,
  stride: 2,
  padding: 1,
  dilation: 1,
  rowsPerTask: 16,
  rowsPerBlock: 8,
};
const DILATED = {
  ...STRIDE_TWO,
  rows: 63,
  outHeight: 9,
  outWidth: 7,
  inChannels: 4,
  outChannels: 8,
  stride: 1,
  padding: 2,
  dilation: 2,
  rowsPerTask: 63,
};

export const convStatisticsForward: Kernel = {
  name: 'f32_conv_statistics_forward__patches',
  file: 'conv',
  pointers: {
    x: { access: 'read', length: inputLength },
    weight: { access: 'read', length: (s) => packedLength(depth(s), outChannels(s)) },
    y: { access: 'write', length: (s) => rows(s) * outChannels(s) },
    partials: { access: 'write', length: (s) => rowTasks(s) * (4 + 2 * outChannels(s)) },
  },
  integers: GEOMETRY,
  floats: [],
  tiles: rowTasks,
  scratchBytes: (s) => panelsAndPatchesBytes(s) + 12 * outChannels(s),
  flops: (s) => 2 * rows(s) * depth(s) * outChannels(s),
  reduction: (s) => depth(s) + size(s, 'rowsPerTask'),
  constraint: multipleOf4('outChannels'),
  reference(s, arrays) {
    const y = array(arrays, 'y');
    convolve(s, arrays, (index, _, sum) => {
      y[index] = sum;
    });
    for (let task = 0; task < rowTasks(s); task++) {
      const first = task * size(s, 'rowsPerTask');
      const taskRows = range(first, Math.min(first + size(s, 'rowsPerTask'), rows(s)));
      writeStatistics(array(arrays, 'partials'), task, y, taskRows, outChannels(s));
    }
  },
  cases: [{ sizes: STRIDE_TWO }, { sizes: DILATED }],
};

export const convForward: Kernel = {
  name: 'f32_conv_forward__patches',
  file: 'conv',
  pointers: {
    x: { access: 'read', length: inputLength },
    weight: { access: 'read', length: (s) => packedLength(depth(s), outChannels(s)) },
    bias: { access: 'read', length: outChannels },
    y: { access: 'write', length: (s) => mapFloats(rows(s), outChannels(s)) },
  },
  integers: [...GEOMETRY, 'activation'],
  floats: [],
  tiles: rowTasks,
  scratchBytes: panelsAndPatchesBytes,
  flops: (s) => 2 * rows(s) * depth(s) * outChannels(s),
  reduction: depth,
  constraint: (s) => multipleOf8('outChannels')(s) ?? foldedActivation('activation')(s),
  reference(s, arrays) {
    const y = array(arrays, 'y');
    convolve(s, arrays, (index, o, sum) => {
      y[mapIndex(rows(s), Math.floor(index / outChannels(s)), o)] = activate(
        sum + at(array(arrays, 'bias'), o),
        size(s, 'activation'),
      );
    });
  },
  cases: [
    { sizes: { ...STRIDE_TWO, outChannels: 24, activation: SCALED_HARD_SWISH } },
    { sizes: { ...DILATED, activation: 1 } },
  ],
};

/** Bytes of a line of a picture in scratch (kernels/conv.ts), and of what tiles read behind the last one. */
const pictureLineBytes = (s: Sizes) => 12 * (2 * size(s, 'outWidth') + 1);

/** The sizes of f32_conv_forward__patches for the same convolution. */
function asPatches(s: Sizes): Sizes {
  return { ...s, rows: size(s, 'images') * outPixels(s), inChannels: 3, kernel: 3, stride: 2, dilation: 1 };
}

/** Whether f32_conv_forward__picture computes a convolution. */
export function isOfPicture(s: { inChannels: number; kernel: number; stride: number; dilation: number }): boolean {
  return s.inChannels === 3 && s.kernel === 3 && s.stride === 2 && s.dilation === 1;
}

export const convPictureForward: Kernel = {
  name: 'f32_conv_forward__picture',
  file: 'conv',
  pointers: {
    x: { access: 'read', length: (s) => inputLength(asPatches(s)) },
    weight: { access: 'read', length: (s) => packedLength(27, outChannels(s)) },
    bias: { access: 'read', length: outChannels },
    y: { access: 'write', length: (s) => mapFloats(size(s, 'images') * outPixels(s), outChannels(s)) },
  },
  integers: [
    'images',
    'height',
    'width',
    'outHeight',
    'outWidth',
    'outChannels',
    'padding',
    'rowsPerTask',
    'activation',
  ],
  floats: [],
  tiles: (s) => size(s, 'images') * ceilDivide(size(s, 'outHeight'), size(s, 'rowsPerTask')),
  scratchBytes: (s) => EDGE_BYTES + pictureLineBytes(s) * (2 * size(s, 'rowsPerTask') + 1) + 72,
  flops: (s) => convForward.flops(asPatches(s)),
  reduction: () => 27,
  constraint: (s) => multipleOf8('outChannels')(s) ?? foldedActivation('activation')(s),
  reference: (s, arrays) => convForward.reference(asPatches(s), arrays),
  cases: [
    {
      sizes: {
        ...{ images: 2, height: 9, width: 7, outHeight: 5, outWidth: 4, outChannels: 24, padding: 1 },
        ...{ rowsPerTask: 2, activation: SCALED_HARD_SWISH },
      },
    },
    {
      sizes: {
        ...{ images: 1, height: 8, width: 46, outHeight: 4, outWidth: 23, outChannels: 16, padding: 0 },
        ...{ rowsPerTask: 3, activation: 1 },
      },
    },
    {
      sizes: {
        ...{ images: 2, height: 6, width: 12, outHeight: 3, outWidth: 6, outChannels: 8, padding: 1 },
        ...{ rowsPerTask: 8, activation: 0 },
      },
    },
  ],
};

/** The operands of convPictureForward, of pictures from bytes. */
function normalized(s: Sizes, arrays: Arrays): Arrays {
  const [bytes, coefficients] = [array(arrays, 'x'), array(arrays, 'coefficients')];
  const floats = range(0, inputLength(asPatches(s))).map(
    (i) => at(bytes, i) * at(coefficients, i % 3) + at(coefficients, 3 + (i % 3)),
  );
  return { ...arrays, x: Float32Array.from(floats) };
}

export const convPictureBytesForward: Kernel = {
  ...convPictureForward,
  name: 'u8_conv_forward__picture',
  pointers: {
    x: { access: 'read', type: 'u8', fill: 'random', length: (s) => inputLength(asPatches(s)) },
    coefficients: { access: 'read', length: () => 6 },
    weight: convPictureForward.pointers.weight as PointerSpec,
    bias: convPictureForward.pointers.bias as PointerSpec,
    y: convPictureForward.pointers.y as PointerSpec,
  },
  reference: (s, arrays) => convPictureForward.reference(s, normalized(s, arrays)),
};

export const convGradWeight: Kernel = {
  name: 'f32_conv_grad_weight__patches',
  file: 'conv',
  pointers: {
    da: { access: 'read', length: (s) => rows(s) * outChannels(s) },
    y: { access: 'read', length: (s) => rows(s) * outChannels(s) },
    coefficients: { access: 'read', length: (s) => 2 * outChannels(s) },
    factors: { access: 'read', length: (s) => 3 * outChannels(s) },
    x: { access: 'read', length: inputLength },
    partials: { access: 'write', length: (s) => rowTasks(s) * outChannels(s) * depth(s) },
  },
  integers: [...GEOMETRY, 'activation'],
  floats: [],
  tiles: rowTasks,
  scratchBytes: (s) =>
    EDGE_BYTES +
    4 * outChannels(s) * (patchFloats(s) + 4) +
    panelBytes(size(s, 'rowsPerBlock'), outChannels(s)) +
    2 * scratchRows(s) * patchFloats(s),
  flops: (s) => 2 * rows(s) * depth(s) * outChannels(s),
  reduction: (s) => size(s, 'rowsPerTask'),
  constraint: (s) => multipleOf4('outChannels')(s) ?? mapActivation('activation')(s),
  reference(s, arrays) {
    const partials = array(arrays, 'partials').fill(0);
    const operands = {
      da: arrays.da,
      y: array(arrays, 'y'),
      coefficients: array(arrays, 'coefficients'),
      factors: array(arrays, 'factors'),
      activation: size(s, 'activation'),
    };
    for (let row = 0; row < rows(s); row++) {
      const values = patch(s, arrays, row);
      const task = Math.floor(row / size(s, 'rowsPerTask'));
      for (let o = 0; o < outChannels(s); o++) {
        const dy = gradientOfOutput(operands, row * outChannels(s) + o, o, outChannels(s), 0);
        for (let k = 0; k < depth(s); k++) {
          const index = (task * outChannels(s) + o) * depth(s) + k;
          partials[index] = at(partials, index) + dy * (values[k] as number);
        }
      }
    }
  },
  cases: [{ sizes: { ...STRIDE_TWO, activation: 3 } }, { sizes: { ...DILATED, activation: 2 } }],
};
