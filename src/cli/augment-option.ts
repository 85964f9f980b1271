/** `--augment NAMES`, for training and for looking at it: a preset, or ops with commas between. */
import { InvalidArgumentError, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { AUGMENTATION_PRESETS, namedAugmentation } from '../data/augment/presets.ts';
import { alternatives } from './parse-option.ts';

/** Any resolution tells whether the names are right. */
const SOME_RESOLUTION = 224;

function checkedNames(names: string): string {
  try {
    namedAugmentation(names, SOME_RESOLUTION);
  } catch (error) {
    if (error instanceof BneckError) throw new InvalidArgumentError(error.message);
    throw error;
  }
  return names;
}

export function augmentOption(): Option {
  const presets = alternatives(AUGMENTATION_PRESETS);
  return new Option(
    '--augment <names>',
    `random changes of the pictures: ${presets}, or ops such as random-crop,flip,randaugment,erase (default: basic; strong for long runs)`,
  ).argParser(checkedNames);
}
