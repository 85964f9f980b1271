/**
 * PyTorch as a process that answers questions (peer.py), and the tensors that it leaves in files. They
 * are read by a few lines of their own: bneck's reader is among what is judged here, and it would
 * round double precision.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./peer.py', import.meta.url));

/**
 * A question's options, JSON.
 * @typedef {Record<string, unknown>} Spec
 */

/** PyTorch is not there. The message says what is missing. */
export class Absent extends Error {}

export class Peer {
  /** @type {import('node:child_process').ChildProcessByStdio<import('node:stream').Writable, import('node:stream').Readable, null>} */
  #process;
  /** @type {AsyncIterator<string>} */
  #lines;
  /** @type {Promise<string>} Why there is no process; never comes where there is one. */
  #failed;
  /** @type {Promise<void>} */
  #ended;

  /** @param {string} python @param {number} threads */
  constructor(python, threads) {
    // PyTorch's threads spin while they wait, and so take the cores from ours.
    const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
    this.#process = spawn(python, ['-B', PROGRAM, String(threads)], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#failed = new Promise((resolve) => this.#process.on('error', (error) => resolve(error.message)));
    this.#ended = new Promise((resolve) => this.#process.on('close', () => resolve()));
    // A write to a process that has ended is told by the missing answer.
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /**
   * Starts Python. Rejects with Absent where there is no Python or no PyTorch.
   * @param {string} python @param {number} threads
   */
  static async start(python, threads) {
    const peer = new Peer(python, threads);
    const answer = await Promise.race([peer.#failed, peer.#read()]);
    if (typeof answer === 'string') throw new Absent(`${python} cannot be started (${answer})`);
    if (answer === null) throw new Error(`${python} ended before its first answer.`);
    if (answer.missing) throw new Absent(`${python} has no ${answer.missing}`);
    return { peer, versions: /** @type {Record<string, string>} */ (answer.versions) };
  }

  /** @returns {Promise<Record<string, any> | null>} an answer; null where the process has ended */
  async #read() {
    const { value, done } = await this.#lines.next();
    return done ? null : JSON.parse(value);
  }

  /**
   * @param {string} task a function's name in peer.py
   * @param {Spec} spec
   * @param {string} folder for the answer's tensors
   * @returns {Promise<Record<string, any>>}
   */
  async ask(task, spec, folder) {
    this.#process.stdin.write(`${JSON.stringify({ task, spec, folder })}\n`);
    const answer = await this.#read();
    if (answer === null) throw new Error(`PyTorch's side ended while it was asked for ${task}; its error is above.`);
    return answer;
  }

  async close() {
    this.#process.stdin.end();
    await this.#ended;
  }
}

/**
 * Runs with a folder for files, and removes it afterwards.
 * @template T
 * @param {(folder: string) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withFolder(use) {
  const folder = await mkdtemp(join(tmpdir(), 'bneck-torch-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ARRAYS = { F64: Float64Array, F32: Float32Array, U8: Uint8Array, I64: BigInt64Array };

/** @typedef {Float64Array | Float32Array | Uint8Array} Numbers */
/** @typedef {{ shape: number[], data: Numbers | BigInt64Array }} PeerTensor */

export class PeerTensors {
  /** @type {Map<string, PeerTensor>} */
  #tensors;

  /** @param {Map<string, PeerTensor>} tensors */
  constructor(tensors) {
    this.#tensors = tensors;
  }

  /** @param {string} path a .safetensors file of tensor_files.py */
  static async read(path) {
    const bytes = await readFile(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, start));
    delete header.__metadata__;
    /** @type {Map<string, PeerTensor>} */
    const tensors = new Map();
    for (const [name, entry] of Object.entries(header)) {
      const [first, end] = entry.data_offsets;
      const copy = Uint8Array.from(bytes.subarray(start + first, start + end));
      const ArrayType = ARRAYS[/** @type {keyof typeof ARRAYS} */ (entry.dtype)];
      tensors.set(name, { shape: entry.shape, data: new ArrayType(copy.buffer) });
    }
    return new PeerTensors(tensors);
  }

  get names() {
    return [...this.#tensors.keys()];
  }

  /** @param {string} name */
  get(name) {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`PyTorch's side gave no ${name}.`);
    return tensor;
  }

  /** @param {string} name @returns {Numbers} */
  numbers(name) {
    const { data } = this.get(name);
    if (data instanceof BigInt64Array) throw new Error(`${name} holds integers.`);
    return data;
  }

  /** @param {string} name */
  bytes(name) {
    const { data } = this.get(name);
    if (data instanceof Uint8Array) return data;
    throw new Error(`${name} holds no bytes.`);
  }

  /** @param {string} name */
  integers(name) {
    const { data } = this.get(name);
    if (data instanceof BigInt64Array) return Int32Array.from(data, Number);
    throw new Error(`${name} holds no integers.`);
  }
}
