/**
 * Changes that send each channel through a table of 256 bytes: posterize, solarize, invert,
 * autocontrast, equalize; brightness and contrast use the tables too. Bytes are Pillow's.
 * Source: Pillow, src/PIL/ImageOps.py.
 */
import { makePicture, type Picture } from '../picture.ts';

const CHANNELS = 3;
const LEVELS = 256;

/** [3, 256], what becomes of each level of red, green and blue. */
export type ToneTable = Uint8Array;

/** One rule for all channels. The rule gives whole numbers from 0 to 255. */
export function toneTable(rule: (level: number) => number): ToneTable {
  const table = new Uint8Array(CHANNELS * LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    const value = rule(level);
    table[level] = value;
    table[LEVELS + level] = value;
    table[2 * LEVELS + level] = value;
  }
  return table;
}

export function applyTone({ width, height, data }: Picture, table: ToneTable): Picture {
  const output = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += CHANNELS) {
    output[i] = table[data[i] as number] as number;
    output[i + 1] = table[LEVELS + (data[i + 1] as number)] as number;
    output[i + 2] = table[2 * LEVELS + (data[i + 2] as number)] as number;
  }
  return makePicture(width, height, output);
}

/** Keeps the upper `bits` bits of each channel, 0 to 8. */
export function posterize(picture: Picture, bits: number): Picture {
  const mask = ~(2 ** (8 - bits) - 1);
  return applyTone(
    picture,
    toneTable((level) => level & mask),
  );
}

/** Inverts what is at least as light as `threshold`, 0 to 255 and above. */
export function solarize(picture: Picture, threshold: number): Picture {
  return applyTone(
    picture,
    toneTable((level) => (level < threshold ? level : 255 - level)),
  );
}

/** Light and dark exchanged. */
export function invert(picture: Picture): Picture {
  return applyTone(
    picture,
    toneTable((level) => 255 - level),
  );
}

/** [3, 256], how many pixels have each level of red, green and blue. */
function histograms({ data }: Picture): Uint32Array {
  const counts = new Uint32Array(CHANNELS * LEVELS);
  const add = (place: number) => {
    counts[place] = (counts[place] as number) + 1;
  };
  for (let i = 0; i < data.length; i += CHANNELS) {
    add(data[i] as number);
    add(LEVELS + (data[i + 1] as number));
    add(2 * LEVELS + (data[i + 2] as number));
  }
  return counts;
}

/** A table for each channel from its histogram; null leaves a channel as it is. */
function tableByHistogram(picture: Picture, rule: (counts: Uint32Array, table: Uint8Array) => boolean): Picture {
  const counts = histograms(picture);
  const table = toneTable((level) => level);
  for (let start = 0; start < counts.length; start += LEVELS) {
    const own = table.slice(start, start + LEVELS);
    if (rule(counts.subarray(start, start + LEVELS), own)) table.set(own, start);
  }
  return applyTone(picture, table);
}

/** Stretches each channel so that its darkest level becomes 0 and its lightest 255. */
export function autocontrast(picture: Picture): Picture {
  return tableByHistogram(picture, (counts, table) => {
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return false;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    for (let level = 0; level < LEVELS; level++) {
      table[level] = Math.min(255, Math.max(0, Math.trunc(level * scale + offset)));
    }
    return true;
  });
}

/** Makes each channel's levels about equally frequent. */
export function equalize(picture: Picture): Picture {
  const pixels = picture.width * picture.height;
  return tableByHistogram(picture, (counts, table) => {
    const last = counts[counts.findLastIndex((count) => count > 0)] as number;
    const step = Math.floor((pixels - last) / 255);
    if (step === 0) return false;
    let sum = step >> 1;
    for (let level = 0; level < LEVELS; level++) {
      table[level] = Math.min(255, Math.floor(sum / step));
      sum += counts[level] as number;
    }
    return true;
  });
}
