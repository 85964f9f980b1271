/** How threads share a program (kernels/interpreter.ts): each tile is done once, in its step, whoever is late. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { CONTROL_ADDRESS, CONTROL_WORDS, HEAP_ADDRESS, PAGE_BYTES, type RunProgram, WORD } from './control.js';
import { encodeProgram } from './encode-program.ts';
import { createThreadPool } from './thread-pool.node.ts';
import { INITIAL_PAGES, MAXIMUM_PAGES } from './thread-pool.ts';

const [OPEN_STEP, SLEEPERS] = [1, 2];
const STEPS = 100;
const TILE = 16384;
const FLOATS = 6 * TILE;
const PROGRAM = HEAP_ADDRESS;
const FIRST_MAP = HEAP_ADDRESS + 65536;
const SECOND_MAP = FIRST_MAP + 4 * FLOATS;
/** Four words before its two addresses and its size. */
const STEP_BYTES = 4 * 7;
const END = SECOND_MAP + 4 * FLOATS;

/** Each step adds one map to the other, half a tile shifted, so that a tile needs two of the step before; each with other tiles. */
function writeProgram(memory: WebAssembly.Memory): void {
  const steps = Array.from({ length: STEPS }, (_, step) => {
    const [sums, other] = step % 2 === 0 ? [FIRST_MAP, SECOND_MAP] : [SECOND_MAP, FIRST_MAP];
    const length = FLOATS - TILE / 2 - TILE * (step % 5);
    return { kernel: 'f32_gradient_sum_update', addresses: { sums, gradients: other + 2 * TILE }, sizes: { length } };
  });
  const words = encodeProgram(steps);
  new Uint32Array(memory.buffer, PROGRAM, words.length).set(words);
}

function writeMaps(memory: WebAssembly.Memory): void {
  const floats = new Float32Array(memory.buffer, FIRST_MAP, 2 * FLOATS);
  for (let i = 0; i < floats.length; i++) floats[i] = 1 + (i % 1009) / 1009;
}

/** Both maps' bits. */
const maps = (memory: WebAssembly.Memory) => Buffer.from(new Uint8Array(memory.buffer, FIRST_MAP, 8 * FLOATS).slice());

const module = new WebAssembly.Module(readFileSync(new URL('../../wasm/kernels-shared.wasm', import.meta.url)));

/** A thread that this thread plays, from a step of the program on. */
function playThread(memory: WebAssembly.Memory, threads: number, thread: number, step = 0): (first: number) => number {
  const run = new WebAssembly.Instance(module, { env: { memory, now: () => 0 } }).exports.run as RunProgram;
  return (first) => run(PROGRAM + step * STEP_BYTES, CONTROL_ADDRESS, END, threads, thread, 0, first);
}

function preparedMemory(): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  memory.grow(Math.ceil(END / 65536));
  writeProgram(memory);
  writeMaps(memory);
  return memory;
}

function oneThread(): Buffer {
  const memory = preparedMemory();
  playThread(memory, 1, 0)(0);
  return maps(memory);
}

test('a thread that is not there is missed by nobody, and does nothing twice when it comes', () => {
  const wanted = oneThread();
  const memory = preparedMemory();
  const [late, present] = [playThread(memory, 3, 0), playThread(memory, 3, 2)];
  expect(present(0)).toBe(STEPS);
  expect(maps(memory).equals(wanted)).toBe(true);
  expect(late(0)).toBe(STEPS);
  expect(maps(memory).equals(wanted)).toBe(true);
  // and it is in time for the next run
  writeMaps(memory);
  expect(late(STEPS)).toBe(2 * STEPS);
  expect(maps(memory).equals(wanted)).toBe(true);
});

test('a thread that was put aside between looking at a step and taking a tile takes none of the next', async () => {
  const memory = preparedMemory();
  const control = new Int32Array(memory.buffer, CONTROL_ADDRESS, CONTROL_WORDS);
  const counters = new BigInt64Array(memory.buffer, CONTROL_ADDRESS + 1024, 16);
  // Step 0 is open still, but another thread is just opening step 1.
  for (let thread = 0; thread < 2; thread++) counters[8 * thread] = 1n << 32n;
  control[WORD.program] = PROGRAM;
  control[WORD.scratch] = END;
  control[WORD.threads] = 2;
  control[WORD.pages] = memory.buffer.byteLength / PAGE_BYTES;
  control[WORD.command] = 1;
  const worker = new Worker(new URL('./worker.node.js', import.meta.url), {
    workerData: { module, memory, thread: 1 },
  });
  await vi.waitFor(() => expect(Atomics.load(control, SLEEPERS)).toBe(1), 10_000);
  const untouched = preparedMemory();
  expect(maps(memory).equals(maps(untouched))).toBe(true);
  Atomics.store(control, OPEN_STEP, 1);
  Atomics.notify(control, OPEN_STEP);
  await vi.waitFor(() => expect(Atomics.load(control, WORD.finished)).toBe(1), 10_000);
  playThread(untouched, 1, 0, 1)(1);
  expect(maps(memory).equals(maps(untouched))).toBe(true);
  await worker.terminate();
});

test('many threads on few processors do each tile once, after all of the step before', async () => {
  const wanted = oneThread();
  const pool = await createThreadPool(7);
  pool.memory.grow(Math.ceil(END / 65536));
  writeProgram(pool.memory);
  for (let run = 0; run < 40; run++) {
    writeMaps(pool.memory);
    await pool.run({ program: PROGRAM, scratch: END, scratchBytes: 0, profile: 0 });
    expect(maps(pool.memory).equals(wanted)).toBe(true);
  }
  await pool.dispose();
});
