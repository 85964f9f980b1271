/**
 * A decoded picture: what every decoder gives and every transform takes. First step of the path
 * picture -> augmentation or preprocessing -> batch. Invariant: `data` holds exactly
 * height * width * 3 bytes, rows from top to bottom, red, green, blue for each pixel (HWC), and
 * nobody writes into a picture after it was made: transforms may hand the same bytes on.
 */
import { assert } from '../base/errors.ts';

export interface PictureSize {
  /** pixels */
  readonly width: number;
  /** pixels */
  readonly height: number;
}

export interface Picture extends PictureSize {
  /** RGB, HWC, 3 bytes a pixel; a canvas' ImageData must be stripped of its alpha first */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A part of a picture, whole pixels. */
export interface CropBox extends PictureSize {
  readonly x: number;
  readonly y: number;
}

/** The part that is all of a picture. */
export function wholeOf({ width, height }: PictureSize): CropBox {
  return { x: 0, y: 0, width, height };
}

/** A part must lie within its picture, and not be empty. */
export function checkCropBox(picture: PictureSize, { x, y, width, height }: CropBox): void {
  assert(
    x >= 0 && y >= 0 && width >= 1 && height >= 1 && x + width <= picture.width && y + height <= picture.height,
    `crop ${x},${y} ${width}x${height} of ${picture.width}x${picture.height}`,
  );
}

/** Bytes of a picture's pixels. */
export function pictureBytes(size: PictureSize): number {
  return size.width * size.height * 3;
}

/** Wraps RGB bytes as a picture; the length must be `width * height * 3`. */
export function makePicture(width: number, height: number, data: Uint8Array | Uint8ClampedArray): Picture {
  assert(
    width >= 1 && height >= 1 && data.length === width * height * 3,
    `picture ${width}x${height}, ${data.length} bytes`,
  );
  return { width, height, data };
}

/** One byte a pixel (H x W) to three equal ones (H x W x 3). */
export function grayscaleToPicture(width: number, height: number, gray: Uint8Array): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0, write = 0; pixel < width * height; pixel++, write += 3) {
    const value = gray[pixel] as number;
    data[write] = value;
    data[write + 1] = value;
    data[write + 2] = value;
  }
  return makePicture(width, height, data);
}

/** Three planes of one byte a pixel (3 x H x W), as CIFAR has them, to H x W x 3. */
export function planesToPicture(width: number, height: number, planes: Uint8Array): Picture {
  const area = width * height;
  const data = new Uint8Array(area * 3);
  for (let pixel = 0, write = 0; pixel < area; pixel++, write += 3) {
    data[write] = planes[pixel] as number;
    data[write + 1] = planes[area + pixel] as number;
    data[write + 2] = planes[2 * area + pixel] as number;
  }
  return makePicture(width, height, data);
}
