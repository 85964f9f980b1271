/**
 * A run from beginning to end: what `train` does, with the engine as a parameter so that tests can
 * put a small one in its place. Prepares, checks memory, makes the session and the folder, and hands
 * over to the loop. Invariant: nothing is written before everything that can be refused has been
 * checked, and the engine's threads are let go of however the run ends.
 */
import { BneckError } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import { elementCount } from '../base/tensor.ts';
import type { DataSource } from '../data/dataset.ts';
import { type BadPicture, BatchLoader } from '../data/loader.ts';
import { buildGraph } from '../graph/build-graph.ts';
import type { Architecture } from '../models/architecture.ts';
import { defaultThreads, engineMemoryLimit } from '../runtime/machine.node.ts';
import { balancedOrder } from './balanced-order.ts';
import { describeBounds, fitsBounds, THREAD_BOUNDS } from './bounds.ts';
import { featureRows } from './feature-rows.node.ts';
import type { TrainingPlan, TrainingResult } from './observer.ts';
import { phaseAt, stepsPerEpoch, totalEpochs } from './phases.ts';
import { type PreparedRun, prepareRun } from './prepare-run.node.ts';
import { RunFolder } from './run-folder.node.ts';
import { RunRecorder } from './run-recorder.node.ts';
import type { Session, SessionOptions } from './session.ts';
import type { TrainOptions } from './train-options.ts';
import { cachedParts } from './training-data.node.ts';
import { type HeadData, TrainingLoop } from './training-loop.ts';
import { bestMetrics, type TrainingState } from './training-state.ts';

/** What the trainer needs of the engine. */
export interface TrainingEngine {
  createSession(options: SessionOptions): Promise<Session>;
  /** The largest batch whose training fits; 0 if not even 2 pictures do. */
  largestBatch(architecture: Architecture, resolution: number, limitBytes: number, threads: number): number;
}

function checkThreads(threads: number): void {
  if (fitsBounds(threads, THREAD_BOUNDS)) return;
  throw new BneckError('option', `threads ${threads}: give ${describeBounds(THREAD_BOUNDS)}.`);
}

function requireMemory(engine: TrainingEngine, { architecture, recipe }: PreparedRun, threads: number): void {
  const { batch, preprocessing } = recipe;
  const { resolution } = preprocessing;
  const limitBytes = engineMemoryLimit();
  const largest = engine.largestBatch(architecture, resolution, limitBytes, threads);
  if (batch <= largest) return;
  const limit = `the ${(limitBytes / 1e9).toFixed(1)} GB that training may take here`;
  const remedy =
    largest < 2
      ? 'Not even a batch of 2 does; take a smaller resolution or width'
      : `A batch of ${largest} fits; take that or less`;
  throw new BneckError('memory', `A batch of ${batch} at ${resolution} px does not fit into ${limit}. ${remedy}.`);
}

interface Loaders {
  readonly train: BatchLoader;
  readonly validation: BatchLoader | null;
  /** Of the training pictures, without random changes; null where the head is not trained alone. */
  readonly head: Omit<HeadData, 'openRows'> | null;
}

async function makeLoaders({ recipe, data, state }: PreparedRun, cache: TrainOptions['cache']): Promise<Loaders> {
  const { train, validation } = await cachedParts(data, recipe, cache ?? 'auto');
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
  };
}

/** Each picture once, training pictures first. */
function allBad({ train, head, validation }: Loaders): BadPicture[] {
  const trained = new Map([...train.bad, ...(head?.loader.bad ?? [])].map((picture) => [picture.index, picture]));
  return [...[...trained.values()].sort((a, b) => a.index - b.index), ...(validation?.bad ?? [])];
}

async function makeSession(engine: TrainingEngine, run: PreparedRun, threads: number): Promise<Session> {
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

/** A picture's path to try the model on; null where pictures are no files of their own. */
function samplePicture({ kind, validation, train }: DataSource): string | null {
  if (kind === 'idx') return null;
  return validation.length > 0 ? validation.name(0) : train.name(0);
}

function planOf(run: PreparedRun, session: Session, threads: number, folder: RunFolder): TrainingPlan {
  const { data, architecture, recipe, reasons, resumed, state } = run;
  const trained = buildGraph(architecture).parameters.filter(({ trainable }) => trainable);
  return {
    data: data.source,
    facts: data.facts,
    architecture,
    parameters: trained.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    recipe,
    stepsPerEpoch: stepsPerEpoch(recipe),
    reasons,
    threads,
    memoryBytes: session.memoryBytes,
    run: folder.path,
    samplePicture: samplePicture(run.data.source),
    resumedAt: resumed === null ? null : { epoch: state.epoch, step: state.stepInEpoch },
  };
}

/** An error of a run that has begun also says where the run is and how it goes on. */
function whereToGoOn(error: unknown, { path }: RunFolder, { steps }: TrainingState): unknown {
  if (!(error instanceof BneckError)) return error;
  const resume = `bneck train --resume ${path}`;
  const next: Partial<Record<BneckError['code'], string>> = {
    image: `The run is kept; go on without such pictures: ${resume} --skip-bad`,
    data: `The run is kept in ${path}.`,
    // Where the very first checkpoint could not be written there is nothing to go on from.
    ...(steps > 0 ? { file: `Then go on with: ${resume}` } : {}),
    training: `The run is in ${path}.`,
  };
  const sentence = next[error.code];
  if (sentence === undefined) return error;
  const message = error.message.endsWith('.') ? error.message : `${error.message}.`;
  return new BneckError(error.code, `${message} ${sentence}`, { cause: error });
}

/** See `train`. */
export async function runTraining(options: TrainOptions, engine: TrainingEngine): Promise<TrainingResult> {
  const { threads = defaultThreads(), observer = {}, signal, out } = options;
  checkThreads(threads);
  const run = await prepareRun(options);
  const { recipe, state } = run;
  requireMemory(engine, run, threads);
  const loaders = await makeLoaders(run, options.cache);
  const badPictures = (): BadPicture[] => allBad(loaders);
  const session = await makeSession(engine, run, threads);
  try {
    const folder = run.resumed?.folder ?? (await RunFolder.create(out));
    const recorder = new RunRecorder(run, folder, observer, badPictures);
    if (run.resumed === null) await recorder.saveConfig();
    observer.planned?.(planOf(run, session, threads, folder));
    const loop = new TrainingLoop({
      session,
      trainLoader: loaders.train,
      head: loaders.head && { ...loaders.head, openRows: featureRows(folder.path) },
      validationLoader: loaders.validation,
      recipe,
      state,
      recorder,
      observer,
      signal,
    });
    const status = await loop.run().catch((error: unknown) => {
      throw whereToGoOn(error, folder, state);
    });
    const result: TrainingResult = {
      status,
      endedEarly: status === 'finished' && state.epoch < totalEpochs(recipe),
      run: folder.path,
      epochs: state.rows,
      best: bestMetrics(state),
      bestPath: state.bestEpoch === null ? null : folder.bestPath,
      position: { epoch: state.epoch, step: state.stepInEpoch },
      badPictures: badPictures(),
    };
    if (status === 'stopped') observer.stopped?.(result);
    return result;
  } finally {
    await session.dispose();
  }
}
