/** Rows of kernels/strassen.ts, and what the kernels with products of quarters share. */
import { type Kernel, type Sizes, size } from './kernel.ts';
import { mapFloats, mapIndex, mapRows, packedIndex, packedLength } from './panel.ts';
import { array, at } from './reference-views.ts';

/** Columns of a product that are halved together. */
export const GROUP_COLUMNS = 32;
const SUMS = 4;

/** Bytes of scratch that multiply_quarters needs for `rows` rows of each half: two sums, and a row of zeros. */
export function quartersBytes(rows: number): number {
  return 64 * (2 * rows + 1);
}

/** Pixels of each half of an image. Of an odd number five have no partner. */
export function halvedRows(pixels: number): number {
  return (pixels - 5 * (pixels % 2)) / 2;
}

/** Floats of the sums of a's quarters, `rows` rows of each half: four maps without room between them. */
export function quarterSumFloats(rows: number, channels: number): number {
  return (SUMS - 1) * packedLength(mapRows(rows), channels / 2) + mapFloats(rows, channels / 2);
}

/** Floats of the sums of quarters of weights. */
export function weightSumFloats(inChannels: number, outChannels: number): number {
  return GROUP_COLUMNS * Math.floor(outChannels / GROUP_COLUMNS) * inChannels;
}

function channelsConstraint(inChannels: number, outChannels: number): string | null {
  if (inChannels % 16 !== 0) return `inChannels is ${inChannels}, not a multiple of 16`;
  return outChannels >= GROUP_COLUMNS ? null : `outChannels is ${outChannels}, less than ${GROUP_COLUMNS}`;
}

/** The first broken rule of a product whose quarters are taken. */
export function quartersConstraint(pixels: number, inChannels: number, outChannels: number): string | null {
  const tiles = areTileRows(halvedRows(pixels));
  return (
    channelsConstraint(inChannels, outChannels) ?? (tiles ? null : `${pixels} pixels have no halves that fill tiles`)
  );
}

/** Whether so many rows are tiles of four and five (whole_rows, kernels/tile.ts). */
export function areTileRows(rows: number): boolean {
  return rows >= 12 || rows === 4 || rows === 5 || (rows >= 8 && rows <= 10);
}

export interface QuartersShape {
  readonly pixels: number;
  readonly inChannels: number;
  readonly outChannels: number;
}

/**
 * A product's values [row][column] by Winograd's form of Strassen's seven products, from a and b and sums of their quarters: a's sum number i of row `row` of all halves.
 */
export function multiplyQuarters(
  { pixels, inChannels, outChannels }: QuartersShape,
  a: (row: number, k: number) => number,
  aSum: (i: number, row: number, k: number) => number,
  b: (k: number, column: number) => number,
  bSum: (index: number) => number,
): (row: number, column: number) => number {
  const half = halvedRows(pixels);
  const depth = inChannels / 2;
  const groups = Math.floor(outChannels / GROUP_COLUMNS);
  const sum = (count: number, value: (k: number) => number) => {
    let total = 0;
    for (let k = 0; k < count; k++) total += value(k);
    return total;
  };
  return (row, column) => {
    const [image, pixel] = [Math.floor(row / pixels), row % pixels];
    const [group, inGroup] = [Math.floor(column / GROUP_COLUMNS), column % GROUP_COLUMNS];
    if (pixel >= 2 * half || group >= groups) return sum(inChannels, (k) => a(row, k) * b(k, column));
    const n = inGroup % (GROUP_COLUMNS / 2);
    const [upper, left] = [image * pixels + (pixel % half), GROUP_COLUMNS * group + n];
    const [lower, right] = [upper + half, left + GROUP_COLUMNS / 2];
    const s = (i: number, k: number) => aSum(i, image * half + (pixel % half), k);
    const t = (i: number, k: number) =>
      bSum(GROUP_COLUMNS * group * inChannels + 8 * i * inChannels + packedIndex(depth, k, n));
    const products = [
      () => sum(depth, (k) => a(upper, k) * b(k, left)),
      () => sum(depth, (k) => a(upper, k + depth) * b(k + depth, left)),
      () => sum(depth, (k) => s(1, k) * t(1, k)),
      () => sum(depth, (k) => s(2, k) * t(2, k)),
      () => sum(depth, (k) => a(lower, k + depth) * t(3, k)),
      () => sum(depth, (k) => s(0, k) * t(0, k)),
      () => sum(depth, (k) => s(3, k) * b(k + depth, right)),
    ];
    const wanted = pixel >= half ? (inGroup > n ? [0, 2, 3, 5] : [0, 2, 3, 4]) : inGroup > n ? [0, 2, 5, 6] : [0, 1];
    return wanted.reduce((total, i) => total + (products[i]?.() ?? 0), 0);
  };
}

/** The sums of quarters of weights, as kernels make them of 32 columns at a time. */
export function weightSumsOf(packed: ArrayLike<number>, inChannels: number, outChannels: number): Float64Array {
  const sums = new Float64Array(weightSumFloats(inChannels, outChannels));
  const depth = inChannels / 2;
  for (let group = 0; group < Math.floor(outChannels / GROUP_COLUMNS); group++) {
    for (let n = 0; n < GROUP_COLUMNS / 2; n++) {
      for (let k = 0; k < depth; k++) {
        const b = (lower: boolean, right: boolean) => {
          const column = GROUP_COLUMNS * group + n + (right ? GROUP_COLUMNS / 2 : 0);
          return packed[packedIndex(inChannels, lower ? k + depth : k, column)] as number;
        };
        const t1 = b(false, true) - b(false, false);
        const t2 = b(true, true) - t1;
        [t1, t2, b(true, true) - b(false, true), b(true, false) - t2].forEach((value, i) => {
          sums[GROUP_COLUMNS * group * inChannels + 8 * i * inChannels + packedIndex(depth, k, n)] = value;
        });
      }
    }
  }
  return sums;
}

/** Sums of quarters [4] of the element at (row, k) of the first quarter. */
export function sumsOfQuarters(quarter: (lower: boolean, right: boolean) => number): [number, number, number, number] {
  const s1 = quarter(true, false) + quarter(true, true);
  const s2 = s1 - quarter(false, false);
  return [s1, s2, quarter(false, false) - quarter(true, false), quarter(false, true) - s2];
}

/** Reads the sums that f32_strassen_sums_forward leaves. */
export function sumReader(values: ArrayLike<number>, rows: number, channels: number) {
  return (i: number, row: number, k: number) =>
    values[i * packedLength(mapRows(rows), channels / 2) + mapIndex(rows, row, k)] as number;
}

const rows = (s: Sizes) => size(s, 'rows');
const channels = (s: Sizes) => size(s, 'channels');
const pixels = (s: Sizes) => size(s, 'rowsPerImage');
const images = (s: Sizes) => rows(s) / pixels(s);

export const strassenSumsForward: Kernel = {
  name: 'f32_strassen_sums_forward',
  file: 'strassen',
  pointers: {
    x: { access: 'read', length: (s) => mapFloats(rows(s), channels(s)) },
    sums: { access: 'write', length: (s) => quarterSumFloats(images(s) * halvedRows(pixels(s)), channels(s)) },
  },
  integers: ['rows', 'channels', 'rowsPerImage'],
  floats: [],
  tiles: (s) => (images(s) * channels(s)) / 16,
  scratchBytes: () => 0,
  flops: (s) => 4 * images(s) * halvedRows(pixels(s)) * (channels(s) / 2),
  reduction: () => 4,
  constraint: (s) =>
    rows(s) % pixels(s) !== 0 ? 'rows are not whole images' : quartersConstraint(pixels(s), channels(s), GROUP_COLUMNS),
  reference(s, arrays) {
    const [x, sums] = [array(arrays, 'x'), array(arrays, 'sums')];
    const half = halvedRows(pixels(s));
    const all = images(s) * half;
    for (let row = 0; row < all; row++) {
      const upper = Math.floor(row / half) * pixels(s) + (row % half);
      for (let k = 0; k < channels(s) / 2; k++) {
        const quarter = (lower: boolean, right: boolean) =>
          at(x, mapIndex(rows(s), lower ? upper + half : upper, right ? k + channels(s) / 2 : k));
        sumsOfQuarters(quarter).forEach((value, i) => {
          sums[i * packedLength(mapRows(all), channels(s) / 2) + mapIndex(all, row, k)] = value;
        });
      }
    }
  },
  cases: [
    { sizes: { rows: 48, channels: 48, rowsPerImage: 24 } },
    { sizes: { rows: 98, channels: 16, rowsPerImage: 49 } },
  ],
};

export const strassenWeightSumsForward: Kernel = {
  name: 'f32_strassen_weight_sums_forward',
  file: 'strassen',
  pointers: {
    packed: { access: 'read', length: (s) => packedLength(size(s, 'inChannels'), size(s, 'outChannels')) },
    sums: { access: 'write', length: (s) => weightSumFloats(size(s, 'inChannels'), size(s, 'outChannels')) },
  },
  integers: ['outChannels', 'inChannels'],
  floats: [],
  tiles: (s) => Math.floor(size(s, 'outChannels') / GROUP_COLUMNS),
  scratchBytes: () => 0,
  flops: (s) => weightSumFloats(size(s, 'inChannels'), size(s, 'outChannels')),
  reduction: () => 4,
  constraint: (s) => channelsConstraint(size(s, 'inChannels'), size(s, 'outChannels')),
  reference(s, arrays) {
    array(arrays, 'sums').set(weightSumsOf(array(arrays, 'packed'), size(s, 'inChannels'), size(s, 'outChannels')));
  },
  cases: [{ sizes: { outChannels: 72, inChannels: 32 } }, { sizes: { outChannels: 32, inChannels: 16 } }],
};
