/**
 * Turning, shifting, zooming and shearing: each output pixel is taken from a place of the input, a
 * linear function of its own, between the four nearest pixels (bilinear). What comes from outside
 * is black. The same doubles in the same order as Pillow's `Image.transform(AFFINE, BILINEAR)`, so
 * the same bytes. Matrices are torchvision's. Sines and cosines are our own.
 * Sources: Pillow src/libImaging/Geometry.c; torchvision/transforms/functional.py, `_get_inverse_affine_matrix`.
 */
import { cos, sin } from '../../base/math.ts';
import { makePicture, type Picture, type PictureSize } from '../picture.ts';
import type { Pair } from './augmentation.ts';

/** Output (x, y) shows input (a x + b y + c, d x + e y + f); pixels, from the upper left corner. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** A change about the picture's middle: shear, zoom and turn, then shift. */
export interface AffineChange {
  /** clockwise */
  readonly degrees: number;
  /** pixels to the right and down */
  readonly translate: Pair;
  /** times the size */
  readonly scale: number;
  /** degrees along the width and the height */
  readonly shear: Pair;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** Without the last digit, in which right angles would miss 0 and 1. */
function rounded(value: number): number {
  return Math.round(value * 1e15) / 1e15;
}

/** The matrix of a change about the middle of a picture. */
export function affineMatrix(change: AffineChange, { width, height }: PictureSize): AffineMatrix {
  const turn = radians(change.degrees);
  const shearX = radians(change.shear[0]);
  const shearY = radians(change.shear[1]);
  const tangentX = sin(shearX) / cos(shearX);
  const a = cos(turn - shearY) / cos(shearY);
  const c = sin(turn - shearY) / cos(shearY);
  const b = -a * tangentX - sin(turn);
  const d = -c * tangentX + cos(turn);
  const [m0, m1, m3, m4] = [d, -b, -c, a].map((value) => rounded(value) / change.scale) as [
    number,
    number,
    number,
    number,
  ];
  const centerX = width * 0.5;
  const centerY = height * 0.5;
  const x = -centerX - change.translate[0];
  const y = -centerY - change.translate[1];
  return [m0, m1, m0 * x + m1 * y + centerX, m3, m4, m3 * x + m4 * y + centerY];
}

/** A shear that leaves the upper left corner in place: rows move by slopes[0] pixels a row, columns by slopes[1]. */
export function cornerShearMatrix(slopes: Pair): AffineMatrix {
  return [1, slopes[0], 0, slopes[1], 1, 0];
}

/** The picture as the matrix shows it, of the same size. */
export function transformAffine(picture: Picture, [a, b, c, d, e, f]: AffineMatrix): Picture {
  const { width, height, data } = picture;
  const output = new Uint8Array(data.length);
  let write = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, write += 3) {
      const inX = a * (x + 0.5) + b * (y + 0.5) + c;
      const inY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(inX >= 0 && inX < width && inY >= 0 && inY < height)) continue;
      const floorX = Math.floor(inX - 0.5);
      const floorY = Math.floor(inY - 0.5);
      const shareX = inX - 0.5 - floorX;
      const shareY = inY - 0.5 - floorY;
      const left = floorX < 0 ? 0 : floorX * 3;
      const right = floorX + 1 < width ? (floorX + 1) * 3 : left;
      const top = floorY < 0 ? 0 : floorY * width * 3;
      const bottom = floorY + 1 < height ? (floorY + 1) * width * 3 : top;
      for (let channel = 0; channel < 3; channel++) {
        const upperLeft = data[top + left + channel] as number;
        const upper = upperLeft + ((data[top + right + channel] as number) - upperLeft) * shareX;
        const lowerLeft = data[bottom + left + channel] as number;
        const lower = lowerLeft + ((data[bottom + right + channel] as number) - lowerLeft) * shareX;
        output[write + channel] = upper + (lower - upper) * shareY;
      }
    }
  }
  return makePicture(width, height, output);
}
