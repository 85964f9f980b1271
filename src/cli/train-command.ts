/**
 * `bneck train DATA`: the main job. Turns options into those of `train`, shows the progress, and
 * ends with what came out and what to do next.
 */
import { Command, Option } from 'commander';
import type { Lineage } from '../models/lineages.ts';
import { CHOICE_BOUNDS, THREAD_BOUNDS } from '../train/bounds.ts';
import { DEFAULT_EPOCHS, OPTIMIZER_NAMES } from '../train/choose-recipe.ts';
import type { ModelName } from '../train/recipe.ts';
import type { OptimizerOptions } from '../train/session.ts';
import type { TrainOptions } from '../train/train-options.ts';
import { augmentOption } from './augment-option.ts';
import { listenForInterrupt } from './interrupt.ts';
import { alternatives, numberWithin, oneOf, reductionOption } from './parse-option.ts';
import { lineageOption } from './read-model.ts';
import { EXIT_INTERRUPTED, reportError } from './report-error.ts';
import { TrainingProgress } from './training-progress.ts';
import { describeResult } from './training-text.ts';

export const MODEL_NAMES: readonly ModelName[] = ['large', 'small', 'v2'];

interface TrainFlags {
  model?: ModelName;
  width?: number;
  resolution?: number;
  reduction?: 32 | 16 | 8;
  weights?: string;
  lineage?: Lineage;
  epochs?: number;
  batch?: number;
  optimizer?: OptimizerOptions['kind'];
  lr?: number;
  weightDecay?: number;
  labelSmoothing?: number;
  augment?: string;
  val?: number;
  seed?: number;
  threads?: number;
  cache?: 'auto' | 'memory' | 'none';
  skipBad?: boolean;
  out?: string;
  resume?: string;
}

function optionsOf(data: string | undefined, flags: TrainFlags): TrainOptions {
  const { lr, val, weights, augment, ...same } = flags;
  return {
    ...same,
    data,
    augmentation: augment,
    learningRate: lr,
    validation: val,
    weights: weights === 'none' ? null : weights,
  };
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
    const result = await train({ ...optionsOf(data, flags), observer: progress, signal: interrupt.signal });
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
  const bounded = (flags: string, description: string, bounds: Parameters<typeof numberWithin>[0]) =>
    new Option(flags, description).argParser(numberWithin(bounds));
  const chosen = (flags: string, description: string, words: readonly string[]) =>
    new Option(flags, description).argParser(oneOf(words));
  return new Command('train')
    .summary('train a network on a folder of pictures')
    .description(
      'Trains a network on labelled pictures: class folders (DATA/class/picture, or DATA/train and DATA/val with class folders inside) or IDX files (the MNIST family). What is not given is chosen from the data and printed.',
    )
    .argument('[DATA]', 'the folder of the data; may be left out with --resume')
    .addOption(chosen('--model <name>', 'large, small or v2 (default: small)', MODEL_NAMES))
    .addOption(bounded('--width <number>', 'channel multiplier (default: 1)', CHOICE_BOUNDS.width))
    .addOption(bounded('--resolution <pixels>', 'side of the square the network sees', CHOICE_BOUNDS.resolution))
    .addOption(new Option('--reduction <times>', 'input size over last map: 32, 16 or 8').argParser(reductionOption))
    .option(
      '--weights <file>',
      'where to start: a model file (.safetensors, .pth), imagenet for published weights, or none (default: none)',
    )
    .addOption(lineageOption())
    .addOption(bounded('--epochs <count>', `walks through the data (default: ${DEFAULT_EPOCHS})`, CHOICE_BOUNDS.epochs))
    .addOption(bounded('--batch <count>', 'pictures a step', CHOICE_BOUNDS.batch))
    .addOption(chosen('--optimizer <name>', `${alternatives(OPTIMIZER_NAMES)} (default: adam)`, OPTIMIZER_NAMES))
    .addOption(bounded('--lr <rate>', 'learning rate after the warm-up', CHOICE_BOUNDS.learningRate))
    .addOption(bounded('--weight-decay <factor>', 'pull of the weights towards 0', CHOICE_BOUNDS.weightDecay))
    .addOption(bounded('--label-smoothing <share>', 'default: 0.1', CHOICE_BOUNDS.labelSmoothing))
    .addOption(augmentOption())
    .addOption(
      bounded('--val <share>', 'pictures set aside, if the data do not say (default: 0.2)', CHOICE_BOUNDS.validation),
    )
    .addOption(bounded('--seed <number>', 'of everything random (default: 0)', CHOICE_BOUNDS.seed))
    .addOption(bounded('--threads <count>', 'default: as many as the machine runs at once', THREAD_BOUNDS))
    .addOption(chosen('--cache <mode>', 'decoded pictures in memory: auto, memory or none', ['auto', 'memory', 'none']))
    .option('--skip-bad', 'pass over pictures that cannot be read, and list them in the run folder')
    .option('--out <folder>', "the run's folder (default: the next number in runs)")
    .option('--resume <run>', 'go on with a run that was interrupted')
    .option('--verbose', 'show stack traces of errors')
    .action(runTrain);
}
