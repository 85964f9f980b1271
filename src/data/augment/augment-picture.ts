/**
 * From an augmentation and a stream of random numbers to one training picture: first every random
 * number is drawn, which gives a list of operations, then those are applied. Invariant: the outcome
 * depends on the picture, the augmentation, the target and the stream's key alone; the loader keys
 * the stream by (seed, 'augment', epoch, picture), so neither order nor prefetching changes a byte.
 */
import type { RandomStream } from '../../base/random.ts';
import { type Picture, type PictureSize, pictureBytes } from '../picture.ts';
import type { ChannelValues, Preprocessing } from '../preprocess.ts';
import { roundHalfToEven, shortSideSize } from '../transform.ts';
import {
  type Augmentation,
  type AugmentationOp,
  type ColorJitter,
  isCrop,
  type RandomAffine,
  type RandomCrop,
  type RandomResizedCrop,
} from './augmentation.ts';
import { applyInto, type Color, type PictureOperation } from './picture-operation.ts';
import { drawAutoAugment, drawRandAugment, drawTrivialAugment } from './policies.ts';
import { randomCropBox, randomErasedBox, uniformIn } from './random-box.ts';

/** What a training picture is made for: the resolution, and the mean that normalisation subtracts. */
export type AugmentationTarget = Pick<Preprocessing, 'resolution' | 'mean'>;

/** The bytes nearest to the mean: normalised, they are 0 but for the rounding to bytes. */
function meanColor(mean: ChannelValues): Color {
  return mean.map((value) => Math.min(255, Math.max(0, Math.round(value * 255)))) as unknown as Color;
}

function drawCrop(
  op: RandomResizedCrop | RandomCrop | null,
  source: PictureSize,
  side: number,
  stream: RandomStream,
): PictureOperation {
  if (op === null) return { kind: 'center-crop', side };
  if (op.kind === 'random-resized-crop') return { kind: 'resized-crop', box: randomCropBox(stream, source, op), side };
  const { width, height } = shortSideSize(source, side);
  const border = Math.round(op.padding * side);
  const y = stream.integer(height + 2 * border - side + 1) - border;
  const x = stream.integer(width + 2 * border - side + 1) - border;
  return { kind: 'shifted-crop', x, y, side };
}

/** Source: torchvision `RandomAffine.get_params`. */
function drawAffine({ degrees, translate, scale, shear }: RandomAffine, side: number, stream: RandomStream) {
  const around = (greatest: number) => uniformIn(stream, [-greatest, greatest]);
  return {
    kind: 'affine',
    degrees: around(degrees),
    translate: [roundHalfToEven(around(translate[0] * side)), roundHalfToEven(around(translate[1] * side))],
    scale: uniformIn(stream, scale),
    shear: [around(shear[0]), around(shear[1])],
  } as const;
}

/** Source: torchvision `ColorJitter.get_params`. */
function drawColorJitter(jitter: ColorJitter, stream: RandomStream): PictureOperation[] {
  const order = stream.permutation(4);
  const factor = (strength: number) => uniformIn(stream, [Math.max(0, 1 - strength), 1 + strength]);
  const operations: PictureOperation[] = [
    { kind: 'brightness', factor: factor(jitter.brightness) },
    { kind: 'contrast', factor: factor(jitter.contrast) },
    { kind: 'saturation', factor: factor(jitter.saturation) },
    { kind: 'hue', shift: uniformIn(stream, [-jitter.hue, jitter.hue]) },
  ];
  const strengths = [jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue];
  return Array.from(order)
    .filter((place) => strengths[place] !== 0)
    .map((place) => operations[place] as PictureOperation);
}

/** The operations that one op, other than a crop, comes down to this time. */
function drawOp(
  op: Exclude<AugmentationOp, RandomResizedCrop | RandomCrop>,
  { resolution, mean }: AugmentationTarget,
  stream: RandomStream,
): PictureOperation[] {
  const size = { width: resolution, height: resolution };
  switch (op.kind) {
    case 'flip':
    case 'vertical-flip':
      return stream.uniform() < op.probability ? [{ kind: op.kind }] : [];
    case 'affine':
      return [drawAffine(op, resolution, stream)];
    case 'color-jitter':
      return drawColorJitter(op, stream);
    case 'randaugment':
      return drawRandAugment(stream, op, size);
    case 'trivialaugment':
      return drawTrivialAugment(stream, size);
    case 'autoaugment':
      return drawAutoAugment(stream, size);
    case 'erase': {
      const box = stream.uniform() < op.probability ? randomErasedBox(stream, size, op) : null;
      return box === null ? [] : [{ kind: 'erase', box, color: meanColor(mean) }];
    }
  }
}

/**
 * What happens to a picture of a size this time. The first operation makes the square of the
 * target's resolution.
 * @param stream keyed by seed, epoch and picture; draws are taken in the order of the ops
 */
export function drawOperations(
  augmentation: Augmentation,
  source: PictureSize,
  target: AugmentationTarget,
  stream: RandomStream,
): PictureOperation[] {
  const crop = augmentation.find(isCrop) ?? null;
  const operations = [drawCrop(crop, source, target.resolution, stream)];
  for (const op of augmentation) if (!isCrop(op)) operations.push(...drawOp(op, target, stream));
  return operations;
}

/**
 * One training picture, of the target's resolution.
 * @param data where its bytes go
 */
export function augmentPicture(
  picture: Picture,
  target: AugmentationTarget,
  augmentation: Augmentation,
  stream: RandomStream,
  data: Uint8Array = new Uint8Array(pictureBytes({ width: target.resolution, height: target.resolution })),
): Picture {
  return applyInto(data, picture, drawOperations(augmentation, picture, target, stream));
}
