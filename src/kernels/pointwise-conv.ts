/** Rows of kernels/pointwise-conv.ts. Weights are packed in panels of 8 columns (pack.ts). */
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
  productReadsAhead,
  type Sizes,
  size,
  wholeImages,
} from './kernel.ts';
import { mapFloats, mapIndex, packedIndex, packedLength, panelBytes } from './panel.ts';
import {
  array,
  at,
  gradientOfOutput,
  normalizedValue,
  range,
  writeGradientSums,
  writeStatistics,
} from './reference-views.ts';

const rows = (s: Sizes) => size(s, 'rows');
const inChannels = (s: Sizes) => size(s, 'inChannels');
const outChannels = (s: Sizes) => size(s, 'outChannels');
const images = (s: Sizes) => ceilDivide(rows(s), size(s, 'rowsPerImage'));
const blockRows = (s: Sizes) => size(s, 'rowsPerBlock');
const rowTasks = (s: Sizes) => ceilDivide(rows(s), size(s, 'rowsPerTask'));

/** y[row][o] = sum over c of value(row, c) * w[c][o] + bias[o], handed to `write`. */
function multiply(
  s: Sizes,
  value: (row: number, channel: number) => number,
  weight: Arrays[string] & object,
  write: (row: number, out: number, sum: number) => void,
): void {
  const depth = inChannels(s);
  for (let row = 0; row < rows(s); row++) {
    const values = range(0, depth).map((c) => value(row, c));
    for (let o = 0; o < outChannels(s); o++) {
      let sum = 0;
      for (let c = 0; c < depth; c++) sum += (values[c] as number) * at(weight, packedIndex(depth, c, o));
      write(row, o, sum);
    }
  }
}

function inputValue(s: Sizes, arrays: Arrays, prefix: '' | 'x'): (row: number, channel: number) => number {
  const named = (name: string) => (prefix === '' ? name : prefix + (name[0] as string).toUpperCase() + name.slice(1));
  const x = array(arrays, 'x');
  const gate = arrays[named('gate')];
  const coefficients = arrays[named('coefficients')];
  const activation = s[named('activation')] ?? 0;
  return (row, channel) => {
    const image = Math.floor(row / size(s, 'rowsPerImage'));
    const index = row * inChannels(s) + channel;
    return normalizedValue(x, index, channel, inChannels(s), coefficients, activation, gate, image);
  };
}

export const pointwiseConvStatisticsForward: Kernel = {
  name: 'f32_pointwise_conv_statistics_forward__5x8',
  file: 'pointwise-conv',
  pointers: {
    x: { access: 'read', length: (s) => rows(s) * inChannels(s) },
    coefficients: { access: 'read', optional: true, length: (s) => 2 * inChannels(s) },
    gate: { access: 'read', optional: true, length: (s) => images(s) * inChannels(s) },
    weight: { access: 'read', length: (s) => packedLength(inChannels(s), outChannels(s)) },
    y: { access: 'write', length: (s) => rows(s) * outChannels(s) },
    partials: { access: 'write', length: (s) => rowTasks(s) * (4 + 2 * outChannels(s)) },
  },
  integers: ['rows', 'inChannels', 'outChannels', 'rowsPerImage', 'rowsPerTask', 'rowsPerBlock', 'activation'],
  floats: [],
  tiles: rowTasks,
  scratchBytes: (s) => EDGE_BYTES + panelBytes(blockRows(s) + 3, inChannels(s)) + 12 * outChannels(s),
  flops: (s) => 2 * rows(s) * inChannels(s) * outChannels(s),
  reduction: (s) => inChannels(s) + size(s, 'rowsPerTask'),
  constraint: multipleOf4('inChannels', 'outChannels'),
  reference(s, arrays) {
    const y = array(arrays, 'y');
    multiply(s, inputValue(s, arrays, ''), array(arrays, 'weight'), (row, o, sum) => {
      y[row * outChannels(s) + o] = sum;
    });
    for (let task = 0; task < rowTasks(s); task++) {
      const first = task * size(s, 'rowsPerTask');
      const taskRows = range(first, Math.min(first + size(s, 'rowsPerTask'), rows(s)));
      writeStatistics(array(arrays, 'partials'), task, y, taskRows, outChannels(s));
    }
  },
  cases: [
    {
      sizes: {
        rows: 53,
        inChannels: 12,
        outChannels: 20,
        rowsPerImage: 9,
        rowsPerTask: 24,
        rowsPerBlock: 8,
        activation: 3,
      },
    },
    {
      sizes: {
        rows: 49,
        inChannels: 16,
        outChannels: 8,
        rowsPerImage: 49,
        rowsPerTask: 49,
        rowsPerBlock: 16,
        activation: 1,
      },
      absent: ['gate'],
    },
    {
      sizes: {
        rows: 6,
        inChannels: 8,
        outChannels: 24,
        rowsPerImage: 1,
        rowsPerTask: 4,
        rowsPerBlock: 4,
        activation: 0,
      },
      absent: ['gate', 'coefficients'],
    },
  ],
};

const columnTasks = (s: Sizes) => ceilDivide(outChannels(s), size(s, 'columnsPerTask'));

export const pointwiseConvForward: Kernel = {
  name: 'f32_pointwise_conv_forward__5x8',
  file: 'pointwise-conv',
  pointers: {
    x: { access: 'read', length: (s) => mapFloats(rows(s), inChannels(s)) },
    gate: { access: 'read', optional: true, length: (s) => images(s) * inChannels(s) },
    weight: { access: 'read', length: (s) => packedLength(inChannels(s), outChannels(s)) },
    bias: { access: 'read', length: outChannels },
    residual: { access: 'read', optional: true, length: (s) => mapFloats(rows(s), outChannels(s)) },
    y: { access: 'write', length: (s) => mapFloats(rows(s), outChannels(s)) },
  },
  integers: ['rows', 'inChannels', 'outChannels', 'rowsPerImage', 'rowsPerTask', 'columnsPerTask', 'activation'],
  floats: [],
  tiles: (s) => rowTasks(s) * columnTasks(s),
  // gated rows
  scratchBytes: (s) => EDGE_BYTES + panelBytes(size(s, 'rowsPerTask') + 3, inChannels(s)),
  readsAhead: (s) => productReadsAhead(rows(s), inChannels(s), outChannels(s)),
  flops: (s) => 2 * rows(s) * inChannels(s) * outChannels(s),
  reduction: inChannels,
  constraint: (s) => multipleOf8('inChannels', 'outChannels', 'columnsPerTask')(s) ?? foldedActivation('activation')(s),
  reference(s, arrays) {
    const y = array(arrays, 'y');
    const { residual } = arrays;
    const x = array(arrays, 'x');
    const value = (row: number, c: number) => {
      const image = Math.floor(row / size(s, 'rowsPerImage'));
      return at(x, mapIndex(rows(s), row, c)) * (arrays.gate ? at(arrays.gate, image * inChannels(s) + c) : 1);
    };
    multiply(s, value, array(arrays, 'weight'), (row, o, sum) => {
      const index = mapIndex(rows(s), row, o);
      const activated = activate(sum + at(array(arrays, 'bias'), o), size(s, 'activation'));
      y[index] = activated + (residual ? at(residual, index) : 0);
    });
  },
  cases: [
    {
      sizes: {
        rows: 53,
        inChannels: 24,
        outChannels: 24,
        rowsPerImage: 9,
        rowsPerTask: 24,
        columnsPerTask: 8,
        activation: SCALED_HARD_SWISH,
      },
    },
    {
      sizes: {
        rows: 120,
        inChannels: 16,
        outChannels: 8,
        rowsPerImage: 60,
        rowsPerTask: 25,
        columnsPerTask: 16,
        activation: 1,
      },
    },
    {
      sizes: {
        rows: 7,
        inChannels: 8,
        outChannels: 72,
        rowsPerImage: 7,
        rowsPerTask: 8,
        columnsPerTask: 80,
        activation: SCALED_HARD_SWISH,
      },
      absent: ['gate'],
    },
    {
      sizes: {
        rows: 9,
        inChannels: 16,
        outChannels: 40,
        rowsPerImage: 9,
        rowsPerTask: 9,
        columnsPerTask: 24,
        activation: 2,
      },
      absent: ['gate', 'residual'],
    },
    {
      sizes: {
        rows: 7,
        inChannels: 8,
        outChannels: 8,
        rowsPerImage: 7,
        rowsPerTask: 8,
        columnsPerTask: 8,
        activation: 2,
      },
      absent: ['gate'],
    },
  ],
};

export const pointwiseConvAveragePool: Kernel = {
  name: 'f32_pointwise_conv_average_pool_forward__5x8',
  file: 'pointwise-conv',
  pointers: {
    x: { access: 'read', length: (s) => mapFloats(rows(s), inChannels(s)) },
    weight: { access: 'read', length: (s) => packedLength(inChannels(s), outChannels(s)) },
    bias: { access: 'read', length: outChannels },
    pooled: { access: 'write', length: (s) => images(s) * outChannels(s) },
  },
  integers: ['rows', 'inChannels', 'outChannels', 'rowsPerImage', 'rowsPerTask', 'columnsPerTask', 'activation'],
  floats: [],
  tiles: (s) => rowTasks(s) * columnTasks(s),
  // sixteen columns
  scratchBytes: (s) => EDGE_BYTES + 4 * mapFloats(size(s, 'rowsPerTask'), 16),
  readsAhead: (s) => productReadsAhead(rows(s), inChannels(s), outChannels(s)),
  flops: (s) => 2 * rows(s) * inChannels(s) * outChannels(s),
  reduction: (s) => inChannels(s) + size(s, 'rowsPerImage'),
  constraint: (s) =>
    multipleOf8('inChannels', 'outChannels', 'columnsPerTask')(s) ??
    foldedActivation('activation')(s) ??
    wholeImages('rows', 'rowsPerTask')(s),
  reference(s, arrays) {
    const pooled = array(arrays, 'pooled').fill(0);
    const x = array(arrays, 'x');
    const value = (row: number, c: number) => at(x, mapIndex(rows(s), row, c));
    multiply(s, value, array(arrays, 'weight'), (row, o, sum) => {
      const index = Math.floor(row / size(s, 'rowsPerImage')) * outChannels(s) + o;
      const activated = activate(sum + at(array(arrays, 'bias'), o), size(s, 'activation'));
      pooled[index] = at(pooled, index) + activated / size(s, 'rowsPerImage');
    });
  },
  cases: [
    {
      sizes: {
        rows: 45,
        inChannels: 16,
        outChannels: 56,
        rowsPerImage: 9,
        rowsPerTask: 18,
        columnsPerTask: 48,
        activation: SCALED_HARD_SWISH,
      },
    },
    {
      sizes: {
        rows: 14,
        inChannels: 24,
        outChannels: 8,
        rowsPerImage: 7,
        rowsPerTask: 14,
        columnsPerTask: 16,
        activation: 2,
      },
    },
    {
      sizes: {
        rows: 3,
        inChannels: 8,
        outChannels: 24,
        rowsPerImage: 1,
        rowsPerTask: 2,
        columnsPerTask: 24,
        activation: 0,
      },
    },
  ],
};

export const pointwiseConvGradient: Kernel = {
  name: 'f32_pointwise_conv_grad_input_grad_weight__5x8',
  file: 'pointwise-conv',
  pointers: {
    da: { access: 'read', optional: true, length: (s) => rows(s) * outChannels(s) },
    y: { access: 'read', length: (s) => rows(s) * outChannels(s) },
    coefficients: { access: 'read', length: (s) => 2 * outChannels(s) },
    factors: { access: 'read', length: (s) => 3 * outChannels(s) },
    gate: { access: 'read', optional: true, length: (s) => images(s) * outChannels(s) },
    pooled: { access: 'read', optional: true, length: (s) => images(s) * outChannels(s) },
    x: { access: 'read', length: (s) => rows(s) * inChannels(s) },
    xCoefficients: { access: 'read', optional: true, length: (s) => 2 * inChannels(s) },
    xGate: { access: 'read', optional: true, length: (s) => images(s) * inChannels(s) },
    xSaved: { access: 'read', optional: true, length: (s) => 2 * inChannels(s) },
    weight: { access: 'read', length: (s) => packedLength(outChannels(s), inChannels(s)) },
    dx: { access: 'update', length: (s) => rows(s) * inChannels(s) },
    partials: { access: 'write', length: (s) => rowTasks(s) * outChannels(s) * inChannels(s) },
    sums: { access: 'write', optional: true, length: (s) => rowTasks(s) * 2 * inChannels(s) },
  },
  integers: [
    'rows',
    'inChannels',
    'outChannels',
    'rowsPerImage',
    'rowsPerTask',
    'rowsPerBlock',
    'activation',
    'xActivation',
    'accumulate',
  ],
  floats: [],
  tiles: rowTasks,
  scratchBytes: (s) =>
    EDGE_BYTES +
    panelBytes(blockRows(s) + 3, outChannels(s)) +
    panelBytes(blockRows(s), inChannels(s)) +
    16 * outChannels(s),
  flops: (s) => 4 * rows(s) * inChannels(s) * outChannels(s),
  reduction: (s) => outChannels(s) + size(s, 'rowsPerTask'),
  constraint: (s) => multipleOf4('inChannels', 'outChannels')(s) ?? mapActivation('activation', 'xActivation')(s),
  reference(s, arrays) {
    const operands = {
      da: arrays.da,
      y: array(arrays, 'y'),
      coefficients: array(arrays, 'coefficients'),
      factors: array(arrays, 'factors'),
      gate: arrays.gate,
      pooled: arrays.pooled,
      activation: size(s, 'activation'),
    };
    const value = inputValue(s, arrays, 'x');
    const weight = array(arrays, 'weight');
    const dx = array(arrays, 'dx');
    const depth = inChannels(s);
    const width = outChannels(s);
    const partials = array(arrays, 'partials').fill(0);
    for (let row = 0; row < rows(s); row++) {
      const image = Math.floor(row / size(s, 'rowsPerImage'));
      const dy = range(0, width).map((o) => gradientOfOutput(operands, row * width + o, o, width, image));
      const task = Math.floor(row / size(s, 'rowsPerTask'));
      for (let c = 0; c < depth; c++) {
        const x = value(row, c);
        let sum = size(s, 'accumulate') === 1 ? at(dx, row * depth + c) : 0;
        for (let o = 0; o < width; o++) {
          sum += (dy[o] as number) * at(weight, packedIndex(width, o, c));
          const index = (task * width + o) * depth + c;
          partials[index] = at(partials, index) + (dy[o] as number) * x;
        }
        dx[row * depth + c] = sum;
      }
    }
    if (!arrays.sums) return;
    const previous = {
      da: dx,
      y: array(arrays, 'x'),
      coefficients: array(arrays, 'xCoefficients'),
      activation: size(s, 'xActivation'),
    };
    for (let task = 0; task < rowTasks(s); task++) {
      const first = task * size(s, 'rowsPerTask');
      const taskRows = range(first, Math.min(first + size(s, 'rowsPerTask'), rows(s)));
      writeGradientSums(arrays.sums, task, previous, array(arrays, 'xSaved'), taskRows, depth);
    }
  },
  cases: [
    {
      sizes: {
        rows: 53,
        inChannels: 12,
        outChannels: 20,
        rowsPerImage: 9,
        rowsPerTask: 24,
        rowsPerBlock: 8,
        activation: 3,
        xActivation: 1,
        accumulate: 1,
      },
      absent: ['xGate'],
    },
    {
      sizes: {
        rows: 18,
        inChannels: 16,
        outChannels: 8,
        rowsPerImage: 9,
        rowsPerTask: 9,
        rowsPerBlock: 16,
        activation: 0,
        xActivation: 3,
        accumulate: 0,
      },
      absent: ['gate', 'pooled', 'sums', 'xSaved'],
    },
    {
      sizes: {
        rows: 7,
        inChannels: 8,
        outChannels: 24,
        rowsPerImage: 7,
        rowsPerTask: 4,
        rowsPerBlock: 4,
        activation: 2,
        xActivation: 0,
        accumulate: 0,
      },
      absent: ['da', 'gate', 'xCoefficients', 'xGate', 'xSaved', 'sums'],
    },
  ],
};
