/**
 * Updates against PyTorch's own (scripts/make-training-goldens.py): the kernels with the numbers that a session
 * writes for them, and how a network's parameters are grouped.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { lowerUpdate, optimizerRates, type UpdateOptions, updateRates } from '../../src/program/lower-optimizer.ts';
import { layoutParameters } from '../../src/program/parameter-layout.ts';
import { ProgramBuilder } from '../../src/program/program-builder.ts';
import { validateProgram } from '../../src/program/validate-program.ts';
import type { OptimizerOptions } from '../../src/train/session.ts';
import { averageDecayAt, type WeightAverage } from '../../src/train/weight-average.ts';
import { callKernel } from './call-kernel.ts';

interface Golden {
  readonly optimizers: {
    readonly start: readonly number[];
    readonly gradients: readonly (readonly number[])[];
    readonly rates: readonly number[];
    readonly traces: readonly { readonly optimizer: OptimizerOptions; readonly weights: readonly number[] }[];
  };
  readonly averages: {
    readonly options: WeightAverage;
    readonly weights: readonly (readonly number[])[];
    readonly average: readonly number[];
  };
  readonly clipping: {
    readonly before: readonly (readonly number[])[];
    readonly cases: readonly { readonly limit: number; readonly after: readonly (readonly number[])[] }[];
  };
}

const golden: Golden = JSON.parse(readFileSync(new URL('../golden/training.json', import.meta.url), 'utf8'));

const layout = layoutParameters(buildGraph(mobilenetV3('small', { classes: 4, width: 0.1 })));

/** The update's steps as a program of their own. */
function programOf(options: UpdateOptions) {
  const builder = new ProgramBuilder(layout);
  lowerUpdate(builder, layout, options);
  return builder.finish('training', true);
}

function largestError(found: Float32Array, wanted: readonly number[]): number {
  return Math.max(...wanted.map((value, index) => Math.abs((found[index] as number) - value)));
}

test.each(golden.optimizers.traces)(
  '20 updates as PyTorch makes them: $optimizer',
  ({ optimizer, weights: wanted }) => {
    const { start, gradients, rates } = golden.optimizers;
    const step = programOf({ optimizer }).steps[0];
    if (step === undefined) throw new Error('no update');
    const names = Object.keys(step.operands).filter((name) => !['weights', 'gradients', 'rates'].includes(name));
    const state = Object.fromEntries(names.map((name) => [name, new Float32Array(start.length)]));
    const weights = Float32Array.from(start);
    gradients.forEach((gradient, index) => {
      const row = optimizerRates(optimizer, rates[index] as number, optimizer.weightDecay, index + 1);
      const arrays = { weights, gradients: Float32Array.from(gradient), rates: Float32Array.from(row), ...state };
      callKernel(step.kernel, arrays, { ...step.sizes, length: start.length });
    });
    expect(largestError(weights, wanted)).toBeLessThan(2e-6);
  },
);

test.each(golden.clipping.cases)('gradients are clipped together as PyTorch does, at $limit', ({ limit, after }) => {
  const gradients = golden.clipping.before.map((values) => Float32Array.from(values));
  const partials = new Float32Array(4 * gradients.length);
  gradients.forEach((values, index) => {
    const part = new Float32Array(4);
    callKernel('f32_gradient_norm_forward', { gradients: values, partials: part }, { length: values.length });
    partials.set(part, 4 * index);
  });
  gradients.forEach((values, index) => {
    const sizes = { length: values.length, partialCount: gradients.length, limit };
    callKernel('f32_gradient_clip_update', { partials, gradients: values }, sizes);
    expect(largestError(values, after[index] as readonly number[])).toBeLessThan(1e-6);
  });
});

test('averages as PyTorch moves them', () => {
  const { options, weights, average } = golden.averages;
  const averages = new Float32Array(average.length).fill(7);
  weights.forEach((values, index) => {
    const decay = averageDecayAt(options, index + 1);
    if (decay === null) return;
    const arrays = { averages, values: Float32Array.from(values), rates: Float32Array.of(decay, 1 - decay) };
    callKernel('f32_moving_average_update', arrays, { length: average.length });
  });
  expect(largestError(averages, average)).toBeLessThan(1e-6);
});

const ADAMW = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 } as const;

test('an update is a call a group of parameters, whatever the network', () => {
  const groups = (options: UpdateOptions) =>
    programOf(options).steps.map(({ kernel, operands, sizes }) => [
      kernel,
      operands.gradients?.offsetBytes,
      sizes.length,
    ]);
  const all = layout.trainedBytes / 4;
  const weights = layout.weightBytes / 4;
  expect(groups({ optimizer: ADAMW })).toEqual([
    ['f32_adam_update', 0, weights],
    ['f32_adam_update', layout.weightBytes, all - weights],
  ]);
  expect(groups({ optimizer: ADAMW, decayNormAndBias: true })).toEqual([['f32_adam_update', 0, all]]);
  // Only the classifier is trained: its weights and its biases are a run each.
  const head = { optimizer: ADAMW, rateShare: (name: string) => (name.startsWith('classifier') ? 1 : 0) };
  const parts = groups({ ...head, clipNorm: 1, microBatches: 3 });
  expect(parts.map(([kernel]) => kernel)).toEqual(
    ['mean_update', 'norm_forward', 'clip_update']
      .flatMap((name) => [`f32_gradient_${name}`, `f32_gradient_${name}`])
      .concat(['f32_adam_update', 'f32_adam_update']),
  );
  expect(new Set(parts.map(([, start, length]) => `${start} ${length}`)).size).toBe(2);
  for (const options of [head, { ...head, clipNorm: 1, microBatches: 3 }]) validateProgram(withGradients(options));
});

/** As `programOf`, with gradients that something has written. */
function withGradients(options: UpdateOptions) {
  const program = programOf(options);
  return {
    ...program,
    ports: { ...program.ports, gradients: { buffer: 2, offsetBytes: 0, bytes: layout.trainedBytes } },
  };
}

test('each group has its own rates', () => {
  const rateShare = (name: string) => (name.startsWith('classifier') ? 1 : 0.1);
  const rates = updateRates(layout, { optimizer: ADAMW, rateShare }, 0.5, 1);
  expect(rates).toHaveLength(4 * 8);
  const kept = [0, 1, 2, 3].map((row) => rates[8 * row + 4]);
  expect(kept).toEqual([1 - 0.05 * 0.1, 1 - 0.5 * 0.1, 1, 1].map(Math.fround));
  expect(rates[0]).toBe(Math.fround(0.05 / Math.fround(0.1)));
});
