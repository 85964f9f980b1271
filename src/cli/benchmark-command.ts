/**
 * `bneck benchmark [MODEL]`: how fast a network is on this machine, and where its time goes. What comes out
 * is of this machine and this hour: programs that run beside it slow it down.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { CHOICE_BOUNDS, THREAD_BOUNDS } from '../train/bounds.ts';
import { type BenchmarkFlags, MEASURED_SECONDS, TRAINING_BATCH } from './benchmark/benchmark-flags.ts';
import { numberWithin, oneOf } from './parse-option.ts';
import { lineageOption } from './read-model.ts';
import { MODEL_NAMES } from './training-options.ts';

/** `2` or `1,2`. */
function threadCounts(text: string): number[] {
  return text.split(',').map(numberWithin(THREAD_BOUNDS));
}

/** A file that is written: its ending guards against writing over the model that follows an option. */
function fileEndingIn(ending: string): (text: string) => string {
  return (text) => {
    if (text.endsWith(ending)) return text;
    throw new InvalidArgumentError(`Give a name that ends in ${ending}.`);
  };
}

export function benchmarkCommand(): Command {
  return new Command('benchmark')
    .summary('measure speed on this machine')
    .description(
      'Measures a network on this machine: latency, throughput, memory, and where the time goes. Without MODEL, a network with random weights.',
    )
    .argument('[MODEL]', "a model file, such as a run's best.safetensors")
    .addOption(new Option('--model <name>', 'large, small or v2 (default: large)').argParser(oneOf(MODEL_NAMES)))
    .addOption(
      new Option('--width <number>', 'channel multiplier (default: 1)').argParser(numberWithin(CHOICE_BOUNDS.width)),
    )
    .addOption(
      new Option('--resolution <pixels>', "default: 224, or the model file's own").argParser(
        numberWithin(CHOICE_BOUNDS.resolution),
      ),
    )
    .addOption(
      new Option('--batch <pictures>', `in one call (default: 1; ${TRAINING_BATCH} for training)`).argParser(
        numberWithin({ ...CHOICE_BOUNDS.batch, least: 1 }),
      ),
    )
    .addOption(
      new Option('--threads <counts>', 'one number or several, as 1,2 (default: all cores)').argParser(threadCounts),
    )
    .addOption(
      new Option('--seconds <number>', `to measure for (default: ${MEASURED_SECONDS})`).argParser(
        numberWithin({ least: 0, greatest: 3600, above: true }),
      ),
    )
    .option('--training', 'a training step in place of inference')
    .option('--profile', "each kernel's rates beside the best that this machine can do")
    .option('--all-layers', 'all layers, in the order of the network')
    .option('--sweep', "accuracy and latency of the paper's widths and resolutions")
    .addOption(new Option('--svg <file>', 'draw the sweep').argParser(fileEndingIn('.svg')))
    .addOption(new Option('--json [file]', 'as JSON').argParser(fileEndingIn('.json')))
    .addOption(lineageOption())
    .option('--verbose', 'show stack traces of errors')
    .action(async (path: string | undefined, flags: BenchmarkFlags) => {
      if (flags.sweep) {
        const { runSweep } = await import('./benchmark/run-sweep.ts');
        return runSweep(path, flags);
      }
      if (flags.svg !== undefined) throw new BneckError('option', '--svg draws the sweep. Give --sweep as well.');
      const { runBenchmark } = await import('./benchmark/run-benchmark.ts');
      return runBenchmark(path, flags);
    });
}
