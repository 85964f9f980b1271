/**
 * Which pixels make a pixel of a resized picture, and how much each weighs: Pillow's triangle filter, as numbers for the
 * kernels (kernels/resample.ts). The taps of the last two axes are kept.
 * Source of the rules: Pillow, src/libImaging/Resample.c.
 */

/** 32 bits less 8 for the pixel and 2 for headroom, as Pillow has it. */
const PRECISION_BITS = 32 - 8 - 2;
/** The lower part of a weight (kernels/resample.ts). */
const LOW_BITS = 15;

/** Which input pixels make an output pixel: for output i, two for each pair, from `first[i]` on; what is more than it takes weighs 0. At most one lies past the input. */
export interface Taps {
  readonly first: Int32Array;
  readonly pairs: number;
  /** [output][pair][4]: the upper parts of two weights, the lower ones */
  readonly weights: Int16Array;
  /** Whether all lower parts are 0. */
  readonly short: boolean;
}

/** Taps of four output pixels at a time (`enlarge_rows` in kernels/resample.ts), where they lie close enough. */
export interface FourTaps {
  /** [fours]: the first input pixel of five, which hold them all */
  readonly first: Int32Array;
  /** [fours][order, upper, lower][4 outputs][3 values] */
  readonly taps: Int32Array;
}

/** One axis of a resizing. */
export interface Axis {
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
  let lowParts = 0;
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
      lowParts |= weights[at + 2] as number;
    }
  }
  return { first, pairs, weights, short: lowParts === 0 };
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

export function isSameAxis(a: Axis, b: Axis): boolean {
  return (
    a.inputSize === b.inputSize &&
    a.start === b.start &&
    a.end === b.end &&
    a.outputSize === b.outputSize &&
    a.from === b.from &&
    a.count === b.count &&
    a.mirrored === b.mirrored
  );
}

export function tapsOf(axis: Axis): Taps {
  const known = recent.find((one) => isSameAxis(one.axis, axis));
  if (known !== undefined) return known.taps;
  const taps = computeTaps(axis);
  recent = [{ axis, taps }, ...recent.slice(0, 1)];
  return taps;
}

export function fourTapsOf(taps: Taps): FourTaps | null {
  let four = fourTaps.get(taps);
  if (four === undefined) {
    four = computeFourTaps(taps);
    fourTaps.set(taps, four);
  }
  return four;
}
