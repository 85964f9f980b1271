/**
 * Augmentations by name, for the command line and for people who do not care for the details:
 * presets, and single ops with their usual parameters, joined by commas ("basic,erase").
 *
 * | preset | what it does | source |
 * |---|---|---|
 * | none | nothing random | |
 * | flip | left and right exchanged, half of the time | |
 * | basic | random resized crops, not smaller than suits the resolution, and flips | "Going deeper with convolutions", section 6 |
 * | torchvision-v1 | crops of 8 % and more, flips, AutoAugment, erasing 0.2 | torchvision's recipe for MobileNetV3, weights V1 |
 * | strong | basic's crops and flips, TrivialAugment, erasing 0.1 | torchvision's later recipe (its V2 weights) |
 */
import { BneckError } from '../../base/errors.ts';
import { nearestName } from '../../base/nearest-name.ts';
import type { Augmentation, AugmentationOp, RandomAffine, RandomErasing, RandomResizedCrop } from './augmentation.ts';
import { parseAugmentation } from './parse-augmentation.ts';

/** The smaller the pictures, the less of them can be cut away. */
export function leastCropArea(resolution: number): number {
  if (resolution <= 64) return 0.6;
  return resolution <= 128 ? 0.35 : 0.2;
}

function resizedCrop(leastArea: number): RandomResizedCrop {
  return { kind: 'random-resized-crop', scale: [leastArea, 1], ratio: [3 / 4, 4 / 3] };
}

function erase(probability: number): RandomErasing {
  return { kind: 'erase', probability, scale: [0.02, 0.33], ratio: [0.3, 3.3] };
}

const FLIP: AugmentationOp = { kind: 'flip', probability: 0.5 };
const STILL: RandomAffine = { kind: 'affine', degrees: 0, translate: [0, 0], scale: [1, 1], shear: [0, 0] };

const PRESETS = {
  none: () => [],
  flip: () => [FLIP],
  basic: (resolution) => [resizedCrop(leastCropArea(resolution)), FLIP],
  'torchvision-v1': () => [resizedCrop(0.08), FLIP, { kind: 'autoaugment', policy: 'imagenet' }, erase(0.2)],
  strong: (resolution) => [resizedCrop(leastCropArea(resolution)), FLIP, { kind: 'trivialaugment' }, erase(0.1)],
} as const satisfies Record<string, (resolution: number) => Augmentation>;

export type AugmentationPreset = keyof typeof PRESETS;

/** Single ops with their usual parameters. */
const OPS: Readonly<Record<string, (resolution: number) => Augmentation>> = {
  'random-resized-crop': (resolution) => [resizedCrop(leastCropArea(resolution))],
  'random-crop': () => [{ kind: 'random-crop', padding: 1 / 8 }],
  'vertical-flip': () => [{ kind: 'vertical-flip', probability: 0.5 }],
  rotate: () => [{ ...STILL, degrees: 15 }],
  translate: () => [{ ...STILL, translate: [0.1, 0.1] }],
  shear: () => [{ ...STILL, shear: [10, 10] }],
  affine: () => [{ ...STILL, degrees: 15, translate: [0.1, 0.1], scale: [0.9, 1.1], shear: [5, 5] }],
  'color-jitter': () => [{ kind: 'color-jitter', brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 }],
  randaugment: () => [{ kind: 'randaugment', count: 2, magnitude: 9 }],
  trivialaugment: () => [{ kind: 'trivialaugment' }],
  autoaugment: () => [{ kind: 'autoaugment', policy: 'imagenet' }],
  erase: () => [erase(0.2)],
};

const NAMED: Readonly<Record<string, (resolution: number) => Augmentation>> = { ...PRESETS, ...OPS };

export const AUGMENTATION_PRESETS = Object.keys(PRESETS) as AugmentationPreset[];
export const AUGMENTATION_OPS = Object.keys(OPS);

/**
 * The ops of the names, in their order, but for erasing, which always comes last.
 * @param names one name or several with commas between, such as 'basic' or 'random-crop,flip,erase'
 * @param resolution pixels a side that the network sees
 * @throws BneckError 'option' for an unknown name, or a crop that is not the first
 */
export function namedAugmentation(names: string, resolution: number): Augmentation {
  const ops = names.split(',').flatMap((part) => {
    const name = part.trim();
    if (Object.hasOwn(NAMED, name)) return (NAMED[name] as (resolution: number) => Augmentation)(resolution);
    const near = nearestName(name, Object.keys(NAMED));
    const meant = near === null ? '' : ` (did you mean ${near}?)`;
    const known = `${AUGMENTATION_PRESETS.join(', ')}, or ops: ${AUGMENTATION_OPS.join(', ')}`;
    throw new BneckError('option', `augmentation ${JSON.stringify(name.slice(0, 40))}: give ${known}${meant}`);
  });
  const erases = (op: AugmentationOp) => op.kind === 'erase';
  return parseAugmentation([...ops.filter((op) => !erases(op)), ...ops.filter(erases)]);
}
