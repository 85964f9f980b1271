/**
 * Training as one call, the same that `bneck train` makes: from a folder of pictures to a folder
 * with a trained model. This file puts the real engine in; `run-training.ts` has the steps. Both are
 * loaded at the first call: a program that only predicts does not wait for them.
 */
import type { TrainingResult } from './observer.ts';
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
  const [{ runTraining }, { largestBatch }, { TrainingSession }] = await Promise.all([
    import('./run-training.ts'),
    import('./largest-batch.ts'),
    import('./training-session.ts'),
  ]);
  return runTraining(options, { createSession: (session) => TrainingSession.create(session), largestBatch });
}
