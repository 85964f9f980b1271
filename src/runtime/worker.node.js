/**
 * A thread of the engine under Node: sleeps until a run is announced in the control block, walks the
 * program inside WebAssembly, and sleeps again. The last thread to finish tells the main thread. No
 * other message passes, and no JavaScript runs between steps.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CONTROL_ADDRESS, CONTROL_WORDS, WORD } from './control.js';

/** @type {{ module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number }} */
const { module, memory, thread } = workerData;
const instance = new WebAssembly.Instance(module, { env: { memory, now: () => performance.now() } });
const run =
  /** @type {(program: number, control: number, scratch: number, threads: number, thread: number, profile: number) => void} */ (
    instance.exports.run
  );
const control = new Int32Array(memory.buffer, CONTROL_ADDRESS, CONTROL_WORDS);
/** @param {number} word */
const read = (word) => Atomics.load(control, word) >>> 0;

let sequence = read(WORD.command);
parentPort?.postMessage({ ready: true });
for (;;) {
  Atomics.wait(control, WORD.command, sequence);
  const next = read(WORD.command);
  if (next === sequence) continue;
  sequence = next;
  if (read(WORD.quit) === 1) break;
  const threads = read(WORD.threads);
  try {
    const scratch = read(WORD.scratch) + thread * read(WORD.scratchBytes);
    run(read(WORD.program), CONTROL_ADDRESS, scratch, threads, thread, thread === 0 ? read(WORD.profile) : 0);
  } catch (error) {
    parentPort?.postMessage({ error: String(error) });
    break;
  }
  if (Atomics.add(control, WORD.finished, 1) === threads - 1) parentPort?.postMessage({ finished: sequence });
}
