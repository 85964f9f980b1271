/**
 * Training and inference: a process for each engine and number of threads, all of a workload alive at
 * once and asked in turns. Before any time is taken the engines must agree on what is computed: on the
 * logits in inference, on the multiply-adds in training.
 */
import { EngineProcess } from '../engine-process.js';
import { NO_FILES } from '../test-models.js';
import { architectureOf } from '../training.js';
import { nameOf } from '../workloads.js';

/** @typedef {import('../workloads.js').Workload} Workload */
/** @typedef {import('../engines.js').Engine} Engine */
/** @typedef {import('./bench-run.js').BenchRun} BenchRun */
/** @typedef {Awaited<ReturnType<EngineProcess['prepare']>>} Prepared */
/** @typedef {{ engine: Engine, threads: number, process: EngineProcess, prepared: Prepared }} Runner */

/**
 * An engine's process, ready for a workload.
 * @param {Engine} engine @param {Workload} workload @param {number} threads @param {string | null} variant
 * @param {BenchRun} run
 * @returns {Promise<Runner>}
 */
export async function startRunner(engine, workload, threads, variant, run) {
  const started = await EngineProcess.start(engine.name, engine.command);
  if ('absent' in started) throw new Error(`${engine.name}: ${started.absent}`);
  const files = workload.work === 'infer' ? await run.modelFiles(workload) : NO_FILES;
  const job = { ...workload, threads, variant, files, architecture: architectureOf(workload) };
  try {
    return { engine, threads, process: started.engine, prepared: await started.engine.prepare(job) };
  } catch (error) {
    await started.engine.stop();
    throw error;
  }
}

/**
 * The largest difference over the largest of the wanted.
 * @param {readonly number[]} found @param {readonly number[]} wanted
 */
export function relativeDifference(found, wanted) {
  if (found.length !== wanted.length || wanted.length === 0) return Number.POSITIVE_INFINITY;
  let [largest, difference] = [0, 0];
  for (const [index, value] of wanted.entries()) {
    largest = Math.max(largest, Math.abs(value));
    // NaN stays NaN, and is not within any tolerance.
    difference = Math.max(difference, Math.abs(/** @type {number} */ (found[index]) - value));
  }
  return difference / largest;
}

/** @param {Workload} workload @param {readonly Runner[]} runners bneck's first */
function requireAgreement(workload, runners) {
  const [first, ...others] = runners;
  for (const { engine, prepared } of others) {
    if (workload.work === 'train') {
      if (prepared.multiplyAdds === first?.prepared.multiplyAdds) continue;
      const counts = `${prepared.multiplyAdds} multiply-adds, bneck ${first?.prepared.multiplyAdds}`;
      throw new Error(`${nameOf(workload)}: ${engine.name} has another network: ${counts}.`);
    }
    const difference = relativeDifference(prepared.logits ?? [], first?.prepared.logits ?? []);
    if (difference <= engine.tolerance) continue;
    const apart = `its logits are ${difference.toExponential(1)} of the largest apart, ${engine.tolerance} allowed`;
    throw new Error(`${nameOf(workload)}: ${engine.name} computes something else than bneck: ${apart}.`);
  }
}

/**
 * @param {Workload} workload @param {BenchRun} run
 * @returns {Promise<import('../measure.js').Contestant[]>}
 */
export async function speedContestants(workload, run) {
  /** @type {Runner[]} */
  const runners = [];
  const stop = () => Promise.all(runners.map(({ process }) => process.stop()));
  try {
    for (const engine of run.enginesFor(workload)) {
      for (const threads of run.threads) {
        if (threads > (engine.mostThreads ?? threads)) continue;
        const key = `${nameOf(workload)} ${engine.name} ${threads}`;
        const runner = await startRunner(engine, workload, threads, run.fastest.get(key) ?? null, run);
        runners.push(runner);
        const { variant } = runner.prepared;
        if (variant !== undefined) run.fastest.set(key, variant);
      }
    }
    requireAgreement(workload, runners);
  } catch (error) {
    await stop();
    throw error;
  }
  return runners.map(({ engine, threads, process, prepared }) => ({
    engine: engine.name,
    variant: prepared.variant ?? null,
    threads,
    run: (times) => process.run(times),
    dispose: () => process.stop(),
  }));
}
