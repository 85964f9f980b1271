/**
 * A run from beginning to end: what `train` does, with the engine as a parameter so that tests can
 * put a small one in its place. Opens the data, chooses or reads the recipe, checks memory, makes
 * the session and the folder, and hands over to the loop. Invariant: nothing is written before
 * everything that can be refused has been checked.
 */
import { BneckError } from '../base/errors.ts';
import { type BadPicture, BatchLoader } from '../data/loader.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { elementCount } from '../base/tensor.ts';
import type { Architecture } from '../models/architecture.ts';
import { defaultThreads, engineMemoryLimit } from './machine.node.ts';
import type { TrainingObserver, TrainingPlan, TrainingResult } from './observer.ts';
import { type PreparedRun, prepareNewRun, prepareResumedRun, type RunOptions } from './prepare-run.node.ts';
import { RunFolder } from './run-folder.node.ts';
import { RunRecorder } from './run-recorder.node.ts';
import type { Session, SessionOptions } from './session.ts';
import { cachedParts } from './training-data.node.ts';
import { TrainingLoop } from './training-loop.ts';
import { bestMetrics } from './training-state.ts';

/** What the trainer needs of the engine. */
export interface Engine {
  createSession(options: SessionOptions): Promise<Session>;
  /** The largest batch whose training fits; 0 if not even 2 pictures do. */
  largestBatch(architecture: Architecture, resolution: number, limitBytes: number, threads: number): number;
}

function checkThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= 256) return;
  throw new BneckError('option', `threads ${threads}: give a whole number from 1 to 256.`);
}

function requireMemory(engine: Engine, { architecture, recipe }: PreparedRun, threads: number): void {
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
}

async function makeLoaders(run: PreparedRun, options: RunOptions): Promise<Loaders> {
  const { recipe, data } = run;
  const parts = await cachedParts(data, recipe, options.cache ?? 'auto');
  const { batch: batchSize, preprocessing, augmentation, seed, skipBad } = recipe;
  const common = { batchSize, preprocessing, seed, skipBad };
  return {
    train: new BatchLoader(parts.train, { ...common, augmentation }),
    validation: parts.validation.length > 0 ? new BatchLoader(parts.validation, { ...common, augmentation: null }) : null,
  };
}

function badPictures({ train, validation }: Loaders): BadPicture[] {
  return [...train.bad, ...(validation?.bad ?? [])];
}

function planOf(run: PreparedRun, loaders: Loaders, session: Session, threads: number, folder: RunFolder): TrainingPlan {
  const { data, architecture, recipe, reasons, resumed, state } = run;
  const trained = buildGraph(architecture).parameters.filter(({ trainable }) => trainable);
  return {
    data: data.source,
    facts: data.facts,
    architecture,
    parameters: trained.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    recipe,
    stepsPerEpoch: loaders.train.batchesPerEpoch,
    reasons,
    threads,
    memoryBytes: session.memoryBytes,
    run: folder.path,
    resumedAt: resumed ? { epoch: state.epoch, step: state.stepInEpoch } : null,
  };
}

/** Tells of each picture that was passed over, once, when a step or a validation batch has brought it up. */
function tellingSkipped(observer: TrainingObserver, loaders: Loaders): TrainingObserver {
  let told = 0;
  const tell = () => {
    const count = loaders.train.badCount + (loaders.validation?.badCount ?? 0);
    if (count === told) return;
    told = count;
  };
  void tell;
  return observer;
}

export async function runTraining(options: RunOptions, engine: Engine): Promise<TrainingResult> {
  return null as never;
}
