/**
 * `bneck train DATA`: the main job. Turns options into those of `train`, shows the progress, and
 * ends with what came out and what to do next.
 */
import { Command } from 'commander';
import { THREAD_BOUNDS } from '../train/bounds.ts';
import type { TrainOptions } from '../train/train-options.ts';
import { listenForInterrupt } from './interrupt.ts';
import { EXIT_INTERRUPTED } from './report-error.ts';
import {
  addBatchOptions,
  addLossOptions,
  addNetworkOptions,
  addOptimizerOptions,
  addScheduleOptions,
  addTuningOptions,
  bounded,
  type ChoiceFlags,
  choicesOf,
  chosen,
} from './training-options.ts';
import { TrainingProgress } from './training-progress.ts';
import { describeResult } from './training-text.ts';

interface TrainFlags extends ChoiceFlags {
  threads?: number;
  cache?: 'auto' | 'memory' | 'none';
  skipBad?: boolean;
  out?: string;
  resume?: string;
  verbose?: boolean;
}

function optionsOf(data: string | undefined, flags: TrainFlags): TrainOptions {
  const { threads, cache, skipBad, out, resume, verbose: _, ...choices } = flags;
  return { ...choicesOf(choices), data, threads, cache, skipBad, out, resume };
}

async function runTrain(data: string | undefined, flags: TrainFlags): Promise<void> {
  // Loaded here, so that `bneck --help` need not wait for the engine.
  const { train } = await import('../train/train.ts');
  const progress = new TrainingProgress(process.stdout);
  const interrupt = listenForInterrupt(() => {
    progress.line('Finishing this step and saving. Ctrl-C again quits at once.');
  });
  try {
    const result = await train({ ...optionsOf(data, flags), observer: progress, signal: interrupt.signal });
    progress.stop();
    progress.line('');
    for (const text of describeResult(result, progress.plan?.samplePicture ?? null)) progress.line(text);
    if (result.status === 'stopped') process.exitCode = EXIT_INTERRUPTED;
  } finally {
    progress.stop();
    interrupt.release();
  }
}

export function trainCommand(): Command {
  const command = new Command('train')
    .summary('train a network on a folder of pictures')
    .description(
      'Trains a network on labelled pictures: class folders (DATA/class/picture, or DATA/train and DATA/val with class folders inside) or IDX files (the MNIST family). What is not given is chosen from the data and printed.',
    )
    .argument('[DATA]', 'the folder of the data; may be left out with --resume')
    .action(runTrain);
  addNetworkOptions(command);
  addBatchOptions(command);
  addScheduleOptions(command);
  addOptimizerOptions(command);
  addLossOptions(command);
  addTuningOptions(command);
  return command
    .optionsGroup('Run:')
    .addOption(bounded('--threads <count>', 'default: as many as the machine runs at once', THREAD_BOUNDS))
    .addOption(chosen('--cache <mode>', 'decoded pictures in memory: auto, memory or none', ['auto', 'memory', 'none']))
    .option('--skip-bad', 'pass over pictures that cannot be read, and list them in the run folder')
    .option('--out <folder>', "the run's folder (default: the next number in runs)")
    .option('--resume <run>', 'go on with a run that was interrupted')
    .option('--verbose', 'show stack traces of errors');
}
