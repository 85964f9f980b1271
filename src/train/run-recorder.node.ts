/**
 * Writes what the loop hands it into the run's folder, in the forms that people and `--resume` read.
 * Invariant: no file holds a time or a number of threads that could make equal runs differ, but for
 * the seconds in the books.
 */
import type { StateDict } from '../base/tensor.ts';
import type { BadPicture } from '../data/loader.ts';
import { BNECK_VERSION, encodeModelFile, type ModelFile } from '../model/model-file.ts';
import type { EpochMetrics } from '../report/metrics-csv.ts';
import { saveCheckpoint } from './checkpoint.node.ts';
import type { TrainingObserver } from './observer.ts';
import type { PreparedRun } from './prepare-run.node.ts';
import type { RunFolder } from './run-folder.node.ts';
import type { SessionState } from './session.ts';
import { dataPath } from './training-data.node.ts';
import type { Recorder } from './training-loop.ts';
import { isOver, type TrainingState } from './training-state.ts';

/** NaN, which JSON does not have, becomes null. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export class RunRecorder implements Recorder {
  readonly #run: PreparedRun;
  readonly #folder: RunFolder;
  readonly #observer: TrainingObserver;
  readonly #badPictures: () => BadPicture[];

  constructor(run: PreparedRun, folder: RunFolder, observer: TrainingObserver, badPictures: () => BadPicture[]) {
    this.#run = run;
    this.#folder = folder;
    this.#observer = observer;
    this.#badPictures = badPictures;
  }

  /** For people, and for reports on the run. */
  async saveConfig(): Promise<void> {
    const { data, dataRecord, architecture, recipe, reasons } = this.#run;
    await this.#folder.writeConfig({
      bneck: BNECK_VERSION,
      data: { path: dataPath(data.source), kind: data.source.kind, ...data.opening, ...dataRecord },
      architecture,
      recipe,
      reasons,
    });
  }

  #model(weights: StateDict, progress: Readonly<Record<string, unknown>>): ModelFile {
    const { architecture, recipe, dataRecord } = this.#run;
    const { classNames, ...data } = dataRecord;
    const training = { ...progress, recipe, data };
    return { architecture, classNames, preprocessing: recipe.preprocessing, weights, training };
  }

  async saveCheckpoint(state: TrainingState, session: SessionState): Promise<void> {
    const { recipe, data, dataRecord } = this.#run;
    const position = { epoch: state.epoch, step: state.stepInEpoch };
    const checkpoint = {
      model: this.#model(session.weights, position),
      optimizerState: session.optimizer,
      averageWeights: session.average,
      record: { recipe, dataPath: dataPath(data.source), opening: data.opening, data: dataRecord, state },
    };
    // A run that is over does not go on from any.
    await saveCheckpoint(this.#folder.path, checkpoint, { keepsPrevious: !isOver(state, recipe) });
    this.#observer.checkpointSaved?.({ path: this.#folder.checkpointPath, position });
  }

  async saveBest(metrics: EpochMetrics, weights: StateDict): Promise<void> {
    const model = this.#model(weights, {
      epoch: metrics.epoch,
      trainLoss: orNull(metrics.trainLoss),
      trainAccuracy: orNull(metrics.trainAccuracy),
      validationLoss: orNull(metrics.validationLoss),
      validationAccuracy: orNull(metrics.validationAccuracy),
    });
    await this.#folder.writeBest(encodeModelFile(model));
  }

  async saveBooks(state: TrainingState): Promise<void> {
    await this.#folder.writeMetrics(state.rows);
    await this.#folder.writeBadPictures(this.#badPictures());
  }
}
