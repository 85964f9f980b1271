/**
 * An engine in a process of its own, a line of JSON each way: so engines cannot disturb each other's
 * memory and threads, and one that is not installed is only absent. The other side is
 * engines/serve.js, or engines/pytorch.py. The engine speaks first.
 *   (start)                      -> {"version": "1.30.0", "settings": "..."} or {"absent": "why"}
 *   {"prepare": Job}             -> {"logits": [...]} for inference,
 *                                   {"variant": "channels_last", "multiplyAdds": 216589760} for training
 *   {"run": times}               -> {"seconds": 1.25}
 *   {"peakMemory": true}         -> {"bytes": 723000000}, resident, since the process began
 *   (end of input)               -> the process ends
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** @typedef {{ version: string, settings: string }} Hello */
/**
 * What an engine is to do. `variant` is the one asked for, null to take the fastest; `files` are for inference.
 * @typedef {import('./workloads.js').Workload & {
 *   threads: number, variant: string | null,
 *   architecture: import('../src/models/architecture.ts').Architecture, files: import('./test-models.js').ModelFiles
 * }} Job
 */

export class EngineProcess {
  /** @type {import('node:child_process').ChildProcess} */
  #child;
  /** @type {AsyncIterator<string>} */
  #lines;
  #name;
  /** @type {Promise<void>} */
  #ended;

  /** @param {string} name @param {import('node:child_process').ChildProcess} child */
  constructor(name, child) {
    this.#name = name;
    this.#child = child;
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) throw new Error('the child has no input or output');
    stdin.on('error', () => {}); // told by the missing answer
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /**
   * @param {string} name what people call the engine
   * @param {readonly string[]} command program and arguments
   * @returns {Promise<{ engine: EngineProcess, hello: Hello } | { absent: string }>}
   */
  static async start(name, [program = '', ...args]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    /** @type {string | null} */
    let failure = null;
    child.on('error', (error) => {
      failure = error.message;
    });
    const engine = new EngineProcess(name, child);
    const hello = await engine.#answer().catch(() => /** @type {Record<string, unknown>} */ ({}));
    const { version, settings, absent } = hello;
    if (typeof version === 'string' && typeof settings === 'string') return { engine, hello: { version, settings } };
    return { absent: typeof absent === 'string' ? absent : (failure ?? 'it gave no answer') };
  }

  /** @returns {Promise<Record<string, unknown>>} */
  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#name} ended before its answer`);
    return JSON.parse(value);
  }

  /** @param {Record<string, unknown>} request */
  async #ask(request) {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const answer = await this.#answer();
    if (typeof answer.error === 'string') throw new Error(`${this.#name}: ${answer.error}`);
    return answer;
  }

  /** @param {Job} job @returns {Promise<{ logits?: number[], variant?: string, multiplyAdds?: number }>} */
  prepare(job) {
    return this.#ask({ prepare: job });
  }

  /** Seconds of `times` repetitions. @param {number} times */
  async run(times) {
    const { seconds } = await this.#ask({ run: times });
    if (typeof seconds !== 'number') throw new Error(`${this.#name} gave no time`);
    return seconds;
  }

  /** Bytes. */
  async peakMemory() {
    const { bytes } = await this.#ask({ peakMemory: true });
    if (typeof bytes !== 'number') throw new Error(`${this.#name} gave no memory`);
    return bytes;
  }

  /** Resolves when the process is gone. */
  async stop() {
    this.#child.stdin?.end();
    await this.#ended;
  }
}
