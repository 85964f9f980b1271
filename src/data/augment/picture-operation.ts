/**
 * One settled change of a picture: what an augmentation's random draws come down to. Nothing here is
 * random; an operation gives the same bytes everywhere, and those of torchvision's functional
 * operations on Pillow pictures. Invariant: the input is never written.
 */
import { type CropBox, makePicture, type Picture, type PictureSize, pictureBytes } from '../picture.ts';
import { resizeCrop } from '../resample.ts';
import { flipHorizontal, flipVertical, resizeCenter, resizeShortSide } from '../transform.ts';
import { type AffineChange, affineMatrix, cornerShearMatrix, transformAffine } from './affine.ts';
import type { Pair } from './augmentation.ts';
import { adjustBrightness, adjustContrast, adjustSaturation, adjustSharpness } from './enhance.ts';
import { adjustHue } from './hue.ts';
import { autocontrast, equalize, invert, posterize, solarize } from './tone.ts';

/** Red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** Plain data; sides and places in pixels. */
export type PictureOperation =
  /** The part inside the box, resized to a square. */
  | { readonly kind: 'resized-crop'; readonly box: CropBox; readonly side: number }
  /** Short side resized to `side`, then the middle square. */
  | { readonly kind: 'center-crop'; readonly side: number }
  /** Short side resized to `side`, then the square whose corner is (x, y); black where that leaves the picture. */
  | { readonly kind: 'shifted-crop'; readonly x: number; readonly y: number; readonly side: number }
  | { readonly kind: 'flip' | 'vertical-flip' | 'autocontrast' | 'equalize' | 'invert' }
  | ({ readonly kind: 'affine' } & AffineChange)
  | { readonly kind: 'corner-shear'; readonly slopes: Pair }
  | { readonly kind: 'brightness' | 'contrast' | 'saturation' | 'sharpness'; readonly factor: number }
  /** A share of the color circle, -0.5 to 0.5. */
  | { readonly kind: 'hue'; readonly shift: number }
  | { readonly kind: 'posterize'; readonly bits: number }
  | { readonly kind: 'solarize'; readonly threshold: number }
  | { readonly kind: 'erase'; readonly box: CropBox; readonly color: Color };

/** The rectangle from (x, y) on, which may reach outside the picture; black there. */
function cropWithBorder(picture: Picture, { x, y, width, height }: CropBox): Picture {
  const output = new Uint8Array(width * height * 3);
  const left = Math.max(0, x);
  const right = Math.min(picture.width, x + width);
  if (left >= right) return makePicture(width, height, output);
  for (let row = Math.max(0, y); row < Math.min(picture.height, y + height); row++) {
    const start = row * picture.width;
    const bytes = picture.data.subarray((start + left) * 3, (start + right) * 3);
    output.set(bytes, ((row - y) * width + left - x) * 3);
  }
  return makePicture(width, height, output);
}

/** The picture with a box, which lies within it, in one color. */
function eraseBox(picture: Picture, { x, y, width, height }: CropBox, [red, green, blue]: Color): Picture {
  const output = Uint8Array.from(picture.data);
  for (let row = y; row < y + height; row++) {
    const start = (row * picture.width + x) * 3;
    for (let i = start; i < start + width * 3; i += 3) {
      output[i] = red;
      output[i + 1] = green;
      output[i + 2] = blue;
    }
  }
  return makePicture(picture.width, picture.height, output);
}

export function applyOperation(picture: Picture, operation: PictureOperation): Picture {
  switch (operation.kind) {
    case 'resized-crop':
      return applyInto(newSquare(operation.side), picture, [operation]);
    case 'center-crop':
      return resizeCenter(picture, operation.side, operation.side);
    case 'shifted-crop': {
      const { x, y, side } = operation;
      return cropWithBorder(resizeShortSide(picture, side), { x, y, width: side, height: side });
    }
    case 'flip':
      return flipHorizontal(picture);
    case 'vertical-flip':
      return flipVertical(picture);
    case 'affine':
      return transformAffine(picture, affineMatrix(operation, picture));
    case 'corner-shear':
      return transformAffine(picture, cornerShearMatrix(operation.slopes));
    case 'brightness':
      return adjustBrightness(picture, operation.factor);
    case 'contrast':
      return adjustContrast(picture, operation.factor);
    case 'saturation':
      return adjustSaturation(picture, operation.factor);
    case 'sharpness':
      return adjustSharpness(picture, operation.factor);
    case 'hue':
      return adjustHue(picture, operation.shift);
    case 'posterize':
      return posterize(picture, operation.bits);
    case 'solarize':
      return solarize(picture, operation.threshold);
    case 'autocontrast':
      return autocontrast(picture);
    case 'equalize':
      return equalize(picture);
    case 'invert':
      return invert(picture);
    case 'erase':
      return eraseBox(picture, operation.box, operation.color);
  }
}

function newSquare(side: number): Uint8Array {
  return new Uint8Array(pictureBytes({ width: side, height: side }));
}

/**
 * Applies operations in their order, of which the first makes a square, and the others keep its size. What most
 * pictures get, a crop and perhaps a flip, is one walk that writes where the bytes are wanted.
 * @param data where the bytes go
 */
export function applyInto(data: Uint8Array, picture: Picture, operations: readonly PictureOperation[]): Picture {
  const [first, second] = operations;
  if (first?.kind !== 'resized-crop') {
    const result = operations.reduce(applyOperation, picture);
    data.set(result.data);
    return makePicture(result.width, result.height, data);
  }
  const mirrored = second?.kind === 'flip';
  const rest = operations.slice(mirrored ? 2 : 1);
  const square = rest.length === 0 ? data : newSquare(first.side);
  resizeCrop(picture, first.box, first.side, mirrored, square);
  const result = makePicture(first.side, first.side, square);
  return rest.length === 0 ? result : applyInto(data, result, rest);
}

function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '-' : '+'}${text}`;
}

function describeAffine({ degrees, translate, scale, shear }: AffineChange): string[] {
  const parts: string[] = [];
  if (degrees !== 0) parts.push(`rotate ${signed(degrees, 0)}°`);
  if (translate[0] !== 0 || translate[1] !== 0) {
    parts.push(`shift ${translate.map((by) => signed(by, 0)).join(' ')} px`);
  }
  if (scale !== 1) parts.push(`zoom ×${scale.toFixed(2)}`);
  if (shear[0] !== 0 || shear[1] !== 0) parts.push(`shear ${shear.map((by) => signed(by, 0)).join(' ')}°`);
  return parts;
}

/**
 * An operation in a few words, for people; several where it is several things, none where it is nothing.
 * @param source the picture it is applied to
 */
export function describeOperation(operation: PictureOperation, source: PictureSize): readonly string[] {
  switch (operation.kind) {
    case 'resized-crop': {
      const share = (operation.box.width * operation.box.height) / (source.width * source.height);
      return [`crop ${(100 * share).toFixed(0)}%`];
    }
    case 'center-crop':
      return ['center crop'];
    case 'shifted-crop':
      return [`crop at ${signed(operation.x, 0)} ${signed(operation.y, 0)}`];
    case 'affine':
      return describeAffine(operation);
    case 'corner-shear':
      return operation.slopes.flatMap((slope, axis) =>
        slope === 0 ? [] : [`shear ${axis === 0 ? 'x' : 'y'} ${signed(slope, 2)}`],
      );
    case 'brightness':
    case 'contrast':
    case 'saturation':
    case 'sharpness':
      return [`${operation.kind} ×${operation.factor.toFixed(2)}`];
    case 'hue':
      return [`hue ${signed(360 * operation.shift, 0)}°`];
    case 'posterize':
      return [`posterize to ${operation.bits} bits`];
    case 'solarize':
      return [`solarize from ${operation.threshold.toFixed(0)}`];
    case 'vertical-flip':
      return ['flip vertical'];
    default:
      return [operation.kind];
  }
}
