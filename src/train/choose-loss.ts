/** What the loss is and which pictures it sees how often. A part of `chooseRecipe`. */
import { BneckError } from '../base/errors.ts';
import { CLASS_WEIGHT_BOUNDS, describeBounds, fitsBounds } from './bounds.ts';
import type { DataFacts, Recipe, TrainingChoices } from './recipe.ts';

const DEFAULT_LABEL_SMOOTHING = 0.1;

export type ChosenLoss = Pick<Recipe, 'labelSmoothing' | 'classWeights' | 'balancedSampling' | 'mixing'>;

/** Each class counts as much as if all had the same number of pictures; their mean over pictures is 1. */
export function balancedWeights(counts: readonly number[]): number[] {
  const pictures = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (count === 0 ? 1 : pictures / (counts.length * count)));
}

function chooseClassWeights({ classWeights }: TrainingChoices, facts: DataFacts): readonly number[] | null {
  if (classWeights === undefined) return null;
  if (classWeights === 'balanced') return balancedWeights(facts.classCounts);
  const { classNames } = facts;
  if (classWeights.length !== classNames.length) {
    const found = `${classWeights.length} for ${classNames.length} classes`;
    throw new BneckError(
      'option',
      `classWeights: ${found}. Give one for each, in this order: ${classNames.join(', ')}.`,
    );
  }
  for (const weight of classWeights) {
    if (fitsBounds(weight, CLASS_WEIGHT_BOUNDS)) continue;
    throw new BneckError('option', `classWeights ${weight}: give ${describeBounds(CLASS_WEIGHT_BOUNDS)}.`);
  }
  return classWeights;
}

/**
 * @returns the choices, and a line for each that is not usual
 * @throws BneckError 'option' for class weights that cannot be
 */
export function chooseLoss(choices: TrainingChoices, facts: DataFacts): [ChosenLoss, readonly string[]] {
  const { labelSmoothing = DEFAULT_LABEL_SMOOTHING, balancedSampling = false, mixup = 0, cutmix = 0 } = choices;
  const classWeights = chooseClassWeights(choices, facts);
  const mixing = mixup > 0 || cutmix > 0 ? { mixup, cutmix } : null;
  const reasons: string[] = [];
  if (classWeights !== null) {
    const [least, greatest] = [Math.min(...classWeights), Math.max(...classWeights)];
    reasons.push(`classes weigh from ${least.toFixed(2)} to ${greatest.toFixed(2)} in the loss`);
  }
  if (balancedSampling) reasons.push('every class comes equally often');
  if (mixing !== null) {
    const kinds = [mixup > 0 ? `mixup ${mixup}` : '', cutmix > 0 ? `cutmix ${cutmix}` : ''].filter(
      (kind) => kind !== '',
    );
    reasons.push(`pictures are mixed (${kinds.join(' or ')})`);
  }
  return [{ labelSmoothing, classWeights, balancedSampling, mixing }, reasons];
}
