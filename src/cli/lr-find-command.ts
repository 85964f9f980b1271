/**
 * `bneck lr-find DATA`: tries learning rates on the first batches of a training with the same options,
 * draws the loss over them, and suggests one. Keeps nothing but the numbers.
 */
import { Command } from 'commander';
import { BneckError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { CHOICE_BOUNDS, SWEEP_STEP_BOUNDS, THREAD_BOUNDS } from '../train/bounds.ts';
import type { FoundRate } from '../train/find-learning-rate.ts';
import { addDataOptions, DATA_ARGUMENT, type DataFlags, dataReading } from './data-options.ts';
import { listenForInterrupt } from './interrupt.ts';
import { EXIT_INTERRUPTED } from './report-error.ts';
import { plotCurve } from './text-plot.ts';
import {
  addBatchOptions,
  addLossOptions,
  addNetworkOptions,
  addOptimizerOptions,
  bounded,
  type ChoiceFlags,
  choicesOf,
} from './training-options.ts';
import { shellWord } from './training-text.ts';

interface FindFlags extends ChoiceFlags, DataFlags {
  from?: number;
  to?: number;
  steps?: number;
  threads?: number;
  skipBad?: boolean;
  out: string;
  verbose?: boolean;
}

const PLOT = { width: 60, height: 12 } as const;
const POINTS_BETWEEN_LINES = 20;
/** Of the first loss. */
const MOST_SHOWN = 1.1;

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}

/** What came out, for people. */
export function describeFound({ points, suggestion }: FoundRate): string[] {
  // Where the loss breaks it would press the rest of the curve flat.
  const top = MOST_SHOWN * (points[0]?.smoothedLoss ?? 0);
  const curve = points.map(({ learningRate, smoothedLoss }) => {
    return { x: Math.log10(learningRate), y: Math.min(smoothedLoss, top) };
  });
  const mark = suggestion === null ? null : Math.log10(suggestion);
  const formatX = (x: number) => (10 ** x).toExponential(0);
  const lines = plotCurve(curve, { ...PLOT, formatX, formatY: (y) => y.toFixed(2), mark });
  const lowest = points.reduce((best, point) => (point.smoothedLoss < best.smoothedLoss ? point : best));
  const answer =
    suggestion === null
      ? 'The loss does not fall at any rate. Check the labels, or start from lower rates with --from.'
      : `Suggested learning rate: ${short(suggestion)}, where the loss falls steepest (it is lowest at ${short(lowest.learningRate)})`;
  return ['smoothed loss over learning rate', ...lines, '', answer];
}

async function runFind(data: string, flags: FindFlags): Promise<void> {
  const { findLearningRate } = await import('../train/train.ts');
  const { formatSweep } = await import('../train/rate-sweep.ts');
  const { classesFile, root, allowOutside, ...others } = flags;
  const { from, to, steps, threads, skipBad, out, verbose: _, ...choices } = others;
  const reading = await dataReading({ classesFile, root, allowOutside });
  const interrupt = listenForInterrupt(() => console.log('Stopping after this step. Ctrl-C again quits at once.'));
  try {
    const found = await findLearningRate({
      ...choicesOf(choices),
      ...reading,
      ...{ data, from, to, steps, threads, skipBad, signal: interrupt.signal },
      onStart: ({ reasons, range }) => {
        for (const reason of reasons) console.log(`- ${reason}`);
        console.log(`\n${range.steps} updates with rates from ${short(range.from)} to ${short(range.to)}`);
      },
      onPoint: ({ learningRate, smoothedLoss }, done) => {
        if (done % POINTS_BETWEEN_LINES !== 0) return;
        console.log(`update ${done}  rate ${learningRate.toExponential(1)}  smoothed loss ${smoothedLoss.toFixed(4)}`);
      },
    });
    const { points, suggestion } = found;
    if (points.length < 2)
      throw new BneckError('training', 'The loss is not finite from the start. Check the weights.');
    await writeFileAtomic(out, formatSweep(points));
    console.log(`\n${describeFound(found).join('\n')}\npoints   ${out}`);
    if (suggestion !== null) console.log(`try it   npx bneck train ${shellWord(data)} --lr ${short(suggestion)}`);
    if (interrupt.signal.aborted) process.exitCode = EXIT_INTERRUPTED;
  } finally {
    interrupt.release();
  }
}

export function lrFindCommand(): Command {
  const command = new Command('lr-find')
    .summary('find a learning rate for a training')
    .description(
      'Makes updates with growing learning rates on the first batches of a training with the same options, until the loss breaks, and suggests the rate where it falls steepest. No model is written or changed.',
    )
    .argument('<DATA>', DATA_ARGUMENT)
    .optionsGroup('Sweep:')
    .addOption(bounded('--from <rate>', 'the first rate (default: 0.000001)', CHOICE_BOUNDS.learningRate))
    .addOption(bounded('--to <rate>', 'the last rate (default: 10)', CHOICE_BOUNDS.learningRate))
    .addOption(bounded('--steps <count>', 'updates (default: 100)', SWEEP_STEP_BOUNDS))
    .option('--out <file>', 'the points, as CSV', 'lr-find.csv')
    .action(runFind);
  addNetworkOptions(command);
  addBatchOptions(command);
  addOptimizerOptions(command);
  addLossOptions(command);
  addDataOptions(command.optionsGroup('Data:'));
  return command
    .optionsGroup('Run:')
    .addOption(bounded('--threads <count>', 'default: as many as the machine runs at once', THREAD_BOUNDS))
    .option('--skip-bad', 'pass over pictures that cannot be read')
    .option('--verbose', 'show stack traces of errors');
}
