/**
 * bneck beside its peers, one command: training, inference, memory, start, loading and classifying, in
 * one table with ratios, and a line in bench/history.ndjson. docs/performance.md says what is measured.
 *
 *   node bench/run.js [--only train|infer|memory|start|loading|classify] [--model large|small] [--resolution 224|96|32]
 *                     [--threads 1,2] [--quick] [--python /usr/bin/python3] [--no-history]
 *   node bench/run.js --profile [--only train|infer] [--model ...] [--resolution ...] [--threads 2]
 *
 * Peers that are not installed are left out: `cd bench && npm ci` installs those of JavaScript.
 */
import { FULL, QUICK } from './amounts.js';
import { allEngines, findEngines } from './engines.js';
import { appendHistory, circumstances } from './history.js';
import { takeTurns } from './measure.js';
import { readOptions } from './options.js';
import { profileInference } from './profile/inference.js';
import { profileTraining } from './profile/training.js';
import { addedLines, doubts, Samples, scalingLines, tableOf } from './results.js';
import { BenchRun } from './work/bench-run.js';
import { classifyContestants } from './work/classify.js';
import { loadingContestants } from './work/loading.js';
import { memoryContestants } from './work/memory.js';
import { speedContestants } from './work/speed.js';
import { startContestants } from './work/start.js';
import { nameOf } from './workloads.js';

const HISTORY = 'bench/history.ndjson';

/** Who does each kind of work, ready to run. */
const CONTESTANTS = {
  train: speedContestants,
  infer: speedContestants,
  memory: memoryContestants,
  start: startContestants,
  loading: loadingContestants,
  classify: classifyContestants,
};

/** @param {readonly import('./workloads.js').Workload[]} workloads @param {BenchRun} run */
async function measureAll(workloads, run) {
  const amounts = run.quick ? QUICK : FULL;
  const walks = Math.max(...workloads.map(({ work }) => amounts[work].walks));
  const samples = new Samples();
  for (let walk = 1; walk <= walks; walk++) {
    for (const workload of workloads.filter(({ work }) => walk <= amounts[work].walks)) {
      process.stderr.write(`walk ${walk} of ${walks}: ${nameOf(workload)}\n`);
      const contestants = await CONTESTANTS[workload.work](workload, run);
      try {
        for (const [contestant, taken] of await takeTurns(contestants, amounts[workload.work])) {
          samples.add(workload, contestant, taken);
        }
      } finally {
        for (const contestant of contestants) await contestant.dispose();
      }
    }
  }
  return samples.results();
}

/** @param {ReturnType<typeof readOptions>} options */
async function compare({ workloads, threads, quick, python, keepHistory }) {
  const where = circumstances();
  const wanted = allEngines(python).filter(({ works }) => workloads.some(({ work }) => works.includes(work)));
  const { present, versions, lines: found } = await findEngines(wanted);
  console.log(`${where.cpu}, ${where.cores} cores, Node ${where.node}, commit ${where.commit ?? 'unknown'}`);
  console.log(`${found.join('\n')}\n`);
  const run = await BenchRun.start(present, threads, quick);
  try {
    const results = await measureAll(workloads, run);
    console.log(`\n${tableOf(results)}\n`);
    console.log('img/s: more is better. ms of a call, MB: less is better. Spread: (max - min) / median.');
    console.log(
      'bneck/peer: how many times faster, or smaller, bneck is on as many threads, the median of all rounds.',
    );
    const lines = [...scalingLines(results), ...addedLines(results), ...doubts(where.loadBefore, results)];
    for (const line of lines) console.log(line);
    if (keepHistory) {
      appendHistory(HISTORY, { ...where, engines: versions, quick, results });
      console.log(`Appended to ${HISTORY}.`);
    }
  } finally {
    await run.end();
  }
}

/** @param {ReturnType<typeof readOptions>} options */
async function profile({ workloads, threads }) {
  for (const workload of workloads) {
    const profiled = workload.work === 'infer' ? profileInference : profileTraining;
    for (const count of threads) console.log(`${await profiled(workload, count)}\n`);
  }
}

try {
  const options = readOptions();
  await (options.profile ? profile(options) : compare(options));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
