/**
 * Random changes to training pictures: the random resized crop and the horizontal flip, in this
 * order, as torchvision's reference recipes have them. Invariant: the outcome depends on the
 * picture, the options and the stream's key alone; the loader keys the stream by
 * (seed, 'augment', epoch, sample index), so neither order nor prefetching changes a byte.
 */
import { BneckError } from '../base/errors.ts';
import { exp, log } from '../base/math.ts';
import type { RandomStream } from '../base/random.ts';
import type { Picture } from './picture.ts';
import {
  type CropBox,
  centerCrop,
  crop,
  flipHorizontal,
  resizeExact,
  resizeShortSide,
  roundHalfToEven,
} from './transform.ts';

export interface RandomResizedCrop {
  /** least and greatest share of the picture's area */
  readonly scale: readonly [number, number];
  /** least and greatest width / height */
  readonly ratio: readonly [number, number];
}

export interface Augmentation {
  /** null: the whole picture, short side resized to the resolution, center cropped */
  readonly randomResizedCrop: RandomResizedCrop | null;
  /** probability of exchanging left and right, 0 to 1 */
  readonly flip: number;
}

/** torchvision's ImageNet recipe: crops of 8 to 100 % of the area, flipped half of the time. */
export const DEFAULT_AUGMENTATION: Augmentation = {
  randomResizedCrop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
  flip: 0.5,
};

const CROP_TRIES = 10;

/** @throws BneckError 'option' for ranges or a probability that cannot be */
export function checkAugmentation(augmentation: Augmentation): void {
  const { randomResizedCrop, flip } = augmentation;
  if (!(flip >= 0 && flip <= 1)) {
    throw new BneckError('option', `flip is a probability: give a number from 0 to 1, not ${flip}`);
  }
  if (randomResizedCrop === null) return;
  const { scale, ratio } = randomResizedCrop;
  if (!(scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1)) {
    throw new BneckError('option', `the crop's scale is [${scale}]: give [least, greatest] area, above 0 and up to 1`);
  }
  if (!(ratio[0] > 0 && ratio[0] <= ratio[1] && ratio[1] < Number.POSITIVE_INFINITY)) {
    throw new BneckError('option', `the crop's ratio is [${ratio}]: give [least, greatest] width / height, above 0`);
  }
}

/**
 * A random part of a `width` x `height` picture: its area uniform in `scale`, its aspect ratio
 * log-uniform in `ratio`, its place uniform. After ten misses, the largest center crop whose
 * ratio is allowed. Source: torchvision `RandomResizedCrop.get_params`.
 */
export function randomResizedCropBox(
  stream: RandomStream,
  width: number,
  height: number,
  options: RandomResizedCrop,
): CropBox {
  const [leastScale, greatestScale] = options.scale;
  const [leastRatio, greatestRatio] = options.ratio;
  const area = width * height;
  const logLow = log(leastRatio);
  const logHigh = log(greatestRatio);
  for (let attempt = 0; attempt < CROP_TRIES; attempt++) {
    const targetArea = area * (leastScale + (greatestScale - leastScale) * stream.uniform());
    const ratio = exp(logLow + (logHigh - logLow) * stream.uniform());
    const cropWidth = roundHalfToEven(Math.sqrt(targetArea * ratio));
    const cropHeight = roundHalfToEven(Math.sqrt(targetArea / ratio));
    if (cropWidth > 0 && cropWidth <= width && cropHeight > 0 && cropHeight <= height) {
      const y = stream.integer(height - cropHeight + 1);
      const x = stream.integer(width - cropWidth + 1);
      return { x, y, width: cropWidth, height: cropHeight };
    }
  }
  let cropWidth = width;
  let cropHeight = height;
  if (width / height < leastRatio) cropHeight = Math.max(1, roundHalfToEven(width / leastRatio));
  else if (width / height > greatestRatio) cropWidth = Math.max(1, roundHalfToEven(height * greatestRatio));
  return { x: (width - cropWidth) >> 1, y: (height - cropHeight) >> 1, width: cropWidth, height: cropHeight };
}

/**
 * One training picture: crop -> resize to `resolution` x `resolution` -> flip.
 * @param stream keyed by seed, epoch and sample index; draws are taken in the order named above
 */
export function augmentPicture(
  picture: Picture,
  resolution: number,
  augmentation: Augmentation,
  stream: RandomStream,
): Picture {
  let result: Picture;
  if (augmentation.randomResizedCrop === null) {
    result = centerCrop(resizeShortSide(picture, resolution), resolution);
  } else {
    const box = randomResizedCropBox(stream, picture.width, picture.height, augmentation.randomResizedCrop);
    result = resizeExact(crop(picture, box), resolution, resolution);
  }
  return stream.uniform() < augmentation.flip ? flipHorizontal(result) : result;
}
