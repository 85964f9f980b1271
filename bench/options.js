/**
 * The command line of the benchmarks: which workloads, on how many threads, how thoroughly.
 */
import { parseArgs } from 'node:util';
import { WORKLOADS } from './workloads.js';

/** A comma between several. @param {string | undefined} asked @returns {(value: unknown) => boolean} */
function oneOf(asked) {
  const values = asked?.split(',');
  return (value) => values === undefined || values.includes(String(value));
}

/** @throws {Error} for options that choose nothing */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      model: { type: 'string' },
      resolution: { type: 'string' },
      threads: { type: 'string' },
      python: { type: 'string', default: '/usr/bin/python3' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      'no-history': { type: 'boolean', default: false },
    },
  });
  const { profile, python, quick } = values;
  const only = values.only ?? (profile ? 'train' : undefined);
  if (profile && only !== 'train' && only !== 'infer') {
    throw new Error(`--profile is of training and inference: --only train or --only infer, not ${only}.`);
  }
  const [work, model, resolution] = [oneOf(only), oneOf(values.model), oneOf(values.resolution)];
  const workloads = WORKLOADS.filter(
    (workload) => work(workload.work) && model(workload.model) && resolution(workload.resolution),
  );
  if (workloads.length === 0) {
    const choices = '--only takes train, infer, memory, start, loading or classify, --model large or small';
    throw new Error(`Nothing to measure. ${choices}, --resolution 224, 96 or 32.`);
  }
  const threads = (values.threads ?? (profile ? '2' : '1,2')).split(',').map(Number);
  if (!threads.every((count) => Number.isInteger(count) && count >= 1)) {
    throw new Error(`--threads ${values.threads}: give whole numbers from 1, such as 1,2.`);
  }
  return { workloads, threads, python, quick, profile, keepHistory: !values['no-history'] };
}
