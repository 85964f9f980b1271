/**
 * The words by which the main thread and the workers talk, in the engine's memory. JavaScript, since the
 * worker runs from source under the tests as well. The first eight words belong to kernels/interpreter.ts, as does what
 * is 1 KiB further on: the counters of tiles, 64 bytes a thread; there is room for 1,000 threads.
 */

/** Address of the control block; below it is the kernels' own static data. */
export const CONTROL_ADDRESS = 65536;
export const CONTROL_WORDS = 64;
/** Of WebAssembly. */
export const PAGE_BYTES = 65536;
/** The first byte that programs and tensors may use. */
export const HEAP_ADDRESS = CONTROL_ADDRESS + 65536;

/** Word numbers within the control block. */
export const WORD = /** @type {const} */ ({
  command: 16, // counts up by one for each run; workers sleep on it
  program: 17,
  scratch: 18,
  scratchBytes: 19,
  threads: 20,
  profile: 21,
  finished: 22,
  quit: 23,
  pages: 24, // of the memory, as who asks for a run sees it
});

/**
 * The kernels' export (kernels/interpreter.ts): walks the program at an address as one of `threads` threads.
 * @typedef {(program: number, control: number, scratch: number, threads: number, thread: number, profile: number, first: number) => number} RunProgram
 */
