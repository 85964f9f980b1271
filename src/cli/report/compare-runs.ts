/** Runs as a comparison: read, measured on this machine, and told apart by their settings. */
import { resolve } from 'node:path';
import { BneckError } from '../../base/errors.ts';
import { summarize } from '../../graph/summary.ts';
import { describeArchitecture } from '../../models/describe-architecture.ts';
import { type ComparedRun, type Comparison, MOST_COMPARED } from '../../report/compare-page.node.ts';
import { differingEntries } from '../../report/json-entries.ts';
import { circumstances, describeThreads } from '../benchmark/benchmark-report.ts';
import { benchmarkInference } from '../benchmark/inference.ts';
import { runNames } from './run-names.ts';
import { type RunRecord, readRun } from './run-record.ts';

/** A network is measured several times, others in between, and its fastest median counts: the machine has other work too. */
const ROUNDS = 3;
const SECONDS = 0.4;

/** Runs of equal networks have equal latencies, whatever their weights. */
function networkKey({ architecture, config }: RunRecord): string {
  return JSON.stringify([architecture, config.recipe.preprocessing.resolution]);
}

/** Median milliseconds for one picture, by `networkKey`. */
async function measureLatencies(runs: readonly RunRecord[], threads: number): Promise<Map<string, number>> {
  const models = new Map(runs.flatMap((run) => (run.model === null ? [] : [[networkKey(run), run.model] as const])));
  const medians = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [key, model] of models) {
      const { latencyMs } = await benchmarkInference(model, { batch: 1, threads, seconds: SECONDS });
      medians.set(key, Math.min(latencyMs.p50, medians.get(key) ?? Number.POSITIVE_INFINITY));
    }
  }
  return medians;
}

function compared(run: RunRecord, name: string, latencyMs: number): ComparedRun {
  const { rows, best, modelBytes, architecture, config } = run;
  const { resolution } = config.recipe.preprocessing;
  const { totalParameters, totalMultiplyAdds } = summarize(architecture, resolution);
  return {
    name,
    network: `${describeArchitecture(architecture)}, ${resolution} px`,
    rows,
    best,
    parameters: totalParameters,
    multiplyAdds: totalMultiplyAdds,
    latencyMs,
    modelBytes: modelBytes || Number.NaN,
    trainingSeconds: rows.length === 0 ? Number.NaN : rows.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** What decides the outcome of a run, and where its data were. */
function settingsOf({ config }: RunRecord): unknown {
  const { recipe, architecture, data, bneck } = config;
  const { path, train, validation } = data;
  return {
    ...recipe,
    network: architecture,
    data: { path, classes: data.classNames, train: train.fingerprint, validation: validation.fingerprint },
    bneck,
  };
}

function notesOn(runs: readonly RunRecord[]): string[] {
  const notes: string[] = [];
  const judgedOn = new Set(runs.map(({ config }) => config.data.validation.fingerprint));
  if (judgedOn.size > 1) {
    notes.push('The runs were judged on different pictures, so their accuracies cannot be set against each other.');
  }
  for (const { path, rows, epochs, model } of runs) {
    if (rows.length < epochs) notes.push(`${path} has done ${rows.length} of ${epochs} epochs.`);
    if (model === null) notes.push(`${path} has no best.safetensors, so nothing was measured.`);
  }
  return notes;
}

/**
 * @param paths folders of runs, at least two different ones
 * @param threads to measure latency with
 * @throws BneckError 'option' for too few or too many runs, 'file' for folders that are no runs
 */
export async function compareRuns(paths: readonly string[], threads: number): Promise<Comparison> {
  const different = [...new Map(paths.map((path) => [resolve(path), path])).values()];
  if (different.length < 2 || different.length > MOST_COMPARED) {
    const found = `${different.length} different ${different.length === 1 ? 'run' : 'runs'} to compare`;
    throw new BneckError('option', `${found}: give 2 to ${MOST_COMPARED}, such as runs/1 runs/2.`);
  }
  const records: RunRecord[] = [];
  for (const path of different) records.push(await readRun(path));
  const latencies = await measureLatencies(records, threads);
  const names = runNames(different);
  const runs = records.map((record, index) =>
    compared(record, names[index] ?? record.path, latencies.get(networkKey(record)) ?? Number.NaN),
  );
  const { machine, node } = circumstances();
  return {
    runs,
    differences: differingEntries(records.map(settingsOf)),
    measured: `Latency was measured here, one picture at a time: ${machine}, ${describeThreads(threads)}, Node ${node}.`,
    notes: notesOn(records),
  };
}
