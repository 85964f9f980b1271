/**
 * Antialiased bilinear resizing of 8-bit pictures, byte for byte what Pillow's `Image.resize`
 * gives with `BILINEAR`: torchvision's weights were trained and measured on such pictures. Two
 * passes, rows first; the triangle filter widens with the reduction; weights are fixed-point
 * integers of 22 fractional bits and each pass rounds to 8 bits. Everything is integer or IEEE
 * double arithmetic, so the bits are the same in every engine. docs/experiments.md has what was tried.
 * Source of the rules: Pillow, src/libImaging/Resample.c.
 */
import { assert } from '../base/errors.ts';
import {
  type CropBox,
  checkCropBox,
  makePicture,
  type Picture,
  type PictureSize,
  pictureBytes,
  wholeOf,
} from './picture.ts';
import { ResamplePasses } from './resample-passes.ts';

/** Left, top, right, bottom in pixels; may be fractional. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Of memory that is kept for the next picture. */
const KEPT_BYTES = 2 ** 26;
/** Those of the last picture: pictures of one size follow each other. */
let passes: ResamplePasses | null = null;

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
  { x, y, width, height }: CropBox,
  mirrored: boolean,
  output: Uint8Array,
): void {
  const { data, begin, rowBytes } = source;
  // written out: this is done for each picture, and spreading takes several times as long
  const across = {
    inputSize: source.width,
    start: left,
    end: right,
    outputSize: size.width,
    from: x,
    count: width,
    mirrored,
  };
  const down = {
    inputSize: source.height,
    start: top,
    end: bottom,
    outputSize: size.height,
    from: y,
    count: height,
    mirrored: false,
  };
  if (!passes?.suit(across, down, rowBytes)) passes = new ResamplePasses(across, down, rowBytes, passes);
  passes.run(data, begin, output);
  if (passes.memoryBytes > KEPT_BYTES) passes = null;
}

/** All of a picture's rows. */
function linesOf(picture: Picture): Lines {
  const { width, height, data } = picture;
  return { width, height, data, begin: 0, rowBytes: width * 3 };
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
