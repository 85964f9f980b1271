/**
 * The epochs of a run: steps, validation, bookkeeping, and when to save. It knows the engine as a
 * `Session`, the files as a `Recorder` and the audience as a `TrainingObserver`, so it runs in Node
 * and in a browser alike. Invariant: it stops, whether asked to or by an error, only between steps;
 * going on from a saved state gives the bits of a run that was never interrupted.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import type { Batch, BatchLoader } from '../data/loader.ts';
import { rankOf } from '../report/logits.ts';
import type { EpochMetrics } from '../report/metrics-csv.ts';
import { type Evaluation, evaluateDataset } from './evaluate-dataset.ts';
import type { TrainingObserver } from './observer.ts';
import type { Recipe } from './recipe.ts';
import { learningRateAt } from './schedule.ts';
import type { Session, StepResult } from './session.ts';
import { bestMetrics, finishEpoch, isBetter, type TrainingState } from './training-state.ts';

/** Keeps what must not be lost. */
export interface Recorder {
  /** All it takes to go on from here. */
  saveCheckpoint(state: TrainingState, weights: StateDict): Promise<void>;
  /** The best model so far. `metrics` are those of the epoch that is being closed. */
  saveBest(metrics: EpochMetrics, weights: StateDict): Promise<void>;
  /** What people read: the metrics, the list of bad pictures. */
  saveBooks(state: TrainingState): Promise<void>;
}

export interface LoopParts {
  readonly session: Session;
  readonly trainLoader: BatchLoader;
  /** Null where no pictures were set aside. */
  readonly validationLoader: BatchLoader | null;
  readonly recipe: Recipe;
  /** Moved forward in place. */
  readonly state: TrainingState;
  readonly recorder: Recorder;
  readonly observer: TrainingObserver;
  readonly signal?: AbortSignal | undefined;
}

/** Long epochs are saved in the middle too, this often. */
const SAVE_SECONDS = 300;

function now(): number {
  return performance.now() / 1000;
}

export class TrainingLoop {
  readonly #parts: LoopParts;
  readonly #stepsPerEpoch: number;
  #savedAt = now();
  /** The state's `steps` when it was last saved. */
  #savedSteps = -1;
  readonly #toldSkipped = new Set<string>();

  constructor(parts: LoopParts) {
    const { session, trainLoader, state, recipe } = parts;
    assert(session.steps === state.steps, `session at step ${session.steps}, books at ${state.steps}`);
    assert(trainLoader.batchSize === session.batch, `batches of ${trainLoader.batchSize} for ${session.batch}`);
    this.#parts = parts;
    this.#stepsPerEpoch = trainLoader.batchesPerEpoch;
    assert(this.#stepsPerEpoch * recipe.epochs === recipe.schedule.totalSteps, 'the schedule is of another length');
  }

  /**
   * Runs to the end of the recipe, or until the signal is aborted; then everything is saved.
   * @throws BneckError 'training' where loss or weights are not finite any more; 'image' or 'data' for
   *   pictures that cannot be read; 'file' where saving fails. The last good checkpoint stays.
   */
  async run(): Promise<'finished' | 'stopped'> {
    const { state, recipe, observer, recorder, session } = this.#parts;
    if (state.steps === 0) {
      // Proves that the folder can be written to before work is put in, and a kill loses nothing.
      await this.#saveCheckpoint(session.weights());
    }
    while (state.epoch < recipe.epochs) {
      observer.epochStarted?.({
        epoch: state.epoch + 1,
        epochs: recipe.epochs,
        stepsPerEpoch: this.#stepsPerEpoch,
        stepsDone: state.stepInEpoch,
      });
      const finished = await this.#keepingProgress(() => this.#runEpoch());
      if (finished) continue;
      if (state.steps !== this.#savedSteps) await this.#saveCheckpoint(session.weights());
      await recorder.saveBooks(state);
      return 'stopped';
    }
    return 'finished';
  }

  /** A picture that cannot be read ends the run, but not the work so far. */
  async #keepingProgress<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { state, session } = this.#parts;
      const ofData = error instanceof BneckError && (error.code === 'image' || error.code === 'data');
      // The first error is the one to tell.
      if (ofData && state.steps !== this.#savedSteps) await this.#saveCheckpoint(session.weights()).catch(() => {});
      throw error;
    }
  }

  /** False if the signal was aborted before the epoch's end. */
  async #runEpoch(): Promise<boolean> {
    const { state, validationLoader, signal, recorder, session, observer, recipe } = this.#parts;
    if (!(await this.#trainEpoch())) return false;
    let evaluation: Evaluation | null = null;
    if (validationLoader !== null) {
      const predict = (pictures: Uint8Array, count: number) => session.predict(pictures, count);
      const totalPictures = validationLoader.dataset.length;
      evaluation = await evaluateDataset(predict, validationLoader, signal, (pictures) => {
        observer.validated?.({ epoch: state.epoch + 1, pictures, totalPictures });
        this.#tellSkipped(validationLoader);
      });
      if (evaluation === null) return false;
    }
    const metrics = this.#metrics(evaluation);
    const weights = session.weights();
    this.#requireFinite(weights);
    const best = isBetter(metrics, bestMetrics(state));
    if (best) await recorder.saveBest(metrics, weights);
    finishEpoch(state, metrics, best);
    await this.#saveCheckpoint(weights);
    await recorder.saveBooks(state);
    const runSecondsLeft = (recipe.epochs - state.epoch) * meanSeconds(state.rows);
    observer.epochEnded?.({ metrics, epochs: recipe.epochs, best, runSecondsLeft });
    return true;
  }

  /** The steps of the epoch that are left. False if the signal was aborted. */
  async #trainEpoch(): Promise<boolean> {
    const { state, session, trainLoader, recipe, signal } = this.#parts;
    const secondsBefore = state.seconds;
    const picturesBefore = state.pictures;
    const start = now();
    if (signal?.aborted) return false;
    for await (const batch of trainLoader.epoch(state.epoch, { firstBatch: state.stepInEpoch })) {
      assert(batch.count === session.batch, `a training batch of ${batch.count} pictures`);
      const learningRate = learningRateAt(recipe.schedule, state.steps);
      const result = await session.step(batch.pictures, batch.labels, learningRate);
      this.#account(batch, result, learningRate);
      this.#tellSkipped(trainLoader);
      const here = now() - start;
      state.seconds = secondsBefore + here;
      this.#tellStep(learningRate, (state.pictures - picturesBefore) / here);
      if (signal?.aborted) return false;
      if (now() - this.#savedAt > SAVE_SECONDS) {
        const weights = session.weights();
        this.#requireFinite(weights);
        await this.#saveCheckpoint(weights);
      }
    }
    return true;
  }

  #account(batch: Batch, { losses, logits }: StepResult, learningRate: number): void {
    const { state } = this.#parts;
    const classes = logits.length / batch.count;
    let lossSum = 0;
    for (let place = 0; place < batch.count; place++) {
      lossSum += losses[place] as number;
      const row = logits.subarray(place * classes, (place + 1) * classes);
      if (rankOf(row, batch.labels[place] as number) === 0) state.correct += 1;
    }
    if (!Number.isFinite(lossSum)) throw this.#diverged('The loss', learningRate);
    state.lossSum += lossSum;
    state.pictures += batch.count;
    state.stepInEpoch += 1;
    state.steps += 1;
  }

  #requireFinite(weights: StateDict): void {
    const { recipe, state } = this.#parts;
    for (const { data } of weights.values()) {
      if (data instanceof BigInt64Array) continue;
      for (let i = 0; i < data.length; i++) {
        if (!Number.isFinite(data[i])) {
          throw this.#diverged('A weight', learningRateAt(recipe.schedule, state.steps - 1));
        }
      }
    }
  }

  #diverged(what: string, learningRate: number): BneckError {
    const { recipe, state } = this.#parts;
    const place = `epoch ${state.epoch + 1}, step ${state.stepInEpoch + 1} of ${this.#stepsPerEpoch}`;
    const rate = Number(learningRate.toPrecision(3));
    const lower = Number((recipe.schedule.learningRate / 3).toPrecision(2));
    const remedy = `Start again with a lower learning rate, such as ${lower}, or a larger batch.`;
    return new BneckError(
      'training',
      `${what} is not a finite number any more (${place}, learning rate ${rate}); the last good checkpoint is kept. ${remedy}`,
    );
  }

  #metrics(evaluation: Evaluation | null): EpochMetrics {
    const { state, recipe } = this.#parts;
    return {
      epoch: state.epoch + 1,
      trainLoss: state.lossSum / state.pictures,
      trainAccuracy: state.correct / state.pictures,
      validationLoss: evaluation?.loss ?? Number.NaN,
      validationAccuracy: evaluation?.top1 ?? Number.NaN,
      learningRate: learningRateAt(recipe.schedule, state.steps - 1),
      imagesPerSecond: state.pictures / state.seconds,
      seconds: state.seconds + (evaluation?.seconds ?? 0),
    };
  }

  #tellStep(learningRate: number, imagesPerSecond: number): void {
    const { state, recipe, session, observer } = this.#parts;
    const stepSeconds = session.batch / imagesPerSecond;
    const epochSecondsLeft = (this.#stepsPerEpoch - state.stepInEpoch) * stepSeconds;
    const epochsLeft = recipe.epochs - state.epoch;
    // Validation and saving take their time too, as far as is known from the epochs before.
    const trained = state.rows.map((row) => (session.batch * this.#stepsPerEpoch) / row.imagesPerSecond);
    const overhead = Math.max(0, meanSeconds(state.rows) - trained.reduce((a, b) => a + b, 0) / (trained.length || 1));
    const stepsLeft = recipe.schedule.totalSteps - state.steps;
    observer.stepped?.({
      epoch: state.epoch + 1,
      step: state.stepInEpoch,
      stepsPerEpoch: this.#stepsPerEpoch,
      loss: state.lossSum / state.pictures,
      learningRate,
      imagesPerSecond,
      epochSecondsLeft,
      runSecondsLeft: stepsLeft * stepSeconds + epochsLeft * overhead,
    });
  }

  #tellSkipped(loader: BatchLoader): void {
    for (const picture of loader.bad) {
      if (this.#toldSkipped.has(picture.name)) continue;
      this.#toldSkipped.add(picture.name);
      this.#parts.observer.pictureSkipped?.(picture);
    }
  }

  async #saveCheckpoint(weights: StateDict): Promise<void> {
    const { recorder, state } = this.#parts;
    await recorder.saveCheckpoint(state, weights);
    this.#savedAt = now();
    this.#savedSteps = state.steps;
  }
}

function meanSeconds(rows: readonly EpochMetrics[]): number {
  return rows.length === 0 ? 0 : rows.reduce((sum, { seconds }) => sum + seconds, 0) / rows.length;
}
