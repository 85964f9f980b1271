/**
 * What this machine has to offer a run: threads and memory. Neither reaches a weight; they decide
 * only how fast a run is and whether it can start at all.
 */
import { availableParallelism, freemem } from 'node:os';

/** WebAssembly addresses 32 bits. */
const WASM_LIMIT_BYTES = 2 ** 32;
/** The rest is left to pictures, the checkpoint being written, and other programs. */
const USABLE_SHARE = 0.8;

export function defaultThreads(): number {
  return availableParallelism();
}

/** Memory the engine may take now, in bytes: what is free, limits of a container included. */
export function engineMemoryLimit(): number {
  const free = typeof process.availableMemory === 'function' ? process.availableMemory() : freemem();
  return Math.min(WASM_LIMIT_BYTES, Math.floor(free * USABLE_SHARE));
}
