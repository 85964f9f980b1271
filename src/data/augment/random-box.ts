/**
 * Random rectangles in a picture: the part that a random resized crop keeps, and the part that
 * random erasing covers. Invariant: a box lies within the picture. Ten tries, as torchvision has it.
 */
import { exp, log } from '../../base/math.ts';
import type { RandomStream } from '../../base/random.ts';
import type { CropBox, PictureSize } from '../picture.ts';
import { roundHalfToEven } from '../transform.ts';
import type { Range } from './augmentation.ts';

/** What bounds a random box. */
export interface BoxRanges {
  /** share of the picture's area, uniform */
  readonly scale: Range;
  /** of the sides, log-uniform */
  readonly ratio: Range;
}

const TRIES = 10;

/** Uniform between two numbers. */
export function uniformIn(stream: RandomStream, [low, high]: Range): number {
  return low + (high - low) * stream.uniform();
}

/** The sides of a rectangle of a random area and ratio: [sqrt(area * ratio), sqrt(area / ratio)], whole pixels. */
function randomSides(stream: RandomStream, area: number, { scale, ratio }: BoxRanges): [number, number] {
  const drawnArea = area * uniformIn(stream, scale);
  const drawnRatio = exp(uniformIn(stream, [log(ratio[0]), log(ratio[1])]));
  return [roundHalfToEven(Math.sqrt(drawnArea * drawnRatio)), roundHalfToEven(Math.sqrt(drawnArea / drawnRatio))];
}

/**
 * A random part of a picture; `ratio` is width / height. After ten misses, the largest center crop
 * whose ratio is allowed. Source: torchvision `RandomResizedCrop.get_params`.
 */
export function randomCropBox(stream: RandomStream, { width, height }: PictureSize, ranges: BoxRanges): CropBox {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [cropWidth, cropHeight] = randomSides(stream, width * height, ranges);
    if (cropWidth > 0 && cropWidth <= width && cropHeight > 0 && cropHeight <= height) {
      const y = stream.integer(height - cropHeight + 1);
      const x = stream.integer(width - cropWidth + 1);
      return { x, y, width: cropWidth, height: cropHeight };
    }
  }
  const [leastRatio, greatestRatio] = ranges.ratio;
  let cropWidth = width;
  let cropHeight = height;
  if (width / height < leastRatio) cropHeight = Math.max(1, roundHalfToEven(width / leastRatio));
  else if (width / height > greatestRatio) cropWidth = Math.max(1, roundHalfToEven(height * greatestRatio));
  return { x: (width - cropWidth) >> 1, y: (height - cropHeight) >> 1, width: cropWidth, height: cropHeight };
}

/**
 * A random part of a picture to erase, smaller than it on both sides; `ratio` is height / width.
 * Null after ten misses, or where nothing would be covered. Source: torchvision `RandomErasing.get_params`.
 */
export function randomErasedBox(
  stream: RandomStream,
  { width, height }: PictureSize,
  ranges: BoxRanges,
): CropBox | null {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [boxHeight, boxWidth] = randomSides(stream, width * height, ranges);
    if (boxHeight >= height || boxWidth >= width) continue;
    const y = stream.integer(height - boxHeight + 1);
    const x = stream.integer(width - boxWidth + 1);
    return boxHeight > 0 && boxWidth > 0 ? { x, y, width: boxWidth, height: boxHeight } : null;
  }
  return null;
}
