/**
 * Hue: colors moved round the color circle, through 8-bit hue, saturation and value as Pillow has
 * them, rounding included. Gray stays gray. Where C rounds to single precision, so does this.
 * Source: Pillow src/libImaging/Convert.c (rgb2hsv, hsv2rgb); torchvision `adjust_hue`.
 */
import { makePicture, type Picture } from '../picture.ts';

const LEVELS = 256;
const fround = Math.fround;

/** Which sixth of the circle each hue byte lies in, 0 to 5 (255 is 0 again), */
const SIXTH = new Uint8Array(LEVELS);
/** and how far into it, 0 to 1. */
const WITHIN = new Float32Array(LEVELS);
for (let hue = 0; hue < LEVELS; hue++) {
  const place = Math.floor((hue * 6) / 255);
  SIXTH[hue] = place % 6;
  WITHIN[hue] = (hue * 6) / 255 - place;
}

/** The hue byte of a color whose greatest and least channels are `most` and `least`, not equal. */
function hueByte(red: number, green: number, blue: number, most: number, least: number): number {
  const span = most - least;
  const fromRed = fround((most - red) / span);
  const fromGreen = fround((most - green) / span);
  const fromBlue = fround((most - blue) / span);
  let hue: number;
  if (red === most) hue = fround(fromBlue - fromGreen);
  else if (green === most) hue = fround(2 + fromRed - fromBlue);
  else hue = fround(4 + fromGreen - fromRed);
  const turns = hue / 6 + 1; // at least 5/6 and below 2
  return Math.trunc(fround(turns < 1 ? turns : turns - 1) * 255);
}

/** @param shift share of the circle, -0.5 to 0.5 */
export function adjustHue({ width, height, data }: Picture, shift: number): Picture {
  const steps = Math.trunc(shift * 255);
  const output = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i] as number;
    const green = data[i + 1] as number;
    const blue = data[i + 2] as number;
    const value = Math.max(red, green, blue);
    const least = Math.min(red, green, blue);
    const saturationByte = value === 0 ? 0 : Math.trunc(fround((value - least) / value) * 255);
    if (saturationByte === 0) {
      output[i] = value;
      output[i + 1] = value;
      output[i + 2] = value;
      continue;
    }
    const hue = (hueByte(red, green, blue, value, least) + steps) & 0xff;
    const saturation = fround(saturationByte / 255);
    const within = WITHIN[hue] as number;
    const low = Math.round(value * (1 - saturation));
    const falling = Math.round(value * (1 - fround(saturation * within)));
    const rising = Math.round(value * (1 - saturation * (1 - within)));
    const sixth = SIXTH[hue] as number;
    output[i] = sixth === 0 || sixth === 5 ? value : sixth === 1 ? falling : sixth === 4 ? rising : low;
    output[i + 1] = sixth === 1 || sixth === 2 ? value : sixth === 0 ? rising : sixth === 3 ? falling : low;
    output[i + 2] = sixth === 3 || sixth === 4 ? value : sixth === 2 ? rising : sixth === 5 ? falling : low;
  }
  return makePicture(width, height, output);
}
