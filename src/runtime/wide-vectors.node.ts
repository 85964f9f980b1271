/**
 * 256-bit vectors under Node. WebAssembly has vectors of 128 bits, but newer V8 can compile two operations side by side into one of the
 * processor's 256-bit ones (AVX2), behind a flag. `wasm/kernels-wide.wasm` is written so that it can. The bits of all results are the same.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { cpus } from 'node:os';
import { setFlagsFromString } from 'node:v8';

const FLAG = '--experimental-wasm-revectorize';
/** V8 versions (of Node 24 and 26) in which bneck's tests have run with wide vectors: the flag is an experiment of V8's. */
const TRIED_V8 = ['13.6', '14.6'];

let enabled = process.execArgv.includes(FLAG);

/** Whether kernels that are compiled from now on get wide vectors. */
export function wideVectors(): boolean {
  return enabled && hasAvx2();
}

/**
 * Lets V8 make 256-bit vectors, which nearly doubles the speed of matrix products: on x64 processors with AVX2, in Node 24 and 26. Returns
 * whether it does; otherwise all stays as it was. Call it before the first model is made. It is a flag of the whole process, so
 * WebAssembly of others that is compiled afterwards is compiled so too; `node --experimental-wasm-revectorize` does the same.
 */
export function enableWideVectors(): boolean {
  if (!enabled && hasAvx2() && TRIED_V8.some((version) => process.versions.v8.startsWith(`${version}.`))) {
    setFlagsFromString(FLAG);
    enabled = true;
  }
  return wideVectors();
}

/** Whether a newer Node would have wide vectors on this machine. */
export function newerNodeIsWider(): boolean {
  return hasAvx2() && Number.parseInt(process.versions.v8, 10) < Number.parseInt(TRIED_V8[0] as string, 10);
}

let avx2: boolean | null = null;

/** Where the system does not say, processors of this century's second decade are taken to have AVX2; Apple's play x64 without it. */
function hasAvx2(): boolean {
  avx2 ??= process.arch === 'x64' && askForAvx2();
  return avx2;
}

function askForAvx2(): boolean {
  if (process.platform !== 'linux') return !/apple/i.test(cpus()[0]?.model ?? '');
  try {
    // of the first processor: on a large machine Linux takes its time for the others
    const file = openSync('/proc/cpuinfo', 'r');
    try {
      const start = Buffer.alloc(4096);
      return /^flags\s*:.*\bavx2\b/m.test(start.toString('latin1', 0, readSync(file, start)));
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
