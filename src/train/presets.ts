/**
 * Recipes by name: choices that are made together. Whatever a person chooses himself takes the place of
 * the preset's; and since a learning rate means nothing to another optimizer, nor steps to another
 * schedule, those of the preset go with what they belong to.
 */
import { BneckError } from '../base/errors.ts';
import type { TrainingChoices } from './recipe.ts';

export type PresetName = 'default' | 'small-data' | 'guide' | 'torchvision-v1';

/** torchvision's recipe has as many epochs, in which the rate falls 300 times. */
const TORCHVISION_EPOCHS = 600;
const TORCHVISION_FALLS = 300;

interface Preset {
  readonly says: string;
  readonly choices: (given: TrainingChoices) => TrainingChoices;
}

const PRESETS: Readonly<Record<PresetName, Preset>> = {
  default: { says: 'everything as suits the pictures', choices: () => ({}) },
  'small-data': {
    says: 'for some hundreds or thousands of pictures: longer, with averaged weights',
    choices: () => ({ epochs: 60, ema: 'auto' }),
  },
  guide: {
    says: 'as walkthroughs have it: 224 px, batch 32, Adam at 0.001, plain cross-entropy, 13 epochs, seed 42',
    choices: () => ({
      resolution: 224,
      batch: 32,
      epochs: 13,
      seed: 42,
      optimizer: 'adam',
      learningRate: 0.001,
      weightDecay: 0,
      schedule: 'constant',
      warmup: 0,
      labelSmoothing: 0,
      augmentation: 'none',
    }),
  },
  'torchvision-v1': {
    says: "torchvision's for its first MobileNetV3 weights, its rate scaled to the batch, its steps to the epochs",
    choices: ({ epochs = TORCHVISION_EPOCHS }) => ({
      resolution: 224,
      epochs,
      optimizer: 'rmsprop',
      weightDecay: 1e-5,
      decayNormAndBias: true,
      schedule: 'step',
      warmup: 0,
      rateEvery: epochs / TORCHVISION_FALLS,
      rateFactor: 0.973,
      labelSmoothing: 0,
      augmentation: 'torchvision-v1',
    }),
  },
};

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

/** What goes where another of its kind is chosen. */
const BELONGINGS: Partial<Record<keyof TrainingChoices, readonly (keyof TrainingChoices)[]>> = {
  optimizer: ['learningRate', 'weightDecay', 'decayNormAndBias', 'momentum', 'nesterov'],
  schedule: ['warmup', 'rateEvery', 'rateFactor', 'leastRate'],
};

/**
 * The choices with those of their preset, and a line that says which.
 * @throws BneckError 'option' for a preset that is not there
 */
export function withPreset(choices: TrainingChoices): [TrainingChoices, string | null] {
  const { recipe: name, ...given } = choices;
  if (name === undefined) return [given, null];
  if (!PRESET_NAMES.includes(name)) {
    throw new BneckError('option', `recipe ${String(name)}: give ${PRESET_NAMES.join(', ')}.`);
  }
  const { says, choices: choose } = PRESETS[name];
  const preset: Record<string, unknown> = { ...choose(given) };
  const own = Object.entries(given).filter(([key, value]) => value !== undefined && preset[key] !== value);
  const replaced = own.map(([key]) => key).filter((key) => preset[key] !== undefined);
  for (const key of replaced) {
    for (const belonging of BELONGINGS[key as keyof TrainingChoices] ?? []) delete preset[belonging];
  }
  const but = replaced.length === 0 ? '' : ` (but for ${replaced.join(', ')})`;
  return [{ ...preset, ...Object.fromEntries(own) }, `recipe ${name}, ${says}${but}`];
}
