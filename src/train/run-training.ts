/**
 * A run from beginning to end: what `train` does, with the engine as a parameter so that tests can
 * put a small one in its place. Prepares, checks memory, makes the session and the folder, and hands
 * over to the loop. Invariant: nothing is written before everything that can be refused has been
 * checked, and the engine's threads are let go of however the run ends.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount } from '../base/tensor.ts';
import type { DataSource } from '../data/dataset.ts';
import type { BadPicture } from '../data/loader.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { removeDamaged } from './checkpoint.node.ts';
import { featureRows } from './feature-rows.node.ts';
import type { TrainingPlan, TrainingResult } from './observer.ts';
import { stepsPerEpoch, totalEpochs } from './phases.ts';
import { type PreparedRun, prepareRun } from './prepare-run.node.ts';
import { RunFolder } from './run-folder.node.ts';
import { RunRecorder } from './run-recorder.node.ts';
import {
  allBad,
  checkThreads,
  type Loaders,
  makeLoaders,
  makeSession,
  requireMemory,
  type TrainingEngine,
} from './run-setup.node.ts';
import type { Session } from './session.ts';
import type { TrainOptions } from './train-options.ts';
import { TrainingLoop } from './training-loop.ts';
import { bestMetrics, type TrainingState } from './training-state.ts';

/** A picture's path to try the model on; null where pictures are no files of their own. */
function samplePicture({ validation, train }: DataSource): string | null {
  return (validation.length > 0 ? validation : train).file?.(0).diskPath ?? null;
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
  const { threads = defaultThreads() } = options;
  checkThreads(threads);
  const run = await prepareRun(options);
  requireMemory(engine, run, threads);
  const loaders = await makeLoaders(run, options);
  try {
    return await runPrepared(run, loaders, options, engine, threads);
  } finally {
    await loaders.close();
  }
}

async function runPrepared(
  run: PreparedRun,
  loaders: Loaders,
  { observer = {}, signal, out }: TrainOptions,
  engine: TrainingEngine,
  threads: number,
): Promise<TrainingResult> {
  const session = await makeSession(engine, run, threads);
  try {
    const folder = run.resumed?.folder ?? (await RunFolder.create(out));
    return await folder.whileLocked(() => runInFolder(folder, run, loaders, session, { observer, signal, threads }));
  } finally {
    await session.dispose();
  }
}

interface RunOptions {
  readonly observer: NonNullable<TrainOptions['observer']>;
  readonly signal: TrainOptions['signal'];
  readonly threads: number;
}

async function runInFolder(
  folder: RunFolder,
  run: PreparedRun,
  loaders: Loaders,
  session: Session,
  { observer, signal, threads }: RunOptions,
): Promise<TrainingResult> {
  const { recipe, state } = run;
  const badPictures = (): BadPicture[] => allBad(loaders);
  const recorder = new RunRecorder(run, folder, observer, badPictures);
  if (run.resumed === null) await recorder.saveConfig();
  else if (run.resumed.fellBack) await removeDamaged(folder.path);
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
}
