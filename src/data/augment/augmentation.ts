/**
 * What may happen to a training picture at random, as plain data: a list of ops with their
 * parameters. It stands in a run's recipe and config.json, and equal lists draw equal changes.
 * Ops work in the order of the list. A crop can only be the first: it makes the square that the
 * others work on. Without one the picture's short side is resized and its center cropped. Erasing
 * can only be the last: nothing may change its color, which stands for 0 after normalisation.
 */

/** [least, greatest] */
export type Range = readonly [number, number];
/** Along the width, along the height. */
export type Pair = readonly [x: number, y: number];

/**
 * A random part of the picture, resized to the resolution. Source: torchvision `RandomResizedCrop`
 * (Szegedy et al., "Going deeper with convolutions", section 6).
 */
export interface RandomResizedCrop {
  readonly kind: 'random-resized-crop';
  /** share of the picture's area, uniform */
  readonly scale: Range;
  /** width / height, log-uniform */
  readonly ratio: Range;
}

/** Short side resized to the resolution, black border added, random square of the resolution. Source: torchvision `RandomCrop`. */
export interface RandomCrop {
  readonly kind: 'random-crop';
  /** width of the border, as a share of the resolution; 1/8 is the usual 4 pixels at 32 */
  readonly padding: number;
}

/** Left and right exchanged, or top and bottom. Source: torchvision `RandomHorizontalFlip`, `RandomVerticalFlip`. */
export interface RandomFlip {
  readonly kind: 'flip' | 'vertical-flip';
  readonly probability: number;
}

/** Turned, shifted, zoomed and sheared about the middle, bilinear, on black. Source: torchvision `RandomAffine`. */
export interface RandomAffine {
  readonly kind: 'affine';
  /** uniform from -degrees to degrees */
  readonly degrees: number;
  /** greatest shifts, as shares of the width and the height */
  readonly translate: Pair;
  /** times the size, uniform */
  readonly scale: Range;
  /** greatest angles of shear along the width and the height, in degrees */
  readonly shear: Pair;
}

/**
 * Brightness, contrast and saturation by factors uniform from 1 - x (at least 0) to 1 + x, hue by a
 * share of the color circle uniform from -hue to hue, in random order. Source: torchvision `ColorJitter`.
 */
export interface ColorJitter {
  readonly kind: 'color-jitter';
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** 0 to 0.5 */
  readonly hue: number;
}

/** So many random changes at one strength. Source: torchvision `RandAugment` (Cubuk et al., arXiv 1909.13719). */
export interface RandAugment {
  readonly kind: 'randaugment';
  /** changes a picture */
  readonly count: number;
  /** 0 (nearly nothing) to 30 */
  readonly magnitude: number;
}

/** One random change at a random strength. Source: torchvision `TrivialAugmentWide` (Müller and Hutter, arXiv 2103.10158). */
export interface TrivialAugment {
  readonly kind: 'trivialaugment';
}

/** A random one of 25 learnt pairs of changes. Source: torchvision `AutoAugment` (Cubuk et al., arXiv 1805.09501). */
export interface AutoAugment {
  readonly kind: 'autoaugment';
  /** the data that the pairs were learnt on */
  readonly policy: 'imagenet';
}

/**
 * A random rectangle filled with the mean color, which is 0 once normalised. Source: torchvision
 * `RandomErasing` (Zhong et al., arXiv 1708.04896).
 */
export interface RandomErasing {
  readonly kind: 'erase';
  readonly probability: number;
  /** share of the picture's area, uniform */
  readonly scale: Range;
  /** height / width, log-uniform */
  readonly ratio: Range;
}

export type AugmentationOp =
  | RandomResizedCrop
  | RandomCrop
  | RandomFlip
  | RandomAffine
  | ColorJitter
  | RandAugment
  | TrivialAugment
  | AutoAugment
  | RandomErasing;

export type AugmentationKind = AugmentationOp['kind'];

/** Ops in the order in which they work. JSON-serialisable. */
export type Augmentation = readonly AugmentationOp[];

/** Whether an op makes the square picture itself, so that it has to be the first. */
export function isCrop(op: AugmentationOp): op is RandomResizedCrop | RandomCrop {
  return op.kind === 'random-resized-crop' || op.kind === 'random-crop';
}
