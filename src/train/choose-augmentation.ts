/**
 * Which random changes the training pictures get: what was asked for, by name or op by op, or what
 * suits the size of the pictures, their number and the length of the run. A part of `chooseRecipe`.
 */
import type { Augmentation } from '../data/augment/augmentation.ts';
import { parseAugmentation } from '../data/augment/parse-augmentation.ts';
import { type AugmentationPreset, leastCropArea, namedAugmentation } from '../data/augment/presets.ts';
import type { TrainingChoices } from './recipe.ts';

/**
 * From so many views of each picture on, a network that knows them by heart is the greater danger.
 * At 20 strong changes cost accuracy, at 100 they cost nothing (docs/training.md).
 */
const EPOCHS_FOR_STRONG = 200;
/** With fewer pictures even so many epochs are few steps. */
const PICTURES_FOR_STRONG = 1000;

function defaultPreset(trainPictures: number, epochs: number): [AugmentationPreset, string] {
  if (epochs >= EPOCHS_FOR_STRONG && trainPictures >= PICTURES_FOR_STRONG) {
    return ['strong', `since each picture is seen ${epochs} times`];
  }
  return ['basic', 'which helps even short runs'];
}

/** @throws BneckError 'option' for what is no augmentation */
export function chooseAugmentation(
  { augmentation }: TrainingChoices,
  resolution: number,
  trainPictures: number,
  epochs: number,
): [Augmentation, string] {
  if (typeof augmentation === 'string') {
    return [namedAugmentation(augmentation, resolution), `augmentation ${augmentation}, as asked`];
  }
  if (augmentation !== undefined) return [parseAugmentation(augmentation), 'augmentation as asked'];
  const [preset, reason] = defaultPreset(trainPictures, epochs);
  const crops = `crops of ${100 * leastCropArea(resolution)}% and more, usual at ${resolution} px`;
  return [namedAugmentation(preset, resolution), `augmentation ${preset}, ${reason}; ${crops}`];
}
