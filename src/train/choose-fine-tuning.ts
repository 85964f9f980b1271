/**
 * How weights that are trained already are tuned to other pictures. A part of `chooseRecipe`. The head is
 * fresh where the classes are others, and its first gradients would spoil the features behind it, so it
 * is trained first, alone: cheap epochs on features that are computed once. Then everything is trained,
 * the slower the nearer to the pictures, since the first stages see what all pictures have.
 */
import { BneckError } from '../base/errors.ts';
import { chooseSchedule, type Length } from './choose-schedule.ts';
import type { FineTuning, TrainingChoices } from './recipe.ts';

const HEAD_EPOCHS = 5;
const FIRST_RATE_SHARE = 0.1;

/**
 * @param headRate the learning rate for the head alone
 * @param trained whether there are weights to start from
 * @returns null where it was not asked for
 * @throws BneckError 'option' without weights, or for choices that belong to it where it was not asked for
 */
export function chooseFineTuning(
  choices: TrainingChoices,
  headRate: number,
  trained: boolean,
  { stepsPerEpoch }: Pick<Length, 'stepsPerEpoch'>,
): FineTuning | null {
  const { fineTune = false, headEpochs = HEAD_EPOCHS, firstRateShare = FIRST_RATE_SHARE } = choices;
  if (!fineTune) {
    for (const name of ['headEpochs', 'firstRateShare'] as const) {
      if (choices[name] === undefined) continue;
      throw new BneckError('option', `${name} ${choices[name]}: it belongs to fine-tuning. Ask for that too.`);
    }
    return null;
  }
  if (!trained) {
    throw new BneckError('option', 'fineTune: there is nothing to tune. Give the weights to start from.');
  }
  if (headEpochs === 0) return { headEpochs, headSchedule: null, firstRateShare };
  const [headSchedule] = chooseSchedule({}, headRate, { epochs: headEpochs, stepsPerEpoch });
  return { headEpochs, headSchedule, firstRateShare };
}

export function describeFineTuning({ headEpochs, firstRateShare }: FineTuning): string {
  const first = headEpochs === 0 ? '' : `the head alone for ${headEpochs} epochs, then `;
  return `fine-tuning: ${first}all of it, the first stage at ${firstRateShare} of the learning rate`;
}
