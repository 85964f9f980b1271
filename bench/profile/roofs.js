/**
 * The machine's roofs for WebAssembly SIMD, measured: multiply-adds in registers, bytes read and
 * written by a copy of arrays that no cache holds, and bytes of such an array that is only read. All threads work at once, since they share them.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** @typedef {{ flopsPerSecond: number, bytesPerSecond: number, readBytesPerSecond: number }} Roofs */

/** @param {number} threads @returns {Promise<Roofs>} of all threads together */
export async function measureRoofs(threads) {
  const workers = Array.from({ length: threads }, () => new Worker(new URL('./roofs-worker.js', import.meta.url)));
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const answers = workers.map((worker) => once(worker, 'message'));
    for (const worker of workers) worker.postMessage('go');
    const roofs = (await Promise.all(answers)).map(([answer]) => /** @type {Roofs} */ (answer));
    const sum = (/** @type {(roofs: Roofs) => number} */ of) => roofs.reduce((total, roof) => total + of(roof), 0);
    return {
      flopsPerSecond: sum((roof) => roof.flopsPerSecond),
      bytesPerSecond: sum((roof) => roof.bytesPerSecond),
      readBytesPerSecond: sum((roof) => roof.readBytesPerSecond),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
