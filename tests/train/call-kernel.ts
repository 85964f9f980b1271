/** One kernel by itself, on one thread, for tests that compare it with PyTorch. */
import { readFileSync } from 'node:fs';
import type { RunProgram } from '../../src/runtime/control.js';
import { encodeProgram } from '../../src/runtime/encode-program.ts';

const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true });
const bytes = readFileSync(new URL('../../wasm/kernels-shared.wasm', import.meta.url));
const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, now: () => performance.now() } });
const run = instance.exports.run as RunProgram;
const [PROGRAM, DATA] = [65536, 262144];

/** Runs a kernel once on arrays, each on its own 1024 bytes. */
export function callKernel(kernel: string, arrays: Record<string, Float32Array>, sizes: Record<string, number>): void {
  const addresses = Object.fromEntries(Object.keys(arrays).map((name, index) => [name, DATA + 1024 * index]));
  const view = (name: string) => new Float32Array(memory.buffer, addresses[name], arrays[name]?.length);
  for (const [name, values] of Object.entries(arrays)) view(name).set(values);
  new Uint32Array(memory.buffer).set(encodeProgram([{ kernel, addresses, sizes }]), PROGRAM / 4);
  run(PROGRAM, 0, DATA, 1, 0, 0, 0);
  for (const [name, values] of Object.entries(arrays)) values.set(view(name));
}
