/**
 * What the engine asks of a host's threads, and the pool for hosts whose threads share memory. What
 * differs between Node and browsers is how a thread is started: `thread-pool.node.ts` and its kin.
 */
import { BneckError } from '../base/errors.ts';
import { CONTROL_ADDRESS, CONTROL_WORDS, PAGE_BYTES, WORD } from './control.js';

export interface RunRequest {
  /** Address of the encoded program. */
  readonly program: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  /** Address of one f64 a step, or 0. */
  readonly profile: number;
}

export interface ThreadPool {
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  /** Runs one program on all threads; one at a time. Rejects if a thread fails, after which the pool is of no use. */
  run(request: RunRequest): Promise<void>;
  dispose(): Promise<void>;
}

/** What a thread says (worker-loop.js). */
export interface ThreadMessage {
  /** The run whose last thread this was. */
  readonly finished?: number;
  readonly error?: string;
}

/** A thread of the host. */
export interface PoolThread {
  onMessage(listener: (message: ThreadMessage) => void): void;
  onFailure(listener: (cause: unknown) => void): void;
  /** Whether the process must live on for this thread's sake. */
  hold(held: boolean): void;
  stop(): Promise<unknown>;
}

/** Pages of 64 KiB that a memory begins with and may grow to: 4 GiB, what 32-bit addresses reach. */
export const INITIAL_PAGES = 16;
export const MAXIMUM_PAGES = 65536;

/** Threads that share one memory. They may still be starting: a run is taken up by each when it is there. */
export class SharedThreadPool implements ThreadPool {
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  readonly #threads: readonly PoolThread[];
  readonly #control: Int32Array;
  #settle: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #failed: Error | null = null;

  constructor(memory: WebAssembly.Memory, threads: readonly PoolThread[]) {
    this.memory = memory;
    this.threads = threads.length;
    this.#threads = threads;
    this.#control = new Int32Array(memory.buffer, CONTROL_ADDRESS, CONTROL_WORDS);
    for (const thread of threads) {
      thread.onMessage(({ error, finished }) => {
        if (error !== undefined) this.#fail(new BneckError('runtime', `The engine stopped: ${error}.`));
        else if (finished !== undefined) this.#finish();
      });
      thread.onFailure((cause) => this.#fail(new BneckError('runtime', 'A thread of the engine failed.', { cause })));
      thread.hold(false);
    }
  }

  #finish(): void {
    for (const thread of this.#threads) thread.hold(false);
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve();
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    const settle = this.#settle;
    this.#settle = null;
    settle?.reject(error);
    for (const thread of this.#threads) void thread.stop();
  }

  run(request: RunRequest): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed);
    if (this.#settle) throw new Error('bneck invariant broken: a program is running already');
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      for (const thread of this.#threads) thread.hold(true);
      const control = this.#control;
      Atomics.store(control, WORD.program, request.program);
      Atomics.store(control, WORD.scratch, request.scratch);
      Atomics.store(control, WORD.scratchBytes, request.scratchBytes);
      Atomics.store(control, WORD.threads, this.threads);
      Atomics.store(control, WORD.profile, request.profile);
      Atomics.store(control, WORD.pages, this.memory.buffer.byteLength / PAGE_BYTES);
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
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}
