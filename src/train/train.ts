/**
 * Training as one call, the same that `bneck train` makes: from a folder of pictures to a folder
 * with a trained model; and the search for a learning rate before it. This file puts the real engine in;
 * `run-training.ts` and `find-learning-rate.ts` have the steps. They are loaded at the first call: a program
 * that only predicts does not wait for them.
 */
import type { FindRateOptions, FoundRate } from './find-learning-rate.ts';
import type { TrainingResult } from './observer.ts';
import type { TrainingEngine } from './run-setup.node.ts';
import type { TrainOptions } from './train-options.ts';

/**
 * Trains a network on labelled pictures and keeps the run's folder: `config.json`, `metrics.csv`,
 * `best.safetensors` (the model with the highest validation accuracy), `last.ckpt/`.
 *
 * With equal options, data and starting weights the outcome has the same bits on every machine and
 * for any number of threads, interrupted and resumed or not.
 *
 * @param options what is left out is chosen from the data; `data` or `resume` is needed
 * @returns when the run is finished, or stopped because `signal` was aborted
 * @throws BneckError 'option' for options that cannot be; 'data' or 'image' for data that cannot be
 *   trained on; 'memory' for a batch that does not fit; 'training' where the loss is not finite any
 *   more; 'file' where a file cannot be read or written. What was saved before stays.
 */
export async function train(options: TrainOptions): Promise<TrainingResult> {
  const [{ runTraining }, engine] = await Promise.all([import('./run-training.ts'), loadEngine()]);
  return runTraining(options, engine);
}

/**
 * Tries learning rates from `from` (1e-6) to `to` (10) in `steps` (100) updates on the first batches of a
 * training with these choices, until the loss is 4 times its lowest. Nothing is written, and a model given
 * as `weights` is not changed.
 * @throws BneckError as `train` does before its first step
 */
export async function findLearningRate(options: FindRateOptions): Promise<FoundRate> {
  const [{ runRateSearch }, engine] = await Promise.all([import('./find-learning-rate.ts'), loadEngine()]);
  return runRateSearch(options, engine);
}

async function loadEngine(): Promise<TrainingEngine> {
  const [{ largestBatch }, { TrainingSession }] = await Promise.all([
    import('./largest-batch.ts'),
    import('./training-session.ts'),
  ]);
  return { createSession: (session) => TrainingSession.create(session), largestBatch };
}
