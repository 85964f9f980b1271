/**
 * The exponential moving average of the weights: after which updates it moves, and how far. A pure
 * function of the step, so that resuming needs no state but the averages themselves.
 */

export interface WeightAverage {
  /** What the average keeps of itself each time it moves, 0 up to, not including, 1. */
  readonly decay: number;
  /** It moves after every so many updates. */
  readonly everySteps: number;
  /** Up to this update it is a copy of the weights: those of the warm-up are soon of no use. */
  readonly copySteps: number;
}

/**
 * The decay after an update; null where the average stays as it is.
 * @param step updates made, counted from 1
 */
export function averageDecayAt({ decay, everySteps, copySteps }: WeightAverage, step: number): number | null {
  if (step % everySteps !== 0) return null;
  return step <= copySteps ? 0 : decay;
}

/** torchvision averages after every 32nd update, */
const TORCHVISION_EVERY = 32;
/** with this decay for one picture a batch and one epoch. */
const TORCHVISION_DECAY = 0.99998;
/** By default the average looks back over this share of the run's updates. */
const HORIZON_SHARE = 0.1;
const LARGEST_DECAY = 0.9998;

interface Run {
  readonly epochs: number;
  readonly totalSteps: number;
  /** Pictures an update. */
  readonly pictures: number;
  readonly warmupSteps: number;
}

/**
 * @param ema 'auto' for a decay that suits the run's length, 'torchvision' for the reference script's
 *   formula (references/classification/train.py), or a decay
 */
export function chooseAverage(ema: number | 'auto' | 'torchvision', run: Run): WeightAverage {
  const copySteps = run.warmupSteps;
  if (ema === 'torchvision') {
    const taken = Math.min(1, ((1 - TORCHVISION_DECAY) * run.pictures * TORCHVISION_EVERY) / run.epochs);
    return { decay: 1 - taken, everySteps: TORCHVISION_EVERY, copySteps };
  }
  const horizon = Math.max(2, HORIZON_SHARE * run.totalSteps);
  const decay = ema === 'auto' ? Math.min(LARGEST_DECAY, 1 - 1 / horizon) : ema;
  return { decay, everySteps: 1, copySteps };
}
