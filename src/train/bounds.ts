/**
 * Which numbers an option of training may be. One table, used by the library and by the command
 * line, so that both refuse the same and say the same. Invariant: NaN and infinity fit no bounds.
 */
import type { TrainingChoices } from './recipe.ts';

export interface Bounds {
  readonly least: number;
  readonly greatest: number;
  readonly whole?: boolean;
  /** `least` itself is not allowed. */
  readonly above?: boolean;
  /** `greatest` itself is not allowed. */
  readonly below?: boolean;
}

export const SEED_BOUNDS: Bounds = { least: 0, greatest: 2 ** 32 - 1, whole: true };
export const THREAD_BOUNDS: Bounds = { least: 1, greatest: 256, whole: true };
export const RESOLUTION_BOUNDS: Bounds = { least: 8, greatest: 4096, whole: true };

export const CHOICE_BOUNDS = {
  width: { least: 0, greatest: 16, above: true },
  epochs: { least: 1, greatest: 100_000, whole: true },
  batch: { least: 2, greatest: 65_536, whole: true },
  resolution: RESOLUTION_BOUNDS,
  accumulate: { least: 1, greatest: 65_536, whole: true },
  learningRate: { least: 0, greatest: 1000, above: true },
  warmup: { least: 0, greatest: 100_000 },
  rateEvery: { least: 0, greatest: 100_000, above: true },
  rateFactor: { least: 0, greatest: 1, above: true },
  leastRate: { least: 0, greatest: 1000 },
  momentum: { least: 0, greatest: 1, below: true },
  weightDecay: { least: 0, greatest: 1 },
  clipNorm: { least: 0, greatest: 1e9, above: true },
  labelSmoothing: { least: 0, greatest: 1, below: true },
  mixup: { least: 0, greatest: 1000 },
  cutmix: { least: 0, greatest: 1000 },
  headEpochs: { least: 0, greatest: 100_000, whole: true },
  firstRateShare: { least: 0, greatest: 1, above: true },
  patience: { least: 1, greatest: 100_000, whole: true },
  validation: { least: 0, greatest: 1, below: true },
  seed: SEED_BOUNDS,
} as const satisfies Partial<Record<keyof TrainingChoices, Bounds>>;

/** Of updates in a search for a learning rate. */
export const SWEEP_STEP_BOUNDS: Bounds = { least: 10, greatest: 100_000, whole: true };
/** Of the moving average of weights. */
export const DECAY_BOUNDS: Bounds = { least: 0, greatest: 1, below: true };
/** Of each class weight. */
export const CLASS_WEIGHT_BOUNDS: Bounds = { least: 0, greatest: 1e6, above: true };

export function fitsBounds(value: number, bounds: Bounds): boolean {
  const { least, greatest, whole = false, above = false, below = false } = bounds;
  if (!(whole ? Number.isInteger(value) : Number.isFinite(value))) return false;
  return (above ? value > least : value >= least) && (below ? value < greatest : value <= greatest);
}

/** For example `a whole number from 2 to 65536` or `a number above 0 and up to 1000`. */
export function describeBounds({ least, greatest, whole, above, below }: Bounds): string {
  const high = below ? `below ${greatest}` : String(greatest);
  const range = above ? `above ${least} and up to ${high}` : `from ${least} to ${high}`;
  return `a ${whole ? 'whole ' : ''}number ${range}`;
}
