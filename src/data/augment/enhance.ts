/**
 * Brightness, contrast, saturation and sharpness: a blend of the picture with one that lacks the
 * quality (black, gray, colorless, smooth), and beyond. Factor 0 gives that one, 1 the picture, more
 * than 1 exaggerates. Single-precision blends that cut off the fraction, as Pillow does them.
 * Sources: Pillow src/PIL/ImageEnhance.py, src/libImaging/Blend.c, Convert.c (luma), Filter.c.
 */
import { makePicture, type Picture } from '../picture.ts';
import { applyTone, toneTable } from './tone.ts';

/** From `from` (at factor 0) to `to` (at factor 1), as a whole number from 0 to 255. */
function blend(from: number, to: number, factor: number): number {
  const value = Math.fround(from + Math.fround(factor * (to - from)));
  if (value <= 0) return 0;
  return value >= 255 ? 255 : Math.trunc(value);
}

/** ITU-R 601-2, in 16 fractional bits. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** @param factor 0 is black */
export function adjustBrightness(picture: Picture, factor: number): Picture {
  const alpha = Math.fround(factor);
  return applyTone(
    picture,
    toneTable((level) => blend(0, level, alpha)),
  );
}

/** @param factor 0 is the gray of the mean luma */
export function adjustContrast(picture: Picture, factor: number): Picture {
  const { data } = picture;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) {
    sum += luma(data[i] as number, data[i + 1] as number, data[i + 2] as number);
  }
  const mean = Math.trunc(sum / (data.length / 3) + 0.5);
  const alpha = Math.fround(factor);
  return applyTone(
    picture,
    toneTable((level) => blend(mean, level, alpha)),
  );
}

/** @param factor 0 is without color */
export function adjustSaturation({ width, height, data }: Picture, factor: number): Picture {
  const alpha = Math.fround(factor);
  const output = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i] as number;
    const green = data[i + 1] as number;
    const blue = data[i + 2] as number;
    const gray = luma(red, green, blue);
    output[i] = blend(gray, red, alpha);
    output[i + 1] = blend(gray, green, alpha);
    output[i + 2] = blend(gray, blue, alpha);
  }
  return makePicture(width, height, output);
}

/** @param factor 0 is smoothed by 3x3 (a weight of 5/13 in the middle, 1/13 around it); the border stays as it is */
export function adjustSharpness({ width, height, data }: Picture, factor: number): Picture {
  const alpha = Math.fround(factor);
  const output = Uint8Array.from(data);
  const row = width * 3;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + 3; i < (y + 1) * row - 3; i++) {
      const above = (data[i - row - 3] as number) + (data[i - row] as number) + (data[i - row + 3] as number);
      const beside = (data[i - 3] as number) + (data[i + 3] as number);
      const below = (data[i + row - 3] as number) + (data[i + row] as number) + (data[i + row + 3] as number);
      const own = data[i] as number;
      // Rounded to the nearest: (sum / 13 + 1/2) in whole numbers, never a tie.
      const smooth = Math.trunc((2 * (above + beside + below + 5 * own) + 13) / 26);
      output[i] = blend(smooth, own, alpha);
    }
  }
  return makePicture(width, height, output);
}
