/**
 * RandAugment, TrivialAugment (wide) and AutoAugment: what they choose from, and the draws. Scales,
 * tables and probabilities are torchvision's. Source: torchvision/transforms/autoaugment.py.
 */
import type { RandomStream } from '../../base/random.ts';
import type { PictureSize } from '../picture.ts';
import type { PictureOperation } from './picture-operation.ts';
import { type PolicyOp, type PolicySpace, policyMagnitude, policyOperation, SIGNED_OPS } from './policy-ops.ts';

export const RANDAUGMENT_SPACE: PolicySpace = {
  steps: 31,
  shear: 0.3,
  translate: (side) => (150 / 331) * side,
  rotate: 30,
  enhance: 0.9,
  posterize: 4,
};
export const TRIVIALAUGMENT_SPACE: PolicySpace = {
  steps: 31,
  shear: 0.99,
  translate: () => 32,
  rotate: 135,
  enhance: 0.99,
  posterize: 6,
};
export const AUTOAUGMENT_SPACE: PolicySpace = { ...RANDAUGMENT_SPACE, steps: 10 };

/** What RandAugment and TrivialAugment choose from, all alike. */
export const CHOSEN_OPS: readonly PolicyOp[] = [
  'Identity',
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'Brightness',
  'Color',
  'Contrast',
  'Sharpness',
  'Posterize',
  'Solarize',
  'AutoContrast',
  'Equalize',
];

/** A change of AutoAugment, the probability of making it, and its step; null where it has no strength. */
type PolicyStep = readonly [op: PolicyOp, probability: number, step: number | null];

/** The pairs learnt on ImageNet, in torchvision's order. */
// biome-ignore format: a table, a pair a line
export const IMAGENET_POLICY: readonly (readonly [PolicyStep, PolicyStep])[] = [
  [['Posterize', 0.4, 8], ['Rotate', 0.6, 9]],
  [['Solarize', 0.6, 5], ['AutoContrast', 0.6, null]],
  [['Equalize', 0.8, null], ['Equalize', 0.6, null]],
  [['Posterize', 0.6, 7], ['Posterize', 0.6, 6]],
  [['Equalize', 0.4, null], ['Solarize', 0.2, 4]],
  [['Equalize', 0.4, null], ['Rotate', 0.8, 8]],
  [['Solarize', 0.6, 3], ['Equalize', 0.6, null]],
  [['Posterize', 0.8, 5], ['Equalize', 1, null]],
  [['Rotate', 0.2, 3], ['Solarize', 0.6, 8]],
  [['Equalize', 0.6, null], ['Posterize', 0.4, 6]],
  [['Rotate', 0.8, 8], ['Color', 0.4, 0]],
  [['Rotate', 0.4, 9], ['Equalize', 0.6, null]],
  [['Equalize', 0, null], ['Equalize', 0.8, null]],
  [['Invert', 0.6, null], ['Equalize', 1, null]],
  [['Color', 0.6, 4], ['Contrast', 1, 8]],
  [['Rotate', 0.8, 8], ['Color', 1, 2]],
  [['Color', 0.8, 8], ['Solarize', 0.8, 7]],
  [['Sharpness', 0.4, 7], ['Invert', 0.6, null]],
  [['ShearX', 0.6, 5], ['Equalize', 1, null]],
  [['Color', 0.4, 0], ['Equalize', 0.6, null]],
  [['Equalize', 0.4, null], ['Solarize', 0.2, 4]],
  [['Solarize', 0.6, 5], ['AutoContrast', 0.6, null]],
  [['Invert', 0.6, null], ['Equalize', 1, null]],
  [['Color', 0.6, 4], ['Contrast', 1, 8]],
  [['Equalize', 0.8, null], ['Equalize', 0.6, null]],
];

/** The change at a step; `against` turns those that have two directions round. */
function operationAt(
  op: PolicyOp,
  space: PolicySpace,
  step: number,
  against: boolean,
  size: PictureSize,
): PictureOperation | null {
  const magnitude = policyMagnitude(op, space, step, size);
  return policyOperation(op, against && SIGNED_OPS.has(op) ? -magnitude : magnitude);
}

function present(operations: readonly (PictureOperation | null)[]): PictureOperation[] {
  return operations.filter((operation) => operation !== null);
}

/** One random change; `step` null takes a random one. */
function drawChange(
  stream: RandomStream,
  space: PolicySpace,
  step: number | null,
  size: PictureSize,
): PictureOperation | null {
  const op = CHOSEN_OPS[stream.integer(CHOSEN_OPS.length)] as PolicyOp;
  const chosen = step ?? stream.integer(space.steps);
  return operationAt(op, space, chosen, stream.integer(2) === 1, size);
}

export function drawRandAugment(
  stream: RandomStream,
  { count, magnitude }: { readonly count: number; readonly magnitude: number },
  size: PictureSize,
): PictureOperation[] {
  return present(Array.from({ length: count }, () => drawChange(stream, RANDAUGMENT_SPACE, magnitude, size)));
}

export function drawTrivialAugment(stream: RandomStream, size: PictureSize): PictureOperation[] {
  return present([drawChange(stream, TRIVIALAUGMENT_SPACE, null, size)]);
}

export function drawAutoAugment(stream: RandomStream, size: PictureSize): PictureOperation[] {
  const pair = IMAGENET_POLICY[stream.integer(IMAGENET_POLICY.length)] as (typeof IMAGENET_POLICY)[number];
  const operations = pair.map(([op, probability, step]) => {
    const chosen = stream.uniform() < probability;
    const against = stream.integer(2) === 1;
    return chosen ? operationAt(op, AUTOAUGMENT_SPACE, step ?? 0, against, size) : null;
  });
  return present(operations);
}
