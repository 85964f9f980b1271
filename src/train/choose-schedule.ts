/**
 * The course of the learning rate: what was asked for in epochs becomes steps, the rest is chosen. A
 * part of `chooseRecipe`.
 */
import { BneckError } from '../base/errors.ts';
import { exp, log } from '../base/math.ts';
import type { TrainingChoices } from './recipe.ts';
import type { Schedule, ScheduleName } from './schedule.ts';

/** Each schedule, with what it does in words. */
const SCHEDULES: Readonly<Record<ScheduleName, string>> = {
  cosine: 'falling along a cosine',
  constant: 'constant',
  step: 'falling in steps',
  exponential: 'falling exponentially',
  'one-cycle': 'rising and falling in one cycle',
};

export const SCHEDULE_NAMES = Object.keys(SCHEDULES) as ScheduleName[];

/** Share of all steps in which the learning rate grows. */
const WARMUP_SHARE = 0.05;
/** As in PyTorch's OneCycleLR: the share of rising steps, the first rate and the last as shares of the highest. */
const ONE_CYCLE = { warmupShare: 0.3, startShare: 1 / 25, endShare: 1 / 25 / 1e4 } as const;
/** In steps: a tenth, three times. */
const STEP_FACTOR = 0.1;
const STEPS_DOWN = 3;
/** Exponentially: down to this share at the end. */
const EXPONENTIAL_END = 0.01;

/** The numbers of epochs that the course is chosen for. */
export interface Length {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

function refuseStrangers(kind: ScheduleName, { leastRate, rateEvery, rateFactor }: TrainingChoices): void {
  const falls = kind === 'step' || kind === 'exponential';
  const strangers: [string, number | undefined, boolean, string][] = [
    ['leastRate', leastRate, kind === 'cosine', 'cosine'],
    ['rateEvery', rateEvery, falls, 'step and exponential'],
    ['rateFactor', rateFactor, falls, 'step and exponential'],
  ];
  for (const [name, value, belongs, where] of strangers) {
    if (value === undefined || belongs) continue;
    throw new BneckError('option', `${name} ${value}: it belongs to schedule ${where}, not to ${kind}. Leave it out.`);
  }
}

function chooseWarmup(kind: ScheduleName, { warmup }: TrainingChoices, { epochs, stepsPerEpoch }: Length): number {
  const totalSteps = epochs * stepsPerEpoch;
  const share = kind === 'one-cycle' ? ONE_CYCLE.warmupShare : WARMUP_SHARE;
  if (warmup === undefined) return Math.floor(totalSteps * share);
  if (warmup > epochs) {
    throw new BneckError('option', `warmup ${warmup}: there are only ${epochs} epochs. Take a shorter warm-up.`);
  }
  return Math.round(warmup * stepsPerEpoch);
}

/**
 * @param learningRate the highest
 * @returns the schedule, and what it does in words
 * @throws BneckError 'option' for choices that contradict each other
 */
export function chooseSchedule(choices: TrainingChoices, learningRate: number, length: Length): [Schedule, string] {
  const { schedule: kind = 'cosine', leastRate = 0, rateEvery, rateFactor } = choices;
  if (!SCHEDULE_NAMES.includes(kind)) {
    throw new BneckError('option', `schedule ${String(kind)}: give ${SCHEDULE_NAMES.join(', ')}.`);
  }
  refuseStrangers(kind, choices);
  if (leastRate >= learningRate) {
    throw new BneckError('option', `leastRate ${leastRate}: it has to be below the learning rate ${learningRate}.`);
  }
  const { epochs, stepsPerEpoch } = length;
  const warmupSteps = chooseWarmup(kind, choices, length);
  const course = { learningRate, warmupSteps, totalSteps: epochs * stepsPerEpoch };
  const words = `${SCHEDULES[kind]}${warmupSteps === 0 || kind === 'one-cycle' ? '' : ' after a warm-up'}`;
  const inSteps = (ofEpochs: number) => Math.max(1, Math.round(ofEpochs * stepsPerEpoch));
  switch (kind) {
    case 'constant':
      return [{ kind, ...course }, words];
    case 'cosine':
      return [{ kind, ...course, leastRate }, words];
    case 'step': {
      const everySteps = inSteps(rateEvery ?? (epochs - warmupSteps / stepsPerEpoch) / STEPS_DOWN);
      return [{ kind, ...course, everySteps, factor: rateFactor ?? STEP_FACTOR }, words];
    }
    case 'exponential': {
      const every = rateEvery ?? 1;
      const factor = rateFactor ?? exp((log(EXPONENTIAL_END) * every) / epochs);
      return [{ kind, ...course, everySteps: inSteps(every), factor }, words];
    }
    case 'one-cycle': {
      const { startShare, endShare } = ONE_CYCLE;
      return [{ kind, ...course, startShare, endShare }, words];
    }
  }
}
