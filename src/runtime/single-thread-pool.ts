/**
 * No threads: programs run where they are asked for, for hosts that do not let threads share memory and for callers who
 * want it so (`threads: 0`). It blocks its thread for as long as a program takes, so a browser page puts it
 * into a worker (`thread-pool.browser.ts`). The bits are those of any number of threads.
 */
import { BneckError } from '../base/errors.ts';
import { CONTROL_ADDRESS } from './control.js';
import { INITIAL_PAGES, MAXIMUM_PAGES, type RunRequest, type ThreadPool } from './thread-pool.ts';

export class SingleThreadPool implements ThreadPool {
  readonly threads = 1;
  readonly memory: WebAssembly.Memory;
  readonly #run: import('./control.js').RunProgram;

  /** @param kernels wasm/kernels-inference-single.wasm, or those for shared memory with such a memory */
  constructor(
    kernels: WebAssembly.Module,
    memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES }),
  ) {
    this.memory = memory;
    const env = { memory: this.memory, now: () => performance.now() };
    this.#run = new WebAssembly.Instance(kernels, { env }).exports.run as import('./control.js').RunProgram;
  }

  async run({ program, scratch, profile }: RunRequest): Promise<void> {
    try {
      this.#run(program, CONTROL_ADDRESS, scratch, 1, 0, profile, 0);
    } catch (cause) {
      throw new BneckError('runtime', `The engine stopped: ${cause}.`, { cause });
    }
  }

  async dispose(): Promise<void> {}
}
