/**
 * One thread at its roofs: compiles roof-kernels.ts, and when told to go takes the best of several times.
 */
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import asc from 'assemblyscript/asc';

/** Short ones, of which some are undisturbed. */
const TURNS = 500_000;
const TURN_REPEATS = 200;
const ARRAY_REPEATS = 7;

const source = readFileSync(new URL('./roof-kernels.ts', import.meta.url), 'utf8');
const { binary, stderr, error } = await asc.compileString(source, {
  optimizeLevel: 3,
  runtime: 'stub',
  enable: ['simd'],
});
if (error || binary === null) throw new Error(`roof-kernels.ts cannot be compiled: ${stderr}`);
const { instance } = await WebAssembly.instantiate(new Uint8Array(binary));
const exported = /** @type {any} */ (instance.exports);
const bytes = 4 * exported.ARRAY_FLOATS.value;
exported.memory.grow(Math.ceil((2 * bytes) / 65536));
// memory that was never written is one page of zeros, which any cache holds
new Float32Array(exported.memory.buffer).fill(0.001);

/** The least seconds of several. @param {number} repeats @param {() => void} work */
function best(repeats, work) {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    work();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

parentPort?.on('message', () => {
  const flops = TURNS * exported.FLOPS_A_TURN.value;
  const single = flops / best(TURN_REPEATS, () => exported.multiplyAdd(TURNS, 0.999, 0.001));
  const pairs = (2 * flops) / best(TURN_REPEATS, () => exported.multiplyAddPairs(TURNS, 0.999, 0.001, 0));
  const flopsPerSecond = Math.max(single, pairs);
  const bytesPerSecond = (2 * bytes) / best(ARRAY_REPEATS, () => exported.copy());
  const readBytesPerSecond = bytes / best(ARRAY_REPEATS, () => exported.read(bytes));
  parentPort?.postMessage({ flopsPerSecond, bytesPerSecond, readBytesPerSecond });
});
parentPort?.postMessage('ready');
