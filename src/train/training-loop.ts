/**
 * The epochs of a run: updates, validation, bookkeeping, and when to save. It knows the engine as a
 * `Session`, the files as a `Recorder` and the audience as a `TrainingObserver`, so it runs in Node
 * and in a browser alike. Invariant: it stops, whether asked to or by an error, only between steps;
 * going on from a saved state gives the bits of a run that was never interrupted.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import type { BatchLoader } from '../data/loader.ts';
import { rankOf } from '../report/logits.ts';
import type { EpochMetrics } from '../report/metrics-csv.ts';
import { type Evaluation, evaluateDataset } from './evaluate-dataset.ts';
import { HeadFeatures, type OpenRows } from './head-features.ts';
import { headUpdates } from './head-updates.ts';
import type { TrainingObserver } from './observer.ts';
import { phaseAt, rateOfStep, stepsPerEpoch, totalEpochs } from './phases.ts';
import { pictureUpdates } from './picture-updates.ts';
import type { Recipe } from './recipe.ts';
import type { Session, SessionState } from './session.ts';
import { asMixed } from './targets.ts';
import { runSecondsLeft } from './time-left.ts';
import { bestMetrics, finishEpoch, isBetter, isOver, type TrainingState } from './training-state.ts';
import type { EpochWalk, TrainedBatch, Updates } from './update.ts';
import { averageDecayAt } from './weight-average.ts';

/** Keeps what must not be lost. */
export interface Recorder {
  /** All it takes to go on from here. */
  saveCheckpoint(state: TrainingState, session: SessionState): Promise<void>;
  /** The best model so far. `metrics` are those of the epoch that is being closed. */
  saveBest(metrics: EpochMetrics, weights: StateDict): Promise<void>;
  /** What people read: the metrics, the list of bad pictures. */
  saveBooks(state: TrainingState): Promise<void>;
}

export interface LoopParts {
  readonly session: Session;
  readonly trainLoader: BatchLoader;
  /** What the head is trained on alone; null where the recipe has no such epochs. */
  readonly head: HeadData | null;
  /** Null where no pictures were set aside. */
  readonly validationLoader: BatchLoader | null;
  readonly recipe: Recipe;
  /** Moved forward in place. */
  readonly state: TrainingState;
  readonly recorder: Recorder;
  readonly observer: TrainingObserver;
  readonly signal?: AbortSignal | undefined;
}

export interface HeadData {
  /** Of the training pictures, without random changes. */
  readonly loader: BatchLoader;
  /** As the training loader's. */
  readonly order: (epoch: number) => ArrayLike<number>;
  readonly openRows: OpenRows;
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
  #features: HeadFeatures | null = null;
  readonly #toldSkipped = new Set<string>();

  constructor(parts: LoopParts) {
    const { session, trainLoader, state, recipe } = parts;
    assert(session.steps === state.steps, `session at step ${session.steps}, books at ${state.steps}`);
    assert(trainLoader.batchSize === session.batch, `batches of ${trainLoader.batchSize} for ${session.batch}`);
    this.#parts = parts;
    this.#stepsPerEpoch = stepsPerEpoch(recipe);
    const batches = Math.floor(trainLoader.batchesPerEpoch / recipe.accumulate);
    assert(batches === this.#stepsPerEpoch, 'the schedule is of another length');
  }

  /**
   * Runs to the end of the recipe, or until the signal is aborted; then everything is saved.
   * @throws BneckError 'training' where loss or weights are not finite any more; 'image' or 'data' for
   *   pictures that cannot be read; 'file' where saving fails. The last good checkpoint stays.
   */
  async run(): Promise<'finished' | 'stopped'> {
    try {
      return await this.#runEpochs();
    } finally {
      await this.#forgetFeatures();
    }
  }

  async #runEpochs(): Promise<'finished' | 'stopped'> {
    const { state, recipe, observer, recorder, session } = this.#parts;
    if (state.steps === 0) {
      // Proves that the folder can be written to before work is put in, and a kill loses nothing.
      await this.#saveCheckpoint(session.state());
    }
    while (!isOver(state, recipe)) {
      observer.epochStarted?.({
        epoch: state.epoch + 1,
        epochs: totalEpochs(recipe),
        stepsPerEpoch: this.#stepsPerEpoch,
        stepsDone: state.stepInEpoch,
      });
      const finished = await this.#keepingProgress(() => this.#runEpoch());
      if (finished) continue;
      if (state.steps !== this.#savedSteps) await this.#saveCheckpoint(session.state());
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
      const unsaved = state.steps !== this.#savedSteps && session.accumulated === 0;
      // The first error is the one to tell.
      if (ofData && unsaved) await this.#saveCheckpoint(session.state()).catch(() => {});
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
    const trained = session.state();
    this.#requireFinite(trained.weights);
    const best = isBetter(metrics, bestMetrics(state));
    if (best) await recorder.saveBest(metrics, session.weights());
    finishEpoch(state, metrics, best);
    await recorder.saveBooks(state); // once a checkpoint says that the run is over, nobody would any more
    await this.#saveCheckpoint(trained);
    const left = runSecondsLeft(recipe, state, null);
    observer.epochEnded?.({ metrics, epochs: totalEpochs(recipe), best, runSecondsLeft: left });
    return true;
  }

  /** The steps of the epoch that are left. False if the signal was aborted. */
  async #trainEpoch(): Promise<boolean> {
    const { state, session, trainLoader, recipe, signal } = this.#parts;
    const secondsBefore = state.seconds;
    const picturesBefore = state.pictures;
    if (signal?.aborted) return false;
    if (state.stepInEpoch === this.#stepsPerEpoch) return true;
    const updates = await this.#updates();
    if (updates === null) return false;
    const start = now();
    for await (const batches of updates) {
      const learningRate = rateOfStep(recipe, state.epoch, state.steps);
      for (const batch of batches) this.#account(batch, learningRate);
      state.stepInEpoch += 1;
      state.steps += 1;
      const decay = recipe.average === null ? null : averageDecayAt(recipe.average, state.steps);
      if (decay !== null) await session.average(decay);
      this.#tellSkipped(trainLoader);
      const here = now() - start;
      state.seconds = secondsBefore + here;
      this.#tellStep(learningRate, (state.pictures - picturesBefore) / here);
      if (signal?.aborted) return false;
      if (now() - this.#savedAt > SAVE_SECONDS) {
        const trained = session.state();
        this.#requireFinite(trained.weights);
        await this.#saveCheckpoint(trained);
      }
    }
    return true;
  }

  /** The updates of the epoch that are left; null if the signal was aborted before the first. */
  async #updates(): Promise<Updates | null> {
    const { state, session, trainLoader, recipe } = this.#parts;
    const { epoch, stepInEpoch } = state;
    const { part, firstEpoch } = phaseAt(recipe, epoch);
    if (epoch === firstEpoch && epoch > 0 && stepInEpoch === 0) session.restartOptimizer();
    const walk: EpochWalk = {
      epoch,
      firstStep: stepInEpoch,
      steps: this.#stepsPerEpoch,
      learningRate: (step) => rateOfStep(recipe, epoch, epoch * this.#stepsPerEpoch + step),
    };
    if (part === 'all') {
      await this.#forgetFeatures();
      return pictureUpdates(session, trainLoader, recipe, walk);
    }
    const { head, signal, observer } = this.#parts;
    assert(head, 'the head is trained alone first');
    const totalPictures = head.loader.dataset.length;
    this.#features ??= await HeadFeatures.compute(session, head.loader, head.openRows, signal, (pictures) => {
      observer.featuresComputed?.({ pictures, totalPictures });
      this.#tellSkipped(head.loader);
    });
    return this.#features && headUpdates(session, this.#features, head.order(epoch), recipe, walk);
  }

  /** They are of no more use once the backbone moves, or the run ends. */
  async #forgetFeatures(): Promise<void> {
    await this.#features?.close();
    this.#features = null;
  }

  #account({ losses, logits, ...batch }: TrainedBatch, learningRate: number): void {
    const { state } = this.#parts;
    const { labels, partners, share } = asMixed(batch.labels);
    // Of a mixed picture, the class that has more of it is the right one.
    const rightOnes = share < 0.5 ? partners : labels;
    const classes = logits.length / labels.length;
    let lossSum = 0;
    rightOnes.forEach((label, place) => {
      lossSum += losses[place] as number;
      if (rankOf(logits.subarray(place * classes, (place + 1) * classes), label) === 0) state.correct += 1;
    });
    if (!Number.isFinite(lossSum)) throw this.#diverged('The loss', learningRate);
    state.lossSum += lossSum;
    state.pictures += labels.length;
  }

  #requireFinite(weights: StateDict): void {
    const { recipe, state } = this.#parts;
    for (const { data } of weights.values()) {
      if (data instanceof BigInt64Array) continue;
      for (let i = 0; i < data.length; i++) {
        if (!Number.isFinite(data[i])) {
          throw this.#diverged('A weight', rateOfStep(recipe, state.epoch, state.steps - 1));
        }
      }
    }
  }

  #diverged(what: string, learningRate: number): BneckError {
    const { recipe, state } = this.#parts;
    const place = `epoch ${state.epoch + 1}, step ${state.stepInEpoch + 1} of ${this.#stepsPerEpoch}`;
    const rate = Number(learningRate.toPrecision(3));
    const lower = Number((phaseAt(recipe, state.epoch).schedule.learningRate / 3).toPrecision(2));
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
      learningRate: rateOfStep(recipe, state.epoch, state.steps - 1),
      imagesPerSecond: state.pictures / state.seconds,
      seconds: state.seconds + (evaluation?.seconds ?? 0),
    };
  }

  #tellStep(learningRate: number, imagesPerSecond: number): void {
    const { state, recipe, observer } = this.#parts;
    const stepSeconds = (recipe.batch * recipe.accumulate) / imagesPerSecond;
    observer.stepped?.({
      epoch: state.epoch + 1,
      step: state.stepInEpoch,
      stepsPerEpoch: this.#stepsPerEpoch,
      loss: state.lossSum / state.pictures,
      learningRate,
      imagesPerSecond,
      epochSecondsLeft: (this.#stepsPerEpoch - state.stepInEpoch) * stepSeconds,
      runSecondsLeft: runSecondsLeft(recipe, state, stepSeconds),
    });
  }

  #tellSkipped(loader: BatchLoader): void {
    for (const picture of loader.bad) {
      if (this.#toldSkipped.has(picture.name)) continue;
      this.#toldSkipped.add(picture.name);
      this.#parts.observer.pictureSkipped?.(picture);
    }
  }

  async #saveCheckpoint(session: SessionState): Promise<void> {
    const { recorder, state } = this.#parts;
    await recorder.saveCheckpoint(state, session);
    this.#savedAt = now();
    this.#savedSteps = state.steps;
  }
}
