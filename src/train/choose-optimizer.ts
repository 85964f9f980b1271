/**
 * The optimizer and its settings: what was asked for, the rest as suits fresh weights and the number of
 * pictures an update sees. A part of `chooseRecipe`.
 */
import { BneckError } from '../base/errors.ts';
import type { OptimizerName, Recipe, TrainingChoices } from './recipe.ts';
import type { OptimizerOptions } from './session.ts';

/** Weights that are already good are moved more slowly than fresh ones, unless fine-tuning does so by depth. */
const TRAINED_SHARE = 0.3;

interface Usual {
  readonly optimizer: OptimizerOptions;
  /** For fresh weights. */
  readonly learningRate: number;
}

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** The optimizers, each with its usual settings for an update on so many pictures. */
const OPTIMIZERS: Readonly<Record<OptimizerName, (pictures: number) => Usual>> = {
  adam: () => ({ optimizer: { kind: 'adam', ...ADAM, weightDecay: 1e-5 }, learningRate: 0.002 }),
  adamw: () => ({ optimizer: { kind: 'adamw', ...ADAM, weightDecay: 0.01 }, learningRate: 0.002 }),
  sgd: (pictures) => ({
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 1e-4 },
    learningRate: (0.1 * pictures) / 128,
  }),
  rmsprop: (pictures) => rmsprop(pictures, 0.0316, false),
  'rmsprop-tf': (pictures) => rmsprop(pictures, 0.001, true),
};

/** As torchvision trained MobileNetV3 with a learning rate of 0.064 for 1024 pictures; TensorFlow's epsilon is the square of its. */
function rmsprop(pictures: number, epsilon: number, epsilonInside: boolean): Usual {
  const settings = { alpha: 0.9, momentum: 0.9, epsilon, epsilonInside, weightDecay: 1e-5 } as const;
  return { optimizer: { kind: 'rmsprop', ...settings }, learningRate: (0.064 * pictures) / 1024 };
}

export const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as OptimizerName[];

/** @throws BneckError 'option' for settings that the optimizer does not have */
function withSettings(name: OptimizerName, usual: OptimizerOptions, choices: TrainingChoices): OptimizerOptions {
  const { momentum, nesterov, weightDecay = usual.weightDecay } = choices;
  if (momentum !== undefined && !('momentum' in usual)) {
    throw new BneckError('option', `momentum ${momentum}: ${name} has none to set. Leave it out, or take sgd.`);
  }
  if (usual.kind === 'sgd') {
    const settings = { momentum: momentum ?? usual.momentum, nesterov: nesterov ?? usual.nesterov };
    return { ...usual, ...settings, weightDecay };
  }
  if (nesterov !== undefined) {
    throw new BneckError('option', `nesterov: ${name} does not have it. Leave it out, or take sgd.`);
  }
  if (usual.kind === 'rmsprop') return { ...usual, momentum: momentum ?? usual.momentum, weightDecay };
  return { ...usual, weightDecay };
}

export interface ChosenOptimizer extends Pick<Recipe, 'optimizer' | 'decayNormAndBias' | 'clipNorm'> {
  readonly learningRate: number;
  /** For a head that is trained alone. */
  readonly headRate: number;
  readonly reason: string;
}

/**
 * @param pictures an update sees
 * @param trained whether the weights it starts from are good already
 * @throws BneckError 'option' for an optimizer that is not there or settings it does not have
 */
export function chooseOptimizer(choices: TrainingChoices, pictures: number, trained: boolean): ChosenOptimizer {
  const name = choices.optimizer ?? 'adam';
  if (!OPTIMIZER_NAMES.includes(name)) {
    throw new BneckError('option', `optimizer ${String(name)}: give ${OPTIMIZER_NAMES.join(', ')}.`);
  }
  const usual = OPTIMIZERS[name](pictures);
  const slowly = choices.learningRate === undefined && trained && !choices.fineTune;
  const learningRate = choices.learningRate ?? usual.learningRate * (slowly ? TRAINED_SHARE : 1);
  const slower = slowly ? ', slower for weights that are already trained' : '';
  return {
    optimizer: withSettings(name, usual.optimizer, choices),
    decayNormAndBias: choices.decayNormAndBias ?? false,
    clipNorm: choices.clipNorm ?? null,
    learningRate,
    headRate: usual.learningRate,
    reason: `${name} with learning rate ${learningRate}${slower}`,
  };
}
