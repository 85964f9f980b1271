/** Rows of kernels/strassen-conv.ts: pointwise convolutions of inference by products of quarters. */
import { activate, SCALED_HARD_SWISH } from './activation-code.ts';
import {
  type Arrays,
  ceilDivide,
  EDGE_BYTES,
  foldedActivation,
  type Kernel,
  multipleOf8,
  type PointerSpec,
  type Sizes,
  size,
  wholeImages,
} from './kernel.ts';
import { mapFloats, mapIndex, packedIndex } from './panel.ts';
import { pointwiseConvForward } from './pointwise-conv.ts';
import { array, at } from './reference-views.ts';
import {
  areTileRows,
  halvedRows,
  multiplyQuarters,
  quarterSumFloats,
  quartersBytes,
  quartersConstraint,
  sumsOfQuarters,
  weightSumFloats,
} from './strassen.ts';

const rows = (s: Sizes) => size(s, 'rows');
const pixels = (s: Sizes) => size(s, 'rowsPerImage');
const images = (s: Sizes) => rows(s) / pixels(s);
const inChannels = (s: Sizes) => size(s, 'inChannels');
const outChannels = (s: Sizes) => size(s, 'outChannels');
/** Tasks of rows of an image. */
const rowTasks = (s: Sizes) => ceilDivide(halvedRows(pixels(s)), size(s, 'rowsPerTask'));

function constraint(s: Sizes): string | null {
  return (
    multipleOf8('outChannels')(s) ??
    foldedActivation('activation')(s) ??
    wholeImages('rows')(s) ??
    quartersConstraint(pixels(s), inChannels(s), outChannels(s))
  );
}

/** Tasks of rows that fill tiles. */
function taskConstraint(s: Sizes): string | null {
  const last = halvedRows(pixels(s)) - (rowTasks(s) - 1) * size(s, 'rowsPerTask');
  return areTileRows(size(s, 'rowsPerTask')) && areTileRows(last) ? null : 'a task has rows that fill no tiles';
}

/** x times gate, if there is one. */
function gatedValue(s: Sizes, { x, gate }: Arrays): (row: number, channel: number) => number {
  return (row, channel) => {
    const value = at(x as Float32Array, mapIndex(rows(s), row, channel));
    return gate ? value * at(gate, Math.floor(row / pixels(s)) * inChannels(s) + channel) : value;
  };
}

/** The sums that the kernel makes itself of a's quarters. */
function ownSums(s: Sizes, a: (row: number, channel: number) => number) {
  const half = halvedRows(pixels(s));
  return (i: number, row: number, k: number) => {
    const upper = Math.floor(row / half) * pixels(s) + (row % half);
    const quarter = (lower: boolean, right: boolean) =>
      a(lower ? upper + half : upper, right ? k + inChannels(s) / 2 : k);
    return sumsOfQuarters(quarter)[i] as number;
  };
}

/** Hands activation(x w + bias) to `write`, row by row. */
function convolve(
  s: Sizes,
  arrays: Arrays,
  aSum: (i: number, row: number, k: number) => number,
  bSums: ArrayLike<number>,
  write: (row: number, out: number, value: number) => void,
): void {
  const [weight, bias] = [array(arrays, 'weight'), array(arrays, 'bias')];
  const product = multiplyQuarters(
    { pixels: pixels(s), inChannels: inChannels(s), outChannels: outChannels(s) },
    gatedValue(s, arrays),
    aSum,
    (k, out) => at(weight, packedIndex(inChannels(s), k, out)),
    (index) => bSums[index] as number,
  );
  for (let row = 0; row < rows(s); row++) {
    for (let out = 0; out < outChannels(s); out++) {
      write(row, out, activate(product(row, out) + at(bias, out), size(s, 'activation')));
    }
  }
}

/** x is gated or not; sums of its quarters are made where its rows are. */
export const pointwiseConvStrassen: Kernel = {
  ...pointwiseConvForward,
  name: 'f32_pointwise_conv_forward__strassen',
  file: 'strassen-conv',
  pointers: {
    x: pointwiseConvForward.pointers.x as PointerSpec,
    gate: pointwiseConvForward.pointers.gate as PointerSpec,
    weight: pointwiseConvForward.pointers.weight as PointerSpec,
    weightSums: { access: 'read', length: (s) => weightSumFloats(inChannels(s), outChannels(s)) },
    ...pointwiseConvForward.pointers,
  },
  integers: ['rows', 'inChannels', 'outChannels', 'rowsPerImage', 'rowsPerTask', 'activation'],
  tiles: (s) => images(s) * rowTasks(s),
  // gated rows of both halves, with those that have no partner, and their sums
  scratchBytes: (s) =>
    EDGE_BYTES +
    quartersBytes(size(s, 'rowsPerTask')) +
    4 * (size(s, 'rowsPerTask') + 15) +
    4 * quarterSumFloats(size(s, 'rowsPerTask'), inChannels(s)) +
    4 * mapFloats(2 * size(s, 'rowsPerTask') + 5, inChannels(s)),
  // products of quarters are for many pictures, which read nothing ahead
  readsAhead: () => 0,
  reduction: (s) => 4 * inChannels(s),
  constraint: (s) => constraint(s) ?? taskConstraint(s),
  reference(s, arrays) {
    const [y, { residual }] = [array(arrays, 'y'), arrays];
    const sums = ownSums(s, gatedValue(s, arrays));
    convolve(s, arrays, sums, array(arrays, 'weightSums'), (row, out, value) => {
      const index = mapIndex(rows(s), row, out);
      y[index] = value + (residual ? at(residual, index) : 0);
    });
  },
  cases: [
    { sizes: { rows: 98, inChannels: 32, outChannels: 40, rowsPerImage: 49, rowsPerTask: 12, activation: 0 } },
    {
      sizes: {
        rows: 24,
        inChannels: 16,
        outChannels: 72,
        rowsPerImage: 24,
        rowsPerTask: 12,
        activation: SCALED_HARD_SWISH,
      },
      absent: ['gate'],
    },
    {
      sizes: { rows: 60, inChannels: 48, outChannels: 64, rowsPerImage: 30, rowsPerTask: 10, activation: 1 },
      absent: ['residual'],
    },
    {
      sizes: { rows: 124, inChannels: 16, outChannels: 32, rowsPerImage: 124, rowsPerTask: 62, activation: 0 },
      absent: ['gate'],
    },
    // as many rows as are taken at a time, and a panel of eight columns at the end
    {
      sizes: { rows: 127, inChannels: 16, outChannels: 40, rowsPerImage: 127, rowsPerTask: 61, activation: 2 },
      absent: ['gate', 'residual'],
    },
  ],
};
