/**
 * The engine's threads under Node: workers that share one WebAssembly memory. They keep the process
 * alive only while a program runs.
 */
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { BneckError } from '../base/errors.ts';
import { CONTROL_ADDRESS, CONTROL_WORDS, WORD } from './control.js';
import type { RunRequest, ThreadPool } from './thread-pool.ts';

const MAXIMUM_PAGES = 65536; // 4 GiB, what 32-bit addresses reach
const INITIAL_PAGES = 16;

let compiled: Promise<WebAssembly.Module> | null = null;

function kernels(): Promise<WebAssembly.Module> {
  compiled ??= (async () => {
    const file = new URL('../../wasm/kernels-shared.wasm', import.meta.url);
    try {
      return await WebAssembly.compile(await readFile(file));
    } catch (cause) {
      throw new BneckError(
        'runtime',
        'The kernels (wasm/kernels-shared.wasm) are missing or damaged. Build them: npm run build',
        { cause },
      );
    }
  })();
  return compiled;
}

interface Message {
  readonly ready?: true;
  readonly finished?: number;
  readonly error?: string;
}

class NodeThreadPool implements ThreadPool {
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  readonly #workers: Worker[];
  readonly #control: Int32Array;
  #settle: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #failed: Error | null = null;

  constructor(memory: WebAssembly.Memory, workers: Worker[]) {
    this.memory = memory;
    this.threads = workers.length;
    this.#workers = workers;
    this.#control = new Int32Array(memory.buffer, CONTROL_ADDRESS, CONTROL_WORDS);
    for (const worker of workers) {
      worker.on('message', (message: Message) => {
        if (message.error) this.#fail(new BneckError('runtime', `The engine stopped: ${message.error}.`));
        else if (message.finished !== undefined) this.#finish();
      });
      worker.on('error', (cause) => this.#fail(new BneckError('runtime', 'A thread of the engine failed.', { cause })));
      worker.unref();
    }
  }

  #finish(): void {
    for (const worker of this.#workers) worker.unref();
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve();
  }

  #fail(error: Error): void {
    this.#failed = error;
    const settle = this.#settle;
    this.#settle = null;
    settle?.reject(error);
    for (const worker of this.#workers) void worker.terminate();
  }

  run(request: RunRequest): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#settle) throw new Error('bneck invariant broken: a program is running already');
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      for (const worker of this.#workers) worker.ref();
      const control = this.#control;
      Atomics.store(control, WORD.program, request.program);
      Atomics.store(control, WORD.scratch, request.scratch);
      Atomics.store(control, WORD.scratchBytes, request.scratchBytes);
      Atomics.store(control, WORD.threads, this.threads);
      Atomics.store(control, WORD.profile, request.profile);
      Atomics.store(control, WORD.finished, 0);
      this.#wake();
    });
  }

  #wake(): void {
    Atomics.add(this.#control, WORD.command, 1);
    Atomics.notify(this.#control, WORD.command);
  }

  async dispose(): Promise<void> {
    this.#failed ??= new BneckError('runtime', 'The engine was disposed of.');
    Atomics.store(this.#control, WORD.quit, 1);
    this.#wake();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** @param threads how many workers, at least 1 */
export async function createThreadPool(threads: number): Promise<ThreadPool> {
  const module = await kernels();
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  const workers = Array.from({ length: threads }, (_, thread) => {
    const workerData = { module, memory, thread };
    return new Worker(new URL('./worker.node.js', import.meta.url), { workerData, name: `bneck ${thread}` });
  });
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.once('message', () => resolve());
            worker.once('error', reject);
          }),
      ),
    );
  } catch (cause) {
    for (const worker of workers) void worker.terminate();
    throw new BneckError('runtime', `The engine could not start ${threads} threads.`, { cause });
  }
  return new NodeThreadPool(memory, workers);
}
