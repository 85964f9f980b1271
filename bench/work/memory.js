/**
 * Peak resident memory of training: each contestant makes a few steps in a fresh process, which then
 * says how much was resident at most, itself and its libraries included.
 */
import { startRunner } from './speed.js';

/** @typedef {import('./bench-run.js').BenchRun} BenchRun */

/** The second step may still take new memory; later ones do not. */
const STEPS = 3;

/**
 * `run` gives bytes. Memory hardly depends on threads, so the most asked for are taken.
 * @param {import('../workloads.js').Workload} workload @param {BenchRun} run
 * @returns {Promise<import('../measure.js').Contestant[]>}
 */
export async function memoryContestants(workload, run) {
  const threads = Math.max(...run.threads);
  return run.enginesFor(workload).flatMap((engine) =>
    (engine.variants ?? [null]).map((variant) => ({
      engine: engine.name,
      variant,
      threads,
      async run(times) {
        let bytes = 0;
        for (let time = 0; time < times; time++) {
          const { process } = await startRunner(engine, workload, threads, variant, run);
          try {
            await process.run(STEPS);
            bytes += await process.peakMemory();
          } finally {
            await process.stop();
          }
        }
        return bytes;
      },
      dispose: async () => {},
    })),
  );
}
