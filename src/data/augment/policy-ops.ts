/**
 * The changes that RandAugment, TrivialAugment and AutoAugment are made of, and how strong each is at
 * each step of its scale. Names and scales are torchvision's, so that the same
 * choice is the same change there. Source: torchvision/transforms/autoaugment.py.
 */
import type { PictureSize } from '../picture.ts';
import { roundHalfToEven } from '../transform.ts';
import type { PictureOperation } from './picture-operation.ts';

export type PolicyOp =
  | 'Identity'
  | 'ShearX'
  | 'ShearY'
  | 'TranslateX'
  | 'TranslateY'
  | 'Rotate'
  | 'Brightness'
  | 'Color'
  | 'Contrast'
  | 'Sharpness'
  | 'Posterize'
  | 'Solarize'
  | 'AutoContrast'
  | 'Equalize'
  | 'Invert';

/** How strong each change can be. */
export interface PolicySpace {
  /** steps of every scale */
  readonly steps: number;
  /** slope at the last step */
  readonly shear: number;
  /** pixels at the last step, for a side of so many pixels */
  readonly translate: (side: number) => number;
  /** degrees at the last step */
  readonly rotate: number;
  /** what is added to or taken from a factor of 1 at the last step */
  readonly enhance: number;
  /** bits taken away at the last step */
  readonly posterize: number;
}

/** Those with two directions. */
export const SIGNED_OPS: ReadonlySet<PolicyOp> = new Set([
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'Brightness',
  'Color',
  'Contrast',
  'Sharpness',
]);

/** Place `step` of `steps` from 0 to `end`, to single precision, which torch.linspace has. */
function scaleStep(end: number, steps: number, step: number): number {
  return Math.fround((end * step) / (steps - 1));
}

/** How strong a change is at a step, without its sign; 0 for those that have no strength. */
export function policyMagnitude(op: PolicyOp, space: PolicySpace, step: number, size: PictureSize): number {
  const { steps } = space;
  switch (op) {
    case 'ShearX':
    case 'ShearY':
      return scaleStep(space.shear, steps, step);
    case 'TranslateX':
      return scaleStep(space.translate(size.width), steps, step);
    case 'TranslateY':
      return scaleStep(space.translate(size.height), steps, step);
    case 'Rotate':
      return scaleStep(space.rotate, steps, step);
    case 'Brightness':
    case 'Color':
    case 'Contrast':
    case 'Sharpness':
      return scaleStep(space.enhance, steps, step);
    case 'Posterize':
      return 8 - roundHalfToEven(step / ((steps - 1) / space.posterize));
    case 'Solarize':
      return scaleStep(255, steps, steps - 1 - step);
    default:
      return 0;
  }
}

const UNCHANGED = { degrees: 0, translate: [0, 0], scale: 1, shear: [0, 0] } as const;

/** The operation of a change at a magnitude (with its sign); null for the identity. */
export function policyOperation(op: PolicyOp, magnitude: number): PictureOperation | null {
  const pixels = Math.trunc(magnitude);
  switch (op) {
    case 'Identity':
      return null;
    case 'ShearX':
      return { kind: 'corner-shear', slopes: [magnitude, 0] };
    case 'ShearY':
      return { kind: 'corner-shear', slopes: [0, magnitude] };
    case 'TranslateX':
      return { kind: 'affine', ...UNCHANGED, translate: [pixels, 0] };
    case 'TranslateY':
      return { kind: 'affine', ...UNCHANGED, translate: [0, pixels] };
    case 'Rotate':
      // Policies count degrees against the clock.
      return { kind: 'affine', ...UNCHANGED, degrees: -magnitude };
    case 'Brightness':
      return { kind: 'brightness', factor: 1 + magnitude };
    case 'Color':
      return { kind: 'saturation', factor: 1 + magnitude };
    case 'Contrast':
      return { kind: 'contrast', factor: 1 + magnitude };
    case 'Sharpness':
      return { kind: 'sharpness', factor: 1 + magnitude };
    case 'Posterize':
      return { kind: 'posterize', bits: pixels };
    case 'Solarize':
      return { kind: 'solarize', threshold: magnitude };
    case 'AutoContrast':
      return { kind: 'autocontrast' };
    case 'Equalize':
      return { kind: 'equalize' };
    case 'Invert':
      return { kind: 'invert' };
  }
}
