/**
 * The two passes of resampling: along the rows into pixels packed three bytes to a word, and from there along the
 * columns into bytes. Nearly all that loading costs in training is here, so there are loops of their own for two
 * taps (any enlargement) and four (reductions to half the size); docs/experiments.md has what was tried.
 * Invariant: sums stay within 0 to 255, since weights are positive and add up to 1 but for their rounding.
 */

/** 32 bits less 8 for the pixel and 2 for headroom, as Pillow has it. */
export const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** Which input pixels make an output pixel: for output i, `count` of them from `first[i]` on. */
export interface Taps {
  readonly first: Int32Array;
  /** the same for every output, so that loops need not ask; what one has fewer weighs 0 */
  readonly count: number;
  /** fixed-point, `count` for each output pixel */
  readonly weights: Int32Array;
}

/** Rows of pixels of three bytes. */
export interface Lines {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** byte of the first pixel */
  readonly begin: number;
  /** from a row to the next */
  readonly rowBytes: number;
  readonly rows: number;
}

/** Resamples rows: [rows, ...] to words [rows, outputs]. A column is made before the next, so that weights are loaded once. */
export function resampleRows(lines: Lines, taps: Taps, packed: Int32Array): void {
  if (taps.count === 2) twoAlongRows(lines, taps, packed);
  else if (taps.count === 4) fourAlongRows(lines, taps, packed);
  else anyAlongRows(lines, taps, packed);
}

/** Resamples columns: words [rows, width] to bytes [outputs, width, 3]. */
export function resampleColumns(packed: Int32Array, width: number, taps: Taps, output: Uint8Array): void {
  if (taps.count === 2) twoAlongColumns(packed, width, taps, output);
  else if (taps.count === 4) fourAlongColumns(packed, width, taps, output);
  else anyAlongColumns(packed, width, taps, output);
}

function twoAlongRows(lines: Lines, taps: Taps, packed: Int32Array): void {
  const { data, begin, rowBytes, rows } = lines;
  const { first, weights } = taps;
  const width = first.length;
  for (let x = 0; x < width; x++) {
    const weightA = weights[2 * x] as number;
    const weightB = weights[2 * x + 1] as number;
    let read = begin + (first[x] as number) * 3;
    for (let write = x; write < rows * width; write += width) {
      const red =
        (HALF + Math.imul(data[read] as number, weightA) + Math.imul(data[read + 3] as number, weightB)) >>
        PRECISION_BITS;
      const green =
        (HALF + Math.imul(data[read + 1] as number, weightA) + Math.imul(data[read + 4] as number, weightB)) >>
        PRECISION_BITS;
      const blue =
        (HALF + Math.imul(data[read + 2] as number, weightA) + Math.imul(data[read + 5] as number, weightB)) >>
        PRECISION_BITS;
      packed[write] = red | (green << 8) | (blue << 16);
      read += rowBytes;
    }
  }
}

function fourAlongRows(lines: Lines, taps: Taps, packed: Int32Array): void {
  const { data, begin, rowBytes, rows } = lines;
  const { first, weights } = taps;
  const width = first.length;
  for (let x = 0; x < width; x++) {
    const weightA = weights[4 * x] as number;
    const weightB = weights[4 * x + 1] as number;
    const weightC = weights[4 * x + 2] as number;
    const weightD = weights[4 * x + 3] as number;
    let read = begin + (first[x] as number) * 3;
    for (let write = x; write < rows * width; write += width) {
      const red =
        (HALF +
          Math.imul(data[read] as number, weightA) +
          Math.imul(data[read + 3] as number, weightB) +
          Math.imul(data[read + 6] as number, weightC) +
          Math.imul(data[read + 9] as number, weightD)) >>
        PRECISION_BITS;
      const green =
        (HALF +
          Math.imul(data[read + 1] as number, weightA) +
          Math.imul(data[read + 4] as number, weightB) +
          Math.imul(data[read + 7] as number, weightC) +
          Math.imul(data[read + 10] as number, weightD)) >>
        PRECISION_BITS;
      const blue =
        (HALF +
          Math.imul(data[read + 2] as number, weightA) +
          Math.imul(data[read + 5] as number, weightB) +
          Math.imul(data[read + 8] as number, weightC) +
          Math.imul(data[read + 11] as number, weightD)) >>
        PRECISION_BITS;
      packed[write] = red | (green << 8) | (blue << 16);
      read += rowBytes;
    }
  }
}

function anyAlongRows(lines: Lines, taps: Taps, packed: Int32Array): void {
  const { data, begin, rowBytes, rows } = lines;
  const { first, weights, count } = taps;
  const width = first.length;
  for (let x = 0; x < width; x++) {
    const end = (x + 1) * count;
    let rowRead = begin + (first[x] as number) * 3;
    for (let write = x; write < rows * width; write += width) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let read = rowRead;
      for (let tap = end - count; tap < end; tap++) {
        const weight = weights[tap] as number;
        red = (red + Math.imul(data[read] as number, weight)) | 0;
        green = (green + Math.imul(data[read + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(data[read + 2] as number, weight)) | 0;
        read += 3;
      }
      packed[write] = (red >> PRECISION_BITS) | ((green >> PRECISION_BITS) << 8) | ((blue >> PRECISION_BITS) << 16);
      rowRead += rowBytes;
    }
  }
}

function twoAlongColumns(packed: Int32Array, width: number, taps: Taps, output: Uint8Array): void {
  const { first, weights } = taps;
  let write = 0;
  for (let y = 0; y < first.length; y++) {
    const weightA = weights[2 * y] as number;
    const weightB = weights[2 * y + 1] as number;
    const begin = (first[y] as number) * width;
    for (let read = begin; read < begin + width; read++) {
      const a = packed[read] as number;
      const b = packed[read + width] as number;
      output[write] = (HALF + Math.imul(a & 255, weightA) + Math.imul(b & 255, weightB)) >> PRECISION_BITS;
      output[write + 1] =
        (HALF + Math.imul((a >> 8) & 255, weightA) + Math.imul((b >> 8) & 255, weightB)) >> PRECISION_BITS;
      output[write + 2] = (HALF + Math.imul(a >> 16, weightA) + Math.imul(b >> 16, weightB)) >> PRECISION_BITS;
      write += 3;
    }
  }
}

function fourAlongColumns(packed: Int32Array, width: number, taps: Taps, output: Uint8Array): void {
  const { first, weights } = taps;
  let write = 0;
  for (let y = 0; y < first.length; y++) {
    const weightA = weights[4 * y] as number;
    const weightB = weights[4 * y + 1] as number;
    const weightC = weights[4 * y + 2] as number;
    const weightD = weights[4 * y + 3] as number;
    const begin = (first[y] as number) * width;
    for (let read = begin; read < begin + width; read++) {
      const a = packed[read] as number;
      const b = packed[read + width] as number;
      const c = packed[read + 2 * width] as number;
      const d = packed[read + 3 * width] as number;
      output[write] =
        (HALF +
          Math.imul(a & 255, weightA) +
          Math.imul(b & 255, weightB) +
          Math.imul(c & 255, weightC) +
          Math.imul(d & 255, weightD)) >>
        PRECISION_BITS;
      output[write + 1] =
        (HALF +
          Math.imul((a >> 8) & 255, weightA) +
          Math.imul((b >> 8) & 255, weightB) +
          Math.imul((c >> 8) & 255, weightC) +
          Math.imul((d >> 8) & 255, weightD)) >>
        PRECISION_BITS;
      output[write + 2] =
        (HALF +
          Math.imul(a >> 16, weightA) +
          Math.imul(b >> 16, weightB) +
          Math.imul(c >> 16, weightC) +
          Math.imul(d >> 16, weightD)) >>
        PRECISION_BITS;
      write += 3;
    }
  }
}

function anyAlongColumns(packed: Int32Array, width: number, taps: Taps, output: Uint8Array): void {
  const { first, weights, count } = taps;
  let write = 0;
  for (let y = 0; y < first.length; y++) {
    const end = (y + 1) * count;
    const begin = (first[y] as number) * width;
    for (let x = begin; x < begin + width; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let read = x;
      for (let tap = end - count; tap < end; tap++) {
        const weight = weights[tap] as number;
        const pixel = packed[read] as number;
        red = (red + Math.imul(pixel & 255, weight)) | 0;
        green = (green + Math.imul((pixel >> 8) & 255, weight)) | 0;
        blue = (blue + Math.imul(pixel >> 16, weight)) | 0;
        read += width;
      }
      output[write] = red >> PRECISION_BITS;
      output[write + 1] = green >> PRECISION_BITS;
      output[write + 2] = blue >> PRECISION_BITS;
      write += 3;
    }
  }
}
