/**
 * Antialiased bilinear resizing of 8-bit pictures, byte for byte what Pillow's `Image.resize`
 * gives with `BILINEAR`: torchvision's weights were trained and measured on such pictures. Two
 * passes, rows first; the triangle filter widens with the reduction; weights are fixed-point
 * integers of 22 fractional bits and each pass rounds to 8 bits. Everything is integer or IEEE
 * double arithmetic, so the bits are the same in every engine. Training spends most of its loading here:
 * docs/experiments.md has what was tried.
 * Source of the rules: Pillow, src/libImaging/Resample.c.
 */
import { assert } from '../base/errors.ts';
import { type CropBox, checkCropBox, makePicture, type Picture, type PictureSize, pictureBytes } from './picture.ts';
import { type Lines, PRECISION_BITS, resampleColumns, resampleRows, type Taps } from './resample-passes.ts';

/** Left, top, right, bottom in pixels; may be fractional. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/**
 * The taps of one axis. `start` and `end` bound the box on it and are single-precision, as in Pillow.
 * @param mirrored the last output pixel's taps first
 */
function computeTaps(inputSize: number, start: number, end: number, outputSize: number, mirrored = false): Taps {
  const scale = Math.fround(end - start) / outputSize;
  const support = Math.max(scale, 1); // the triangle filter reaches one (scaled) pixel to each side
  const inverse = 1 / support;
  const lows = new Int32Array(outputSize);
  const highs = new Int32Array(outputSize);
  let most = 1;
  for (let output = 0; output < outputSize; output++) {
    const center = start + (output + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inputSize, Math.trunc(center + support + 0.5));
    lows[output] = low;
    highs[output] = high;
    most = Math.max(most, high - low);
  }
  // Three go as four, for which there is a loop.
  const count = most === 3 && inputSize > 3 ? 4 : most;
  const first = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * count);
  const exact = new Float64Array(most);
  for (let output = 0; output < outputSize; output++) {
    const low = lows[output] as number;
    const taps = (highs[output] as number) - low;
    const center = start + (output + 0.5) * scale;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = Math.abs((tap + low - center + 0.5) * inverse);
      const weight = distance < 1 ? 1 - distance : 0;
      exact[tap] = weight;
      sum += weight;
    }
    const place = mirrored ? outputSize - 1 - output : output;
    const begin = Math.min(low, inputSize - count);
    first[place] = begin;
    for (let tap = 0; tap < taps; tap++) {
      const weight = sum === 0 ? 0 : (exact[tap] as number) / sum;
      weights[place * count + low - begin + tap] = Math.trunc(0.5 + weight * (1 << PRECISION_BITS));
    }
  }
  return { first, count, weights };
}

/** Pixels between the passes, of all pictures but large ones: new memory for each would take a tenth of the time. */
const SCRATCH = new Int32Array(2 ** 18);

/** Resamples the part of `source` inside `box` to `width` x `height` pixels. */
function resample(
  source: Omit<Lines, 'rows'> & PictureSize,
  [left, top, right, bottom]: Box,
  { width, height }: PictureSize,
  mirrored: boolean,
  output: Uint8Array,
): void {
  const { data, rowBytes } = source;
  const across = computeTaps(source.width, left, right, width, mirrored);
  const down = computeTaps(source.height, top, bottom, height);
  // Only the rows that the second pass will read.
  const firstRow = down.first[0] as number;
  const rows = (down.first[height - 1] as number) + down.count - firstRow;
  const packed = rows * width <= SCRATCH.length ? SCRATCH : new Int32Array(rows * width);
  resampleRows({ data, begin: source.begin + firstRow * rowBytes, rowBytes, rows }, across, packed);
  resampleColumns(packed, width, { ...down, first: down.first.map((row) => row - firstRow) }, output);
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
  const whole = left === 0 && top === 0 && right === picture.width && bottom === picture.height;
  if (whole && width === picture.width && height === picture.height) return picture;
  const output = new Uint8Array(pictureBytes({ width, height }));
  const source = { ...picture, begin: 0, rowBytes: picture.width * 3 };
  resample(source, [left, top, right, bottom], { width, height }, false, output);
  return makePicture(width, height, output);
}

/**
 * A part of a picture, resized to a square and perhaps mirrored: the bytes of cropping, resizing and flipping one
 * after the other, in one walk.
 * @param output where the `side` * `side` * 3 bytes go
 */
export function resizeCrop(picture: Picture, box: CropBox, side: number, mirrored: boolean, output: Uint8Array): void {
  checkCropBox(picture, box);
  const { data, width: pixels } = picture;
  const { x, y, width, height } = box;
  const square = { width: side, height: side };
  assert(output.length === pictureBytes(square), `${output.length} bytes for ${side}x${side}`);
  const source = { data, begin: (y * pixels + x) * 3, rowBytes: pixels * 3, width, height };
  resample(source, [0, 0, width, height], square, mirrored, output);
}
