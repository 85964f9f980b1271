/**
 * What happens to a picture before the network sees it, when nothing is random: resize the short
 * side, crop the center. It is saved with a model, so that every face of bneck (evaluation,
 * prediction, browser) does the same. Pixels stay 8-bit here; (x / 255 - mean) / std is the
 * engine's work. Source: torchvision's `ImageClassification` preset.
 */
import { BneckError } from '../base/errors.ts';
import type { Picture } from './picture.ts';
import { resizeCenter } from './transform.ts';

export type ChannelValues = readonly [red: number, green: number, blue: number];

export interface Preprocessing {
  /** pixels a side of the square the network takes */
  readonly resolution: number;
  /** pixels of the short side before the center crop, at least `resolution` */
  readonly resize: number;
  /** subtracted after dividing by 255 */
  readonly mean: ChannelValues;
  /** divided by after subtracting the mean */
  readonly std: ChannelValues;
}

export const IMAGENET_MEAN: ChannelValues = [0.485, 0.456, 0.406];
export const IMAGENET_STD: ChannelValues = [0.229, 0.224, 0.225];

/** Below this resolution a picture's border is too much to lose, so nothing is cropped but to a square. */
const LEAST_CROPPED_RESOLUTION = 96;

/** The usual preprocessing at a resolution: short side x 256 / 224 from 96 pixels up, ImageNet's mean and std. */
export function defaultPreprocessing(resolution: number): Preprocessing {
  const resize = resolution >= LEAST_CROPPED_RESOLUTION ? Math.round((resolution * 256) / 224) : resolution;
  return { resolution, resize, mean: IMAGENET_MEAN, std: IMAGENET_STD };
}

/** @throws BneckError 'option' for sizes or statistics that cannot be */
export function checkPreprocessing(preprocessing: Preprocessing): void {
  const { resolution, resize, mean, std } = preprocessing;
  if (!Number.isInteger(resolution) || resolution < 1 || resolution > 8192) {
    throw new BneckError('option', `resolution ${resolution}: give a whole number of pixels from 1 to 8192`);
  }
  if (!Number.isInteger(resize) || resize < resolution || resize > 65536) {
    throw new BneckError(
      'option',
      `resize ${resize}: give a whole number of pixels, at least the resolution ${resolution}`,
    );
  }
  if (mean.length !== 3 || std.length !== 3 || ![...mean, ...std].every(Number.isFinite) || std.some((s) => s <= 0)) {
    throw new BneckError('option', `mean [${mean}], std [${std}]: give three numbers each, std above 0`);
  }
}

/**
 * The pixels the network sees in evaluation: `resolution * resolution * 3` bytes, HWC.
 * @param target where they go, as many bytes; left out, a new array, or the picture's own where nothing is to be done
 * @throws BneckError 'shape' for a target of another length
 */
export function evaluationPicture(picture: Picture, preprocessing: Preprocessing, target?: Uint8Array): Uint8Array {
  const { resolution, resize } = preprocessing;
  const bytes = resolution * resolution * 3;
  if (target !== undefined && target.length !== bytes) {
    throw new BneckError(
      'shape',
      `A picture of ${resolution}x${resolution} RGB is ${bytes} bytes; the target has ${target.length}.`,
    );
  }
  const { data } = resizeCenter(picture, resize, resolution, target);
  if (target !== undefined) {
    if (data !== target) target.set(data);
    return target;
  }
  return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
}
