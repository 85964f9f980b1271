/**
 * Antialiased bilinear resizing of 8-bit pictures, byte for byte what Pillow's `Image.resize`
 * gives with `BILINEAR`: torchvision's weights were trained and measured on such pictures. Two
 * passes, rows first; the triangle filter widens with the reduction; weights are fixed-point
 * integers of 22 fractional bits and each pass rounds to 8 bits. Everything is integer or IEEE
 * double arithmetic, so the bits are the same in every engine. The passes are WebAssembly (kernels/resample.ts), in a
 * memory of their own; docs/experiments.md has what was tried.
 * Source of the rules: Pillow, src/libImaging/Resample.c.
 */
import { RESAMPLE_KERNELS } from '../../wasm/resample.js';
import { assert, BneckError } from '../base/errors.ts';
import {
  type CropBox,
  checkCropBox,
  makePicture,
  type Picture,
  type PictureSize,
  pictureBytes,
  wholeOf,
} from './picture.ts';

/** Left, top, right, bottom in pixels; may be fractional. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** 32 bits less 8 for the pixel and 2 for headroom, as Pillow has it. */
const PRECISION_BITS = 32 - 8 - 2;
/** The lower part of a weight (kernels/resample.ts). */
const LOW_BITS = 15;

/** Which input pixels make an output pixel: for output i, two for each pair, from `first[i]` on; what is more than it takes weighs 0. At most one lies past the input. */
interface Taps {
  readonly first: Int32Array;
  readonly pairs: number;
  /** [output][pair][4]: the upper halves of two weights, the lower ones */
  readonly weights: Int16Array;
}

/** Taps of four output pixels at a time (`enlarge_rows` in kernels/resample.ts), where they lie close enough. */
interface FourTaps {
  /** [fours]: the first input pixel of five, which hold them all */
  readonly first: Int32Array;
  /** [fours][order, upper, lower][4 outputs][3 values] */
  readonly taps: Int32Array;
}

/** One axis of a resizing. */
interface Axis {
  /** pixels of the input */
  readonly inputSize: number;
  /** the bounds of the box, in single precision, as in Pillow */
  readonly start: number;
  readonly end: number;
  /** pixels that the box is resized to */
  readonly outputSize: number;
  /** of those, the wanted ones: so many from there on */
  readonly from: number;
  readonly count: number;
  /** the last output pixel's taps first */
  readonly mirrored: boolean;
}

/** The taps of the wanted output pixels of one axis. */
function computeTaps({ inputSize, start, end, outputSize, from, count, mirrored }: Axis): Taps {
  const scale = Math.fround(end - start) / outputSize;
  const support = Math.max(scale, 1); // the triangle filter reaches one (scaled) pixel to each side
  const inverse = 1 / support;
  const centerOf = (output: number) => start + (from + output + 0.5) * scale;
  const lowOf = (center: number) => Math.max(0, Math.trunc(center - support + 0.5));
  const highOf = (center: number) => Math.min(inputSize, Math.trunc(center + support + 0.5));
  let most = 1;
  for (let output = 0; output < count; output++) {
    const center = centerOf(output);
    most = Math.max(most, highOf(center) - lowOf(center));
  }
  const pairs = (most + 1) >> 1;
  const first = new Int32Array(count);
  const weights = new Int16Array(count * pairs * 4);
  const exact = new Float64Array(most);
  for (let output = 0; output < count; output++) {
    const center = centerOf(output);
    const low = lowOf(center);
    const taps = highOf(center) - low;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = Math.abs((tap + low - center + 0.5) * inverse);
      const weight = distance < 1 ? 1 - distance : 0;
      exact[tap] = weight;
      sum += weight;
    }
    const place = mirrored ? count - 1 - output : output;
    // as far from the end as there are taps, where there is room
    const begin = Math.max(0, Math.min(low, inputSize - 2 * pairs));
    first[place] = begin;
    for (let tap = 0; tap < taps; tap++) {
      const share = sum === 0 ? 0 : (exact[tap] as number) / sum;
      const weight = Math.trunc(0.5 + share * (1 << PRECISION_BITS));
      const index = low - begin + tap;
      const at = (place * pairs + (index >> 1)) * 4 + (index & 1);
      weights[at] = weight >> LOW_BITS;
      weights[at + 2] = weight & ((1 << LOW_BITS) - 1);
    }
  }
  return { first, pairs, weights };
}

/** Pixels of which 16 bytes have all three. */
const WHOLE_PIXELS = 5;
/** Numbers of 32 bits for each output pixel: of its three values the order, the upper and the lower weights. */
const FOUR_TAPS_WORDS = 9;

/** Null where the taps of four outputs do not lie within `WHOLE_PIXELS`, as where a picture is made smaller. */
function computeFourTaps({ first, pairs, weights }: Taps): FourTaps | null {
  if (pairs > 1) return null;
  const fours = Math.ceil(first.length / 4);
  const firstOfFour = new Int32Array(fours);
  const taps = new Int32Array(fours * 4 * FOUR_TAPS_WORDS);
  const weightPairs = new Int32Array(weights.buffer);
  for (let four = 0; four < fours; four++) {
    const from = four * 4;
    const last = Math.min(from + 4, first.length) - 1;
    // rising, or falling where mirrored
    const begin = Math.min(first[from] as number, first[last] as number);
    if (Math.max(first[from] as number, first[last] as number) + 2 - begin > WHOLE_PIXELS) return null;
    firstOfFour[four] = begin;
    let at = from * FOUR_TAPS_WORDS;
    for (let output = from; output <= last; output++) {
      const byte = ((first[output] as number) - begin) * 3;
      for (let channel = 0; channel < 3; channel++) {
        // bytes of the two pixels, and none of the sixteen behind each: a zero
        taps[at] = 0xff00ff00 | ((byte + 3 + channel) << 16) | (byte + channel);
        taps[at + 12] = weightPairs[output * 2] as number;
        taps[at + 24] = weightPairs[output * 2 + 1] as number;
        at++;
      }
    }
  }
  return { first: firstOfFour, taps };
}

/** The last two axes: pictures of one size follow each other, and square ones have the same twice. */
let recent: { readonly axis: Axis; readonly taps: Taps }[] = [];
/** What was made of taps. */
const fourTaps = new WeakMap<Taps, FourTaps | null>();

function isSame(a: Axis, b: Axis): boolean {
  return (Object.keys(a) as (keyof Axis)[]).every((key) => a[key] === b[key]);
}

function tapsOf(axis: Axis): Taps {
  const known = recent.find((one) => isSame(one.axis, axis));
  if (known !== undefined) return known.taps;
  const taps = computeTaps(axis);
  recent = [{ axis, taps }, ...recent.slice(0, 1)];
  return taps;
}

function fourTapsOf(taps: Taps): FourTaps | null {
  let four = fourTaps.get(taps);
  if (four === undefined) {
    four = computeFourTaps(taps);
    fourTaps.set(taps, four);
  }
  return four;
}

interface ResampleKernels {
  readonly memory: WebAssembly.Memory;
  enlarge_rows(
    source: number,
    rowBytes: number,
    rows: number,
    firsts: number,
    taps: number,
    fours: number,
    target: number,
    targetRowBytes: number,
  ): void;
  resample_rows(
    source: number,
    rowBytes: number,
    rows: number,
    firsts: number,
    weights: number,
    pairs: number,
    width: number,
    target: number,
    targetRowBytes: number,
  ): void;
  resample_columns(
    source: number,
    rowBytes: number,
    firsts: number,
    weights: number,
    pairs: number,
    height: number,
    target: number,
    targetRowBytes: number,
  ): void;
}

const PAGE_BYTES = 65536;
/** Of a memory that is kept for the next picture. */
const KEPT_BYTES = 2 ** 26;
/** What the passes may read or write behind their operands. */
const MARGIN_BYTES = 64;

let module: WebAssembly.Module | null = null;
let kept: ResampleKernels | null = null;

/** The passes, with a memory of so many bytes at least. @throws BneckError 'image' where there is not so much */
function kernelsWith(bytes: number): ResampleKernels {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(RESAMPLE_KERNELS), (character) => character.charCodeAt(0)));
  const kernels = kept ?? (new WebAssembly.Instance(module).exports as unknown as ResampleKernels);
  const missing = bytes - kernels.memory.buffer.byteLength;
  if (missing > 0) {
    try {
      kernels.memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch (cause) {
      const message = `Resizing takes ${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MB of memory, which there is not; give smaller pictures.`;
      throw new BneckError('image', message, { cause });
    }
  }
  kept = kernels.memory.buffer.byteLength <= KEPT_BYTES ? kernels : null;
  return kernels;
}

/** Rows of pixels of three bytes. */
interface Lines extends PictureSize {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** byte of the first pixel */
  readonly begin: number;
  /** from a row to the next */
  readonly rowBytes: number;
}

/** Resamples what of `source` is inside `box` to `size`, and of that the pixels of `part`, to `output`. */
function resample(
  source: Lines,
  [left, top, right, bottom]: Box,
  size: PictureSize,
  { x: fromX, y: fromY, width, height }: CropBox,
  mirrored: boolean,
  output: Uint8Array,
): void {
  const { data, rowBytes } = source;
  const horizontal = { inputSize: source.width, start: left, end: right, outputSize: size.width };
  const vertical = { inputSize: source.height, start: top, end: bottom, outputSize: size.height };
  const across = tapsOf({ ...horizontal, from: fromX, count: width, mirrored });
  const down = tapsOf({ ...vertical, from: fromY, count: height, mirrored: false });
  // Only the rows that the second pass will read.
  const firstRow = down.first[0] as number;
  const rows = Math.min((down.first[height - 1] as number) + 2 * down.pairs, source.height) - firstRow;
  const begin = source.begin + firstRow * rowBytes;
  const input = data.subarray(begin, begin + (rows - 1) * rowBytes + source.width * 3);
  const fours = fourTapsOf(across);
  const taps = fours?.taps ?? new Int32Array(across.weights.buffer);
  const acrossFirst = (fours ?? across).first;
  // whole vectors, with all that is written of a row: whole fours, or a byte behind the last pixel
  const written = fours ? fours.first.length * 12 : width * 3 + 1;
  const lineBytes = (written + 15) & ~15;

  let end = 0;
  const place = (bytes: number) => {
    const address = end;
    end += Math.ceil((bytes + MARGIN_BYTES) / 16) * 16;
    return address;
  };
  const inputAt = place(input.length);
  const linesAt = place((rows + 1) * lineBytes);
  const outputAt = place(output.length);
  const [acrossAt, tapsAt] = [place(acrossFirst.byteLength), place(taps.byteLength)];
  const [downAt, downWeightsAt] = [place(down.first.byteLength), place(down.weights.byteLength)];

  const { memory, enlarge_rows, resample_rows, resample_columns } = kernelsWith(end);
  const bytes = new Uint8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const halves = new Int16Array(memory.buffer);
  bytes.set(input, inputAt);
  for (let i = 0; i < acrossFirst.length; i++) words[acrossAt / 4 + i] = (acrossFirst[i] as number) * 3;
  words.set(taps, tapsAt / 4);
  for (let y = 0; y < height; y++) words[downAt / 4 + y] = (down.first[y] as number) - firstRow;
  halves.set(down.weights, downWeightsAt / 2);
  if (fours) enlarge_rows(inputAt, rowBytes, rows, acrossAt, tapsAt, fours.first.length, linesAt, lineBytes);
  else resample_rows(inputAt, rowBytes, rows, acrossAt, tapsAt, across.pairs, width, linesAt, lineBytes);
  resample_columns(linesAt, lineBytes, downAt, downWeightsAt, down.pairs, height, outputAt, width * 3);
  output.set(bytes.subarray(outputAt, outputAt + output.length));
}

/** All of a picture's rows. */
function linesOf(picture: Picture): Lines {
  return { ...picture, begin: 0, rowBytes: picture.width * 3 };
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
  const size = { width, height };
  const output = new Uint8Array(pictureBytes(size));
  resample(linesOf(picture), [left, top, right, bottom], size, wholeOf(size), false, output);
  return makePicture(width, height, output);
}

/**
 * A part of a resized picture: the bytes of resizing and then cropping, of which only they are made.
 * @param output where the bytes go
 */
export function resizePart(
  picture: Picture,
  size: PictureSize,
  part: CropBox,
  output: Uint8Array = new Uint8Array(pictureBytes(part)),
): Picture {
  checkCropBox(size, part);
  assert(output.length === pictureBytes(part), `${output.length} bytes for ${part.width}x${part.height}`);
  resample(linesOf(picture), [0, 0, picture.width, picture.height], size, part, false, output);
  return makePicture(part.width, part.height, output);
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
  resample(source, [0, 0, width, height], square, wholeOf(square), mirrored, output);
}
