/**
 * The engine seen by the trainer: one network with its gradient program, its optimizer state and an
 * inference program over the same weights, on one runtime. A session knows pictures, labels and
 * learning rates; epochs, files and metrics are the trainer's.
 */
import type { StateDict } from '../base/tensor.ts';
import type { Architecture } from '../models/architecture.ts';
import type { OptimizerKernel } from '../program/lower-optimizer.ts';
import type { BatchLabels } from './targets.ts';

/** How weights are updated; `none` is for the engine alone. */
export type OptimizerOptions = Exclude<OptimizerKernel, { readonly kind: 'none' }>;

export interface SessionOptions {
  readonly architecture: Architecture;
  /** All parameters and running statistics by torchvision's names. Copied. */
  readonly weights: StateDict;
  /** Pictures a training step takes, at least 2. */
  readonly batch: number;
  /** Height and width of a picture in pixels. */
  readonly resolution: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly optimizer: OptimizerOptions;
  /** Micro-batches an update: all but the last go to `accumulate`. Default 1. */
  readonly microBatches?: number;
  /** The largest norm of all gradients together; null, the default, for any. */
  readonly clipNorm?: number | null;
  /** Whether moving averages of weights and running statistics are kept, which `predict` then uses. Default false. */
  readonly keepsAverage?: boolean;
  /** Whether weight decay applies to batch norm and biases too. Default false. */
  readonly decayNormAndBias?: boolean;
  /** The first stage's share of the learning rate, from which it grows to 1 at the head; all alike by default. */
  readonly firstRateShare?: number;
  /** Whether the head can be trained alone (`features`, `stepHead`). Default false. */
  readonly trainsHead?: boolean;
  readonly labelSmoothing: number;
  /** One a class, above 0; null, the default, for equal ones. */
  readonly classWeights?: readonly number[] | null;
  /** How far batch norm's running statistics move each step; by default what the network says. */
  readonly batchNormMomentum?: number;
  /** For dropout. */
  readonly seed: number;
  readonly threads: number;
  /** Off gives every buffer memory of its own; the bits are the same. Default true. */
  readonly planMemory?: boolean;
}

export interface StepResult {
  /** The loss of each picture, [batch]. */
  readonly losses: Float32Array;
  /** [batch, classes], as computed before the update. */
  readonly logits: Float32Array;
}

/** Everything that training changes. */
export interface SessionState {
  /** All parameters and running statistics, as they are trained. */
  readonly weights: StateDict;
  /** Named like the parameters with a suffix (`.velocity`, `.first`, `.second`). */
  readonly optimizer: StateDict;
  /** Named like the weights; null where no averages are kept. */
  readonly average: StateDict | null;
}

/** What `TrainingSession.create` returns. */
export interface Session {
  /** Pictures a (micro-)batch. */
  readonly batch: number;
  /** Updates made so far. */
  readonly steps: number;
  /** Micro-batches that wait for their update; only at 0 can the session be saved. */
  readonly accumulated: number;
  /** Numbers that the head takes for a picture. */
  readonly featureCount: number;
  /** Memory the engine holds, in bytes. */
  readonly memoryBytes: number;
  /**
   * Adds the gradient of a micro-batch to those of the next update. Nothing changes but batch norm's running
   * statistics. Arguments as in `step`.
   */
  accumulate(pictures: Uint8Array, labels: BatchLabels): Promise<StepResult>;
  /**
   * One update on a batch and the micro-batches before it. `pictures` is [batch, resolution, resolution, 3] bytes RGB, `labels` [batch],
   * or two for each picture. Leave the pictures unchanged until the promise is settled.
   */
  step(pictures: Uint8Array, labels: BatchLabels, learningRate: number): Promise<StepResult>;
  /** What the head sees of up to `batch` pictures, [count, featureCount], by running statistics. */
  features(pictures: Uint8Array, count: number): Promise<Float32Array>;
  /** One update of the head alone on features of `batch` pictures times the micro-batches of an update. */
  stepHead(features: Float32Array, labels: BatchLabels, learningRate: number): Promise<StepResult>;
  /** The optimizer forgets what it knows: the next update is its first. */
  restartOptimizer(): void;
  /** Moves the averages: decay * average + (1 - decay) * weights, running statistics too. 0 copies. */
  average(decay: number): Promise<void>;
  /**
   * Logits [count, classes] of up to `batch` pictures with the present weights and running statistics, or with
   * their averages where they are kept.
   */
  predict(pictures: Uint8Array, count: number): Promise<Float32Array>;
  /** A copy of all parameters and running statistics that `predict` uses, ready to save. */
  weights(): StateDict;
  /** A copy of everything that training changes. */
  state(): SessionState;
  /**
   * Puts back what `state` and `steps` gave: what follows has the same bits as if nothing had happened.
   * @param optimizerSteps updates since the optimizer was started anew; all by default
   */
  restore(state: SessionState, steps: number, optimizerSteps?: number): void;
  dispose(): Promise<void>;
}
