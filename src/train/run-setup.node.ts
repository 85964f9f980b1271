/**
 * What a prepared run takes before its first step: memory enough, loaders and a session. Shared by
 * training and the search for a learning rate. Invariant: nothing is written here.
 */
import { BneckError } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import { type BadPicture, BatchLoader } from '../data/loader.ts';
import type { Architecture } from '../models/architecture.ts';
import { engineMemoryLimit } from '../runtime/machine.node.ts';
import { balancedOrder } from './balanced-order.ts';
import { describeBounds, fitsBounds, THREAD_BOUNDS } from './bounds.ts';
import { phaseAt } from './phases.ts';
import type { PreparedRun } from './prepare-run.node.ts';
import type { Session, SessionOptions } from './session.ts';
import type { TrainOptions } from './train-options.ts';
import { cachedParts } from './training-data.node.ts';
import type { HeadData } from './training-loop.ts';

/** What the trainer needs of the engine. */
export interface TrainingEngine {
  createSession(options: SessionOptions): Promise<Session>;
  /** The largest batch, up to `most`, whose training fits; 0 if not even 2 pictures do. */
  largestBatch(
    architecture: Architecture,
    resolution: number,
    most: number,
    limitBytes: number,
    threads: number,
  ): number;
}

/** @throws BneckError 'option' */
export function checkThreads(threads: number): void {
  if (fitsBounds(threads, THREAD_BOUNDS)) return;
  throw new BneckError('option', `threads ${threads}: give ${describeBounds(THREAD_BOUNDS)}.`);
}

/** @throws BneckError 'memory' for a batch that does not fit, with one that does */
export function requireMemory(engine: TrainingEngine, { architecture, recipe }: PreparedRun, threads: number): void {
  const { batch, preprocessing } = recipe;
  const { resolution } = preprocessing;
  const limitBytes = engineMemoryLimit();
  const largest = engine.largestBatch(architecture, resolution, batch, limitBytes, threads);
  if (batch <= largest) return;
  const limit = `the ${(limitBytes / 1e9).toFixed(1)} GB that training may take here`;
  const remedy =
    largest < 2
      ? 'Not even a batch of 2 does; take a smaller resolution or width'
      : `A batch of ${largest} fits; take that or less`;
  throw new BneckError('memory', `A batch of ${batch} at ${resolution} px does not fit into ${limit}. ${remedy}.`);
}

export interface Loaders {
  readonly train: BatchLoader;
  readonly validation: BatchLoader | null;
  /** Of the training pictures, without random changes; null where the head is not trained alone. */
  readonly head: Omit<HeadData, 'openRows'> | null;
  /** Lets caches go, when nothing is being read. */
  close(): Promise<void>;
}

export async function makeLoaders({ recipe, data, state }: PreparedRun, options: TrainOptions): Promise<Loaders> {
  const { train, validation, close } = await cachedParts(data, recipe, options);
  const { batch: batchSize, preprocessing, augmentation, seed, skipBad, balancedSampling } = recipe;
  const order = (epoch: number) =>
    balancedSampling
      ? balancedOrder(train.labels, train.classes.length, seed, epoch)
      : new RandomStream(seed, 'order', epoch).permutation(train.length);
  const common = { batchSize, preprocessing, seed, skipBad };
  const evaluation = { ...common, augmentation: null };
  const trainsHead = phaseAt(recipe, state.epoch).part === 'head';
  return {
    train: new BatchLoader(train, { ...common, augmentation, order }),
    validation: validation.length > 0 ? new BatchLoader(validation, evaluation) : null,
    head: trainsHead ? { loader: new BatchLoader(train, evaluation), order } : null,
    close,
  };
}

/** Each picture once, training pictures first. */
export function allBad({ train, head, validation }: Loaders): BadPicture[] {
  const trained = new Map([...train.bad, ...(head?.loader.bad ?? [])].map((picture) => [picture.index, picture]));
  return [...[...trained.values()].sort((a, b) => a.index - b.index), ...(validation?.bad ?? [])];
}

/** A session at the run's position. */
export async function makeSession(engine: TrainingEngine, run: PreparedRun, threads: number): Promise<Session> {
  const { architecture, recipe, weights, resumed, state } = run;
  const { batch, accumulate, optimizer, decayNormAndBias, clipNorm, labelSmoothing } = recipe;
  const { classWeights, average, fineTuning, batchNormMomentum, seed, preprocessing } = recipe;
  const { resolution, mean, std } = preprocessing;
  const phase = phaseAt(recipe, state.epoch);
  const session = await engine.createSession({
    architecture,
    weights,
    batch,
    resolution,
    mean,
    std,
    optimizer,
    microBatches: accumulate,
    keepsAverage: average !== null,
    ...(fineTuning && { firstRateShare: fineTuning.firstRateShare, trainsHead: phase.part === 'head' }),
    decayNormAndBias,
    clipNorm,
    labelSmoothing,
    classWeights,
    batchNormMomentum,
    seed,
    threads,
  });
  if (resumed !== null) session.restore(resumed.session, state.steps, state.steps - phase.firstStep);
  return session;
}
