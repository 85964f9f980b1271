/** `bneck benchmark [MODEL]`: one network, inference or training, on one or several numbers of threads. */
import { BneckError } from '../../base/errors.ts';
import { defaultPreprocessing } from '../../data/preprocess.ts';
import { buildGraph } from '../../graph/build-graph.ts';
import { initialWeights } from '../../graph/initial-weights.ts';
import { describeArchitecture } from '../../models/describe-architecture.ts';
import { parseArchitecture } from '../../models/parse-architecture.ts';
import { defaultThreads } from '../../runtime/machine.node.ts';
import { MODEL_FAMILIES } from '../../train/choose-network.ts';
import { readModel } from '../read-model.ts';
import { MODEL_NAMES } from '../training-options.ts';
import { type BenchmarkFlags, MEASURED_SECONDS, TRAINING_BATCH } from './benchmark-flags.ts';
import { circumstances, describeCircumstances, writeJson } from './benchmark-report.ts';
import { benchmarkInference } from './inference.ts';
import { type MachinePeak, measurePeak } from './machine-peak.ts';
import type { Measurement, Subject } from './measurement.ts';
import { formatKernels, formatLayers, formatMeasurements } from './measurement-text.ts';
import { benchmarkTraining } from './training.ts';

const SLOWEST_LAYERS = 12;

/** The network, and in words what it is. */
async function openSubject(path: string | undefined, flags: BenchmarkFlags): Promise<Subject & { title: string }> {
  const { model, width, resolution } = flags;
  if (path === undefined) {
    const architecture = parseArchitecture({ family: MODEL_FAMILIES[model ?? 'large'], width });
    const title = `${describeArchitecture(architecture)}, random weights`;
    const weights = initialWeights(buildGraph(architecture), 0);
    return { title, architecture, weights, preprocessing: defaultPreprocessing(resolution ?? 224) };
  }
  if (MODEL_NAMES.some((name) => name === path)) {
    throw new BneckError('option', `MODEL is a file. For ${path} with random weights, give --model ${path}.`);
  }
  for (const [name, value] of Object.entries({ model, width })) {
    if (value === undefined) continue;
    throw new BneckError('option', `--${name} is for random weights; a model file has its own. Leave one of them out.`);
  }
  const { architecture, weights, preprocessing } = await readModel(path, flags.lineage);
  const seen = resolution === undefined ? preprocessing : { ...preprocessing, ...defaultPreprocessing(resolution) };
  return { title: `${describeArchitecture(architecture)}, ${path}`, architecture, weights, preprocessing: seen };
}

function printBenchmark(title: string, measurements: readonly Measurement[], peak: MachinePeak | null, all: boolean) {
  console.log([title, describeCircumstances(), ''].join('\n'));
  console.log(`${formatMeasurements(measurements)}\n`);
  const last = measurements.at(-1) as Measurement;
  console.log(formatLayers(last.costs, all ? null : SLOWEST_LAYERS));
  if (peak !== null) console.log(`\n${formatKernels(last.costs, peak)}`);
}

export async function runBenchmark(path: string | undefined, flags: BenchmarkFlags): Promise<void> {
  const { training = false, seconds = MEASURED_SECONDS, threads = [defaultThreads()], json } = flags;
  const { batch = training ? TRAINING_BATCH : 1 } = flags;
  if (training && batch < 2) throw new BneckError('option', '--batch 1: batch norm needs 2 pictures to train on.');
  const subject = await openSubject(path, flags);
  const measurements: Measurement[] = [];
  for (const count of threads) {
    const amount = { batch, threads: count, seconds };
    measurements.push(await (training ? benchmarkTraining : benchmarkInference)(subject, amount));
  }
  const peak = flags.profile ? await measurePeak(threads.at(-1) as number) : null;
  const { architecture, preprocessing } = subject;
  const { resolution } = preprocessing;
  const work = training ? 'training' : 'inference';
  const title = `${work} of ${subject.title}, ${resolution} px, batch ${batch}`;
  if (json === undefined) printBenchmark(title, measurements, peak, flags.allLayers === true);
  else await writeJson({ ...circumstances(), work, title, architecture, resolution, batch, measurements, peak }, json);
}
