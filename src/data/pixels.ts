/**
 * Pixels as programs hold them, a canvas' ImageData among them, to the picture that transforms take.
 */
import { BneckError } from '../base/errors.ts';
import { makePicture, type Picture, type PictureSize } from './picture.ts';

export interface Pixels extends PictureSize {
  /** Rows from top to bottom, red, green, blue and perhaps alpha for each pixel: 3 or 4 bytes a pixel. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * Three bytes a pixel. Alpha is dropped, not blended, as when picture files are decoded.
 * @throws BneckError 'image' where the bytes are not as many as the pixels
 */
export function pictureFromPixels({ width, height, data }: Pixels): Picture {
  const pixels = width * height;
  const sound = Number.isSafeInteger(pixels) && Number.isInteger(width) && width >= 1 && height >= 1;
  if (sound && data.length === 3 * pixels) return makePicture(width, height, data);
  if (!sound || data.length !== 4 * pixels) {
    const message = `pixels of ${width}x${height} in ${data.length} bytes; give 3 (RGB) or 4 (RGBA) bytes a pixel`;
    throw new BneckError('image', message);
  }
  const rgb = new Uint8Array(3 * pixels);
  for (let read = 0, write = 0; read < data.length; read += 4, write += 3) {
    rgb[write] = data[read] as number;
    rgb[write + 1] = data[read + 1] as number;
    rgb[write + 2] = data[read + 2] as number;
  }
  return makePicture(width, height, rgb);
}
