/**
 * The speed of the built package: training images a second and inference milliseconds of MobileNetV3
 * Large and Small at 224 and 96 pixels, on 1 and 2 threads, with PyTorch's training beside it where
 * the system's Python has it. Prints a table and appends a line to bench/history.ndjson.
 *
 *   node bench/run.js [--only train|infer] [--model large|small] [--resolution 224|96] [--quick]
 *                     [--threads 1,2] [--python /usr/bin/python3] [--no-history]
 *   node bench/run.js --profile [--model ...] [--resolution ...] [--threads 2]
 *
 * The workloads are walked through several times, and within each the contestants take turns.
 */
import { parseArgs } from 'node:util';
import { formatTable } from './built-package.js';
import { appendHistory, circumstances } from './history.js';
import { summarize, takeTurns } from './measure.js';
import { profileTraining } from './profile.js';
import { PyTorch } from './pytorch-speed.js';
import { bneckContestant, nameOf, WORKLOADS } from './workloads.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {import('./workloads.js').Contestant} Contestant */
/** @typedef {Workload & { engine: string, threads: number, unit: string } & import('./measure.js').Summary} Result */

const HISTORY = 'bench/history.ndjson';
const FULL = { walks: 2, rounds: 3, seconds: { train: 1.5, infer: 0.5 } };
const QUICK = { walks: 1, rounds: 2, seconds: { train: 0.3, infer: 0.1 } };
const PROFILED_STEPS = 5;
/** From here on others take so much of the machine that times say little, those on several threads least. */
const BUSY_LOAD = 0.5;
const WIDE_SPREAD = 0.25;

function readOptions() {
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
  const { profile, only = profile ? 'train' : undefined, model, resolution } = values;
  const workloads = WORKLOADS.filter(
    (workload) =>
      (only === undefined || workload.work === only) &&
      (model === undefined || workload.model === model) &&
      (resolution === undefined || String(workload.resolution) === resolution),
  );
  if (workloads.length === 0) {
    throw new Error('Nothing to measure. --only takes train or infer, --model large or small, --resolution 224 or 96.');
  }
  const threads = (values.threads ?? (profile ? '2' : '1,2')).split(',').map(Number);
  if (!threads.every((count) => Number.isInteger(count) && count >= 1)) {
    throw new Error(`--threads ${values.threads}: give whole numbers from 1, such as 1,2.`);
  }
  return { ...values, workloads, threads };
}

/**
 * Seconds of one repetition, as people compare them.
 * @param {Workload} workload @param {number} seconds
 */
function inUnits({ work, batch }, seconds) {
  return work === 'train' ? batch / seconds : 1000 * seconds;
}

/** @param {Workload} workload */
function unitOf({ work }) {
  return work === 'train' ? 'img/s' : 'ms';
}

/**
 * All contestants of a workload, in turns; they are let go of afterwards, since each may hold a gigabyte.
 * @param {Workload} workload @param {readonly number[]} threads @param {PyTorch | null} pytorch
 * @param {typeof FULL} amount
 */
async function measureWorkload(workload, threads, pytorch, amount) {
  /** @type {Contestant[]} */
  const contestants = [];
  try {
    for (const count of threads) contestants.push(await bneckContestant(workload, count));
    if (pytorch !== null && workload.work === 'train') {
      for (const count of threads) contestants.push(pytorch.contestant(workload, count));
    }
    const seconds = amount.seconds[workload.work];
    return await takeTurns(contestants, { rounds: amount.rounds, seconds });
  } finally {
    for (const contestant of contestants) await contestant.dispose();
  }
}

/**
 * @param {readonly Workload[]} workloads @param {readonly number[]} threads @param {PyTorch | null} pytorch
 * @param {typeof FULL} amount
 * @returns {Promise<Result[]>}
 */
async function measureAll(workloads, threads, pytorch, amount) {
  /** @type {Map<string, { contestant: Contestant, values: number[] }>} */
  const measured = new Map();
  for (let walk = 1; walk <= amount.walks; walk++) {
    for (const workload of workloads) {
      process.stderr.write(`walk ${walk} of ${amount.walks}: ${nameOf(workload)}\n`);
      const samples = await measureWorkload(workload, threads, pytorch, amount);
      for (const [contestant, times] of samples) {
        const key = `${nameOf(workload)} ${contestant.engine} ${contestant.threads}`;
        const entry = measured.get(key) ?? { contestant, values: [] };
        entry.values.push(...times.map((seconds) => inUnits(workload, seconds)));
        measured.set(key, entry);
      }
    }
  }
  return [...measured.values()].map(({ contestant: { workload, engine, threads: count }, values }) => ({
    ...workload,
    engine,
    threads: count,
    unit: unitOf(workload),
    ...summarize(values),
  }));
}

/** bneck's median over PyTorch's on as many threads, both of this run. @param {Result} result @param {readonly Result[]} results */
function ratioToPyTorch(result, results) {
  if (result.engine !== 'bneck') return '';
  const peer = results.find(
    (other) => other.engine === 'PyTorch' && nameOf(other) === nameOf(result) && other.threads === result.threads,
  );
  return peer === undefined ? '' : `${(result.median / peer.median).toFixed(2)} x`;
}

/** @param {readonly Result[]} results */
function tableOf(results) {
  const number = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : 1);
  const rows = results.map((result) => [
    nameOf(result),
    result.engine,
    String(result.threads),
    number(result.median),
    number(result.min),
    number(result.max),
    result.unit,
    `${(100 * result.spread).toFixed(0)}%`,
    ratioToPyTorch(result, results),
  ]);
  const titles = ['work', 'engine', 'threads', 'median', 'min', 'max', 'unit', 'spread', 'to PyTorch'];
  const left = new Set(['work', 'engine', 'unit']);
  const columns = titles.map((title) => ({
    title,
    align: left.has(title) ? /** @type {const} */ ('left') : /** @type {const} */ ('right'),
  }));
  return formatTable(columns, rows);
}

/**
 * Says where the figures are not to be relied on.
 * @param {number} loadBefore @param {readonly Result[]} results
 */
function doubts(loadBefore, results) {
  const wide = results.filter(({ spread }) => spread > WIDE_SPREAD).length;
  const busy = `The machine was busy before (load ${loadBefore.toFixed(1)}): repeat when it is quiet.`;
  const unsteady = `${wide} of ${results.length} figures spread by more than ${100 * WIDE_SPREAD}%: repeat before quoting.`;
  return [...(loadBefore > BUSY_LOAD ? [busy] : []), ...(wide > 0 ? [unsteady] : [])];
}

/** @param {ReturnType<typeof readOptions>} options */
async function startPyTorch({ workloads, python }) {
  if (!workloads.some(({ work }) => work === 'train'))
    return { pytorch: null, told: 'not asked (no training measured)' };
  const found = await PyTorch.start(python);
  if ('absent' in found) return { pytorch: null, told: `absent, so there are no ratios (${found.absent})` };
  return { pytorch: found.pytorch, told: `${found.pytorch.version}, channels_last, Adam, same shapes` };
}

async function main() {
  const options = readOptions();
  const { workloads, threads, quick } = options;
  if (options.profile) {
    for (const workload of workloads) {
      for (const count of threads) {
        console.log(`${await profileTraining(workload, { threads: count, steps: PROFILED_STEPS })}\n`);
      }
    }
    return;
  }
  const where = circumstances();
  const { pytorch, told } = await startPyTorch(options);
  console.log(`${where.cpu}, ${where.cores} cores, Node ${where.node}, commit ${where.commit ?? 'unknown'}`);
  console.log(`PyTorch: ${told}`);
  try {
    const results = await measureAll(workloads, threads, pytorch, quick ? QUICK : FULL);
    console.log(`\n${tableOf(results)}\n`);
    console.log('img/s: more is better. ms: of one call, less is better. Spread: (max - min) / median.');
    for (const doubt of doubts(where.loadBefore, results)) console.log(doubt);
    if (!options['no-history']) {
      appendHistory(HISTORY, { ...where, pytorch: pytorch?.version ?? null, quick, results });
      console.log(`Appended to ${HISTORY}.`);
    }
  } finally {
    pytorch?.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
