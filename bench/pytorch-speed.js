/**
 * PyTorch as a contestant: starts pytorch_speed.py with the system's Python and asks it for training
 * steps, a line of JSON each way. One process serves all workloads. Invariant: where Python, torch or
 * torchvision is missing, that is said, and bneck is measured alone.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./workloads.js').Contestant} Contestant */
/** @typedef {import('./workloads.js').Workload} Workload */

export class PyTorch {
  /** @type {import('node:child_process').ChildProcess} */
  #child;
  /** @type {AsyncIterator<string>} */
  #lines;
  /** What torch calls itself. */
  version = '';

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
    const { stdout } = child;
    if (stdout === null) throw new Error('the child has no output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /**
   * @param {string} python
   * @returns {Promise<{ pytorch: PyTorch } | { absent: string }>}
   */
  static async start(python) {
    const script = fileURLToPath(new URL('./pytorch_speed.py', import.meta.url));
    const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    /** @type {string | null} */
    let failure = null;
    child.on('error', (error) => {
      failure = error.message;
    });
    child.stdin?.on('error', () => {}); // told by the missing answer
    const pytorch = new PyTorch(child);
    /** @type {Record<string, unknown>} */
    const hello = await pytorch.#answer().catch(() => ({}));
    if (typeof hello.version !== 'string') {
      const reason = typeof hello.absent === 'string' ? hello.absent : (failure ?? 'it gave no answer');
      return { absent: `${python}: ${reason}` };
    }
    pytorch.version = hello.version;
    return { pytorch };
  }

  /** @returns {Promise<Record<string, unknown>>} */
  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('PyTorch ended before its answer');
    return JSON.parse(value);
  }

  /** @param {Record<string, unknown>} request */
  async #ask(request) {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return await this.#answer();
  }

  /** @param {Workload} workload a training one @param {number} threads @returns {Contestant} */
  contestant(workload, threads) {
    const { model, resolution, batch } = workload;
    return {
      workload,
      engine: 'PyTorch',
      threads,
      run: async (times) => {
        const { seconds } = await this.#ask({ model, resolution, batch, threads, times });
        if (typeof seconds !== 'number') throw new Error('PyTorch gave no time');
        return seconds;
      },
      dispose: async () => {
        await this.#ask({ forget: true });
      },
    };
  }

  stop() {
    this.#child.stdin?.end();
  }
}
