/**
 * `bneck train DATA`: the main job. Turns options into those of `train`, shows the progress, and
 * ends with what came out and what to do next.
 */
import { Command } from 'commander';
import { DUPLICATE_POLICIES, type DuplicatePolicy } from '../data/duplicate-policy.ts';
import { THREAD_BOUNDS } from '../train/bounds.ts';
import type { TrainOptions } from '../train/train-options.ts';
import { addDataOptions, DATA_ARGUMENT, type DataFlags, dataReading } from './data-options.ts';
import { listenForInterrupt } from './interrupt.ts';
import { EXIT_INTERRUPTED, reportError } from './report-error.ts';
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

const DUPLICATES = 'training pictures that are in the validation part too: warn, drop or error (default: warn)';

interface TrainFlags extends ChoiceFlags, DataFlags {
  threads?: number;
  duplicates?: DuplicatePolicy;
  cache?: string | false;
  skipBad?: boolean;
  out?: string;
  resume?: string;
  verbose?: boolean;
}

async function optionsOf(data: string | undefined, flags: TrainFlags): Promise<TrainOptions> {
  const { classesFile, root, allowOutside, ...others } = flags;
  const { threads, duplicates, cache, skipBad, out, resume, verbose: _, ...choices } = others;
  const reading = await dataReading({ classesFile, root, allowOutside });
  return { ...choicesOf(choices), ...reading, data, threads, duplicates, cache, skipBad, out, resume };
}

/** A report that cannot be drawn is told; the run itself is done and stays so. */
async function drawReport(run: string, progress: TrainingProgress): Promise<void> {
  const { threads = 1, data } = progress.plan ?? {};
  try {
    const [{ writeReport }, { thisMachine }] = await Promise.all([
      import('./report/write-report.ts'),
      import('./report/run-machine.ts'),
    ]);
    const { files } = await writeReport(run, { data: data?.path, threads, trainedOn: thisMachine(threads) });
    progress.line(`report   ${files[0]}`);
  } catch (error) {
    progress.line('The report could not be drawn; bneck report does it again.');
    reportError(error, process.argv.includes('--verbose'));
  }
}

async function runTrain(data: string | undefined, flags: TrainFlags): Promise<void> {
  // Loaded here, so that `bneck --help` need not wait for the engine.
  const { train } = await import('../train/train.ts');
  const progress = new TrainingProgress(process.stdout);
  const interrupt = listenForInterrupt(() => {
    progress.line('Finishing this step and saving. Ctrl-C again quits at once.');
  });
  try {
    const result = await train({ ...(await optionsOf(data, flags)), observer: progress, signal: interrupt.signal });
    progress.stop();
    progress.line('');
    if (result.status === 'finished') await drawReport(result.run, progress);
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
      'Trains a network on labelled pictures: class folders (DATA/class/picture, or DATA/train and DATA/val with class folders inside), a CSV list, IDX, CIFAR or FER-2013 files, a .zip. What is not given is chosen from the data and printed.',
    )
    .argument('[DATA]', `${DATA_ARGUMENT}; may be left out with --resume`)
    .action(runTrain);
  addNetworkOptions(command);
  addBatchOptions(command);
  addScheduleOptions(command);
  addOptimizerOptions(command);
  addLossOptions(command);
  addTuningOptions(command);
  addDataOptions(command.optionsGroup('Data:'));
  return command
    .addOption(chosen('--duplicates <policy>', DUPLICATES, DUPLICATE_POLICIES))
    .option('--cache <folder>', "where decoded pictures are kept (default: in the user's cache folder)")
    .option('--no-cache', 'keep none, decode them in every epoch')
    .optionsGroup('Run:')
    .addOption(bounded('--threads <count>', 'default: as many as the machine runs at once', THREAD_BOUNDS))
    .option('--skip-bad', 'pass over pictures that cannot be read, and list them in the run folder')
    .option('--out <folder>', "the run's folder (default: the next number in runs)")
    .option('--resume <run>', 'go on with a run that was interrupted')
    .option('--verbose', 'show stack traces of errors');
}
