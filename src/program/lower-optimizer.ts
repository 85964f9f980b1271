/**
 * The update at the end of a training program: two calls over the run of parameters, one for those
 * that decay and one for the rest. The port `rates` holds what changes from step to step.
 */
import type { ParameterLayout } from './parameter-layout.ts';
import type { Operand } from './program.ts';
import type { ProgramBuilder } from './program-builder.ts';

export type OptimizerKernel =
  | { readonly kind: 'none' }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean; readonly weightDecay: number }
  | {
      readonly kind: 'rmsprop';
      readonly alpha: number;
      readonly momentum: number;
      readonly epsilon: number;
      /** TensorFlow adds epsilon inside the square root, PyTorch outside. */
      readonly epsilonInside: boolean;
      readonly weightDecay: number;
    }
  | {
      readonly kind: 'adam';
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly weightDecay: number;
    };

/** The names of an optimizer's state, in the order of its copies of the parameters. */
export function optimizerStateNames(optimizer: OptimizerKernel): readonly string[] {
  switch (optimizer.kind) {
    case 'none':
      return [];
    case 'sgd':
      return ['velocity'];
    case 'adam':
      return ['first', 'second'];
    case 'rmsprop':
      return ['square', 'velocity'];
  }
}

/**
 * `rates` for step number `step` (from 1): sgd [learning rate]; rmsprop [learning rate, 1 - alpha]; adam [learning rate / (1 - beta1^t),
 * 1 / sqrt(1 - beta2^t), 1 - beta1, 1 - beta2].
 */
export function optimizerRates(optimizer: OptimizerKernel, learningRate: number, step: number): number[] {
  if (optimizer.kind === 'sgd' || optimizer.kind === 'none') return [learningRate];
  if (optimizer.kind === 'rmsprop') return [learningRate, 1 - optimizer.alpha];
  const { beta1, beta2 } = optimizer;
  return [learningRate / (1 - power(beta1, step)), 1 / Math.sqrt(1 - power(beta2, step)), 1 - beta1, 1 - beta2];
}

/** base^exponent by squaring: the host's pow may differ between engines. */
function power(base: number, exponent: number): number {
  let result = 1;
  let factor = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

export function lowerOptimizer(builder: ProgramBuilder, layout: ParameterLayout, optimizer: OptimizerKernel): void {
  if (optimizer.kind === 'none') return;
  const rates = builder.port('rates', 16, 'program');
  const state = builder.optimizer(optimizerStateNames(optimizer).length);
  const first = [...layout.trained.keys()][0] as string;
  const [weights, gradients] = [builder.parameter(first), builder.gradient(first)];
  const groups = [
    { start: 0, end: layout.decayedBytes, decay: optimizer.weightDecay },
    { start: layout.decayedBytes, end: layout.trainedBytes, decay: 0 },
  ];
  for (const { start, end, decay } of groups) {
    const at = (operand: Operand): Operand => ({ ...operand, offsetBytes: operand.offsetBytes + start });
    const length = (end - start) / 4;
    const label = decay === 0 ? 'update' : 'update with decay';
    const common = { weights: at(weights), gradients: at(gradients), rates };
    if (optimizer.kind === 'sgd') {
      const { momentum, nesterov } = optimizer;
      const operands = { ...common, velocity: at(state[0] as Operand) };
      builder.step('f32_sgd_update', label, operands, { length, nesterov: nesterov ? 1 : 0, momentum, decay });
    } else if (optimizer.kind === 'rmsprop') {
      const { alpha, epsilon, epsilonInside, momentum } = optimizer;
      const operands = { ...common, square: at(state[0] as Operand), velocity: at(state[1] as Operand) };
      const sizes = { length, inside: epsilonInside ? 1 : 0, alpha, epsilon, momentum, decay };
      builder.step('f32_rmsprop_update', label, operands, sizes);
    } else {
      const { beta1, beta2, epsilon } = optimizer;
      const operands = { ...common, first: at(state[0] as Operand), second: at(state[1] as Operand) };
      builder.step('f32_adam_update', label, operands, { length, beta1, beta2, epsilon, decay });
    }
  }
}
