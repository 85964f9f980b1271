/**
 * From nothing to the first logits: a program a contestant (engines/*-start.js), timed from the start of its
 * process until it names the class. The model's file is in the system's cache after the warm-up.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./bench-run.js').BenchRun} BenchRun */

/**
 * @param {readonly string[]} args of Node
 * @returns {Promise<{ seconds: number, answer: string }>} when the process is gone
 */
function firstAnswer(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let [seconds, answer] = [0, ''];
    child.on('error', reject);
    child.stdout.on('data', (data) => {
      if (seconds === 0) seconds = (performance.now() - start) / 1000;
      answer += data;
    });
    child.on('close', (code) => {
      if (code === 0 && answer !== '') resolve({ seconds, answer: answer.trim() });
      else reject(new Error(`${args[0]} ended with ${code} and no answer`));
    });
  });
}

/**
 * @param {import('../workloads.js').Workload} workload @param {BenchRun} run
 * @returns {Promise<import('../measure.js').Contestant[]>}
 */
export async function startContestants(workload, run) {
  const files = await run.modelFiles(workload);
  /** @type {string | null} */
  let agreed = null;
  return run.enginesFor(workload).flatMap(({ name }) =>
    run.threads.map((threads) => ({
      engine: name,
      variant: null,
      threads,
      async run(times) {
        const program = fileURLToPath(new URL(`../engines/${name}-start.js`, import.meta.url));
        const model = name === 'bneck' ? files.safetensors : files.onnx;
        let total = 0;
        for (let time = 0; time < times; time++) {
          const { seconds, answer } = await firstAnswer([program, model, files.picture, String(threads)]);
          agreed ??= answer;
          if (answer !== agreed) throw new Error(`${name} says class ${answer} at its start, bneck ${agreed}.`);
          total += seconds;
        }
        return total;
      },
      dispose: async () => {},
    })),
  );
}
