/**
 * Antialiased bilinear resizing of 8-bit pictures, byte for byte what Pillow's `Image.resize`
 * gives with `BILINEAR`: torchvision's weights were trained and measured on such pictures. Two
 * passes, rows first; the triangle filter widens with the reduction; weights are fixed-point
 * integers of 22 fractional bits and each pass rounds to 8 bits. Everything is integer or IEEE
 * double arithmetic, so the bits are the same in every engine.
 * Source of the rules: Pillow, src/libImaging/Resample.c.
 */
import { assert } from '../base/errors.ts';
import { makePicture, type Picture } from './picture.ts';

/** 32 bits less 8 for the pixel and 2 for headroom, as Pillow has it. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** Left, top, right, bottom in pixels; may be fractional. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Which input pixels make an output pixel: for output i, `count[i]` of them from `first[i]` on. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** fixed-point weights, `stride` places for each output pixel */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** The taps of one axis. `start` and `end` bound the box on it and are single-precision, as in Pillow. */
function computeTaps(inputSize: number, start: number, end: number, outputSize: number): Taps {
  const scale = Math.fround(end - start) / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = filterScale; // the triangle filter reaches one (scaled) pixel to each side
  const inverse = 1 / filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputSize);
  const count = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * stride);
  const exact = new Float64Array(stride);
  for (let output = 0; output < outputSize; output++) {
    const center = start + (output + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inputSize, Math.trunc(center + support + 0.5));
    const taps = high - low;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = Math.abs((tap + low - center + 0.5) * inverse);
      const weight = distance < 1 ? 1 - distance : 0;
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) {
      const weight = sum === 0 ? 0 : (exact[tap] as number) / sum;
      weights[output * stride + tap] = Math.trunc(0.5 + weight * (1 << PRECISION_BITS));
    }
    first[output] = low;
    count[output] = taps;
  }
  return { first, count, weights, stride };
}

/** Resamples `rows` rows from `firstRow` on along x: [rows, picture.width, 3] to [rows, outputWidth, 3]. */
function horizontalPass(picture: Picture, firstRow: number, rows: number, outputWidth: number, taps: Taps): Uint8Array {
  const { data, width } = picture;
  const { first, count, weights, stride } = taps;
  const output = new Uint8Array(rows * outputWidth * 3);
  let write = 0;
  for (let row = 0; row < rows; row++) {
    const rowStart = (firstRow + row) * width * 3;
    for (let x = 0; x < outputWidth; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let read = rowStart + (first[x] as number) * 3;
      const end = x * stride + (count[x] as number);
      for (let tap = x * stride; tap < end; tap++) {
        const weight = weights[tap] as number;
        red = (red + Math.imul(data[read] as number, weight)) | 0;
        green = (green + Math.imul(data[read + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(data[read + 2] as number, weight)) | 0;
        read += 3;
      }
      output[write] = Math.min(red >> PRECISION_BITS, 255);
      output[write + 1] = Math.min(green >> PRECISION_BITS, 255);
      output[write + 2] = Math.min(blue >> PRECISION_BITS, 255);
      write += 3;
    }
  }
  return output;
}

/** Resamples along y. `rows` holds the input from row `firstRow` on, `rowBytes` bytes a row. */
function verticalPass(
  rows: Uint8Array | Uint8ClampedArray,
  firstRow: number,
  rowBytes: number,
  outputHeight: number,
  taps: Taps,
): Uint8Array {
  const output = new Uint8Array(outputHeight * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < outputHeight; y++) {
    sums.fill(HALF);
    const taken = taps.count[y] as number;
    for (let tap = 0; tap < taken; tap++) {
      const weight = taps.weights[y * taps.stride + tap] as number;
      const read = ((taps.first[y] as number) + tap - firstRow) * rowBytes;
      for (let i = 0; i < rowBytes; i++) {
        sums[i] = ((sums[i] as number) + Math.imul(rows[read + i] as number, weight)) | 0;
      }
    }
    const write = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) output[write + i] = Math.min((sums[i] as number) >> PRECISION_BITS, 255);
  }
  return output;
}

/**
 * Resizes a picture, or the part of it inside `box`, to `width` x `height` pixels.
 * As in Pillow, pixels just outside a box still weigh in at its edges; to keep them out, crop first.
 *
 * @param box in pixels of the picture, inside it and not empty; the whole picture if left out
 */
export function resizeBilinear(picture: Picture, width: number, height: number, box?: Box): Picture {
  assert(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1, `size ${width}x${height}`);
  const [left, top, right, bottom] = (box ?? [0, 0, picture.width, picture.height]).map(Math.fround) as [
    number,
    number,
    number,
    number,
  ];
  assert(
    left >= 0 && top >= 0 && right <= picture.width && bottom <= picture.height && left < right && top < bottom,
    `box ${left},${top},${right},${bottom} in ${picture.width}x${picture.height}`,
  );
  const needHorizontal = width !== picture.width || left !== 0 || right !== width;
  const needVertical = height !== picture.height || top !== 0 || bottom !== height;
  if (!needHorizontal && !needVertical) return picture;

  const verticalTaps = computeTaps(picture.height, top, bottom, height);
  let rows = picture.data;
  let firstRow = 0;
  if (needHorizontal) {
    // Only the rows that the vertical pass will read.
    firstRow = needVertical ? (verticalTaps.first[0] as number) : 0;
    const lastRow = needVertical
      ? (verticalTaps.first[height - 1] as number) + (verticalTaps.count[height - 1] as number)
      : picture.height;
    rows = horizontalPass(picture, firstRow, lastRow - firstRow, width, computeTaps(picture.width, left, right, width));
  }
  if (needVertical) rows = verticalPass(rows, firstRow, width * 3, height, verticalTaps);
  return makePicture(width, height, rows);
}
