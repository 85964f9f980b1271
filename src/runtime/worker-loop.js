/**
 * A thread of the engine: sleeps until a run is announced in the control block, walks the program
 * inside WebAssembly, and sleeps again. The last thread to finish tells the one that asked. No other
 * message passes, and no JavaScript runs between steps. JavaScript, since it runs from source under the
 * tests as well.
 */
import { CONTROL_ADDRESS, CONTROL_WORDS, PAGE_BYTES, WORD } from './control.js';

/**
 * Returns when the pool is disposed of.
 * @param {{ module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number }} start
 * @param {(message: import('./thread-pool.ts').ThreadMessage) => void} post to who asked for the run
 */
export function walkPrograms({ module, memory, thread }, post) {
  // performance.now() alone begins at another time in each thread.
  const now = () => performance.timeOrigin + performance.now();
  const instance = new WebAssembly.Instance(module, { env: { memory, now } });
  const run = /** @type {import('./control.js').RunProgram} */ (instance.exports.run);
  const control = new Int32Array(memory.buffer, CONTROL_ADDRESS, CONTROL_WORDS);
  const read = (/** @type {number} */ word) => Atomics.load(control, word) >>> 0;
  /** The number of the next run's first step. */
  let first = 0;
  // Runs are counted from 0 on, so one that was announced before this thread was there is not missed.
  for (let sequence = 0; ; ) {
    Atomics.wait(control, WORD.command, sequence);
    const next = read(WORD.command);
    if (next === sequence) continue;
    sequence = next;
    if (read(WORD.quit) === 1) return;
    // V8 can leave a thread that started while the memory grew at an old size for good, and memory.fill and copy
    // then stop it; growing by nothing tells it the new one.
    if (memory.buffer.byteLength < read(WORD.pages) * PAGE_BYTES) memory.grow(0);
    const threads = read(WORD.threads);
    try {
      const scratch = read(WORD.scratch) + thread * read(WORD.scratchBytes);
      first = run(read(WORD.program), CONTROL_ADDRESS, scratch, threads, thread, read(WORD.profile), first);
    } catch (error) {
      return post({ error: String(error) });
    }
    if (Atomics.add(control, WORD.finished, 1) === threads - 1) post({ finished: sequence });
  }
}
