/**
 * The search for a learning rate, from data to a suggestion: prepared as a training is, with the same
 * choices, but nothing is kept of it.
 */
import { BneckError } from '../base/errors.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { CHOICE_BOUNDS, describeBounds, fitsBounds, SWEEP_STEP_BOUNDS } from './bounds.ts';
import { prepareRun } from './prepare-run.node.ts';
import { type RateRange, type SweepPoint, suggestRate, sweepRates } from './rate-sweep.ts';
import type { Recipe } from './recipe.ts';
import { checkThreads, makeLoaders, makeSession, requireMemory, type TrainingEngine } from './run-setup.node.ts';
import type { TrainOptions } from './train-options.ts';

export interface FindRateOptions extends Omit<TrainOptions, 'resume' | 'out' | 'observer'> {
  /** The first rate; 1e-6 by default. */
  readonly from?: number | undefined;
  /** The last rate; 10 by default. */
  readonly to?: number | undefined;
  /** Updates; 100 by default. */
  readonly steps?: number | undefined;
  /** Called before the first update. */
  readonly onStart?: (plan: {
    readonly recipe: Recipe;
    readonly reasons: readonly string[];
    readonly range: RateRange;
  }) => void;
  /** Called after each update. */
  readonly onPoint?: (point: SweepPoint, done: number) => void;
}

export interface FoundRate {
  readonly points: readonly SweepPoint[];
  /** Where the loss falls steepest; null where it does not fall. */
  readonly suggestion: number | null;
}

const DEFAULT_RANGE: RateRange = { from: 1e-6, to: 10, steps: 100 };

function rangeOf({ from = DEFAULT_RANGE.from, to = DEFAULT_RANGE.to, steps = DEFAULT_RANGE.steps }: FindRateOptions) {
  const numbers = [
    ['from', from, CHOICE_BOUNDS.learningRate],
    ['to', to, CHOICE_BOUNDS.learningRate],
    ['steps', steps, SWEEP_STEP_BOUNDS],
  ] as const;
  for (const [name, value, bounds] of numbers) {
    if (!fitsBounds(value, bounds)) throw new BneckError('option', `${name} ${value}: give ${describeBounds(bounds)}.`);
  }
  if (from >= to) throw new BneckError('option', `from ${from}: it has to be below ${to}, where the sweep ends.`);
  return { from, to, steps };
}

/** See `findLearningRate`. */
export async function runRateSearch(options: FindRateOptions, engine: TrainingEngine): Promise<FoundRate> {
  const { threads = defaultThreads(), signal, onStart, onPoint, cache = false } = options;
  checkThreads(threads);
  const range = rangeOf(options);
  const run = await prepareRun(options);
  const { recipe, reasons } = run;
  requireMemory(engine, run, threads);
  // Few pictures are read, and once: not worth a cache, unless one is asked for.
  const { train, close } = await makeLoaders(run, { ...options, cache });
  const session = await makeSession(engine, run, threads);
  try {
    onStart?.({ recipe, reasons, range });
    const points = await sweepRates(session, train, recipe, range, (point, done) => {
      onPoint?.(point, done);
      return !signal?.aborted;
    });
    return { points, suggestion: suggestRate(points) };
  } finally {
    await session.dispose();
    await close();
  }
}
