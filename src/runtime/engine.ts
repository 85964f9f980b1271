/**
 * Owns the memory and the threads, and runs programs. One program runs at a time; the arena and the
 * scratch memory are shared by all programs, so what a program leaves in its arena ports is read before
 * the next one starts (`LoadedProgram.execute`).
 */
import { assert, BneckError } from '../base/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Operand, Program, Region, Step } from '../program/program.ts';
import { HEAP_ADDRESS } from './control.js';
import { encodeProgram } from './encode-program.ts';
import { type Block, Heap } from './heap.ts';
import { ModelMemory, type TrainingMemory } from './model-memory.ts';
import type { ThreadPool } from './thread-pool.ts';

const NO_BLOCK: Block = { address: 0, bytes: 0 };

export class Engine {
  readonly heap: Heap;
  readonly #pool: ThreadPool;
  #arena = NO_BLOCK;
  #scratch = NO_BLOCK;
  #last: Promise<unknown> = Promise.resolve();
  /** Asked for and not done yet. */
  #pending = 0;
  #disposed = false;

  constructor(pool: ThreadPool) {
    this.#pool = pool;
    this.heap = new Heap(pool.memory, HEAP_ADDRESS);
  }

  get threads(): number {
    return this.#pool.threads;
  }

  get memory(): WebAssembly.Memory {
    return this.#pool.memory;
  }

  /** Where the arena stands at present; it moves when a larger program is loaded. */
  get arenaAddress(): number {
    return this.#arena.address;
  }

  createModel(graph: Graph, training: TrainingMemory | null): ModelMemory {
    return new ModelMemory(graph, this.heap, this.memory, training);
  }

  /** Takes memory for a program. Throws BneckError('memory') where there is not enough. */
  load(program: Program, model: ModelMemory): Promise<LoadedProgram> {
    return this.exclusive(async () => {
      const scratchBytes = program.scratchBytes * this.threads;
      if (program.arenaBytes > this.#arena.bytes) this.#arena = this.#replace(this.#arena, program.arenaBytes);
      if (scratchBytes > this.#scratch.bytes) this.#scratch = this.#replace(this.#scratch, scratchBytes);
      return new LoadedProgram(this, program, model);
    });
  }

  #replace(block: Block, bytes: number): Block {
    if (block.bytes > 0) this.heap.free(block);
    return this.heap.allocate(bytes);
  }

  /** Whether something was asked for that is not done. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Runs `work`, an async function, when all that was asked for before is done: at once where nothing is left to do. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#disposed) return Promise.reject(new BneckError('runtime', 'The engine was disposed of.'));
    const free = !this.busy;
    this.#pending += 1;
    const turn = free ? work() : this.#last.then(work);
    const done = () => {
      this.#pending -= 1;
    };
    this.#last = turn.then(done, done);
    return turn;
  }

  /** Runs encoded steps. Only within `exclusive`. */
  start(program: number, scratchBytes: number, profile: number): Promise<void> {
    return this.#pool.run({ program, scratch: this.#scratch.address, scratchBytes, profile });
  }

  /** Stops the threads and lets go of the memory. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#last;
    await this.#pool.dispose();
  }
}

/** A program with its addresses. */
export class LoadedProgram {
  readonly program: Program;
  readonly #engine: Engine;
  readonly #model: ModelMemory;
  readonly #kept: Block;
  readonly #profile: Block;
  #prepareCode = NO_BLOCK;
  #stepCode = NO_BLOCK;
  #arenaAddress = -1;
  #profiling = false;

  constructor(engine: Engine, program: Program, model: ModelMemory) {
    this.#engine = engine;
    this.program = program;
    this.#model = model;
    this.#kept = engine.heap.allocate(program.programBytes);
    this.#profile = engine.heap.allocate(8 * program.steps.length);
    new Uint8Array(engine.memory.buffer, this.#profile.address, this.#profile.bytes).fill(0);
  }

  #address({ buffer, offsetBytes }: Operand): number {
    const { region, offsetBytes: start } = this.program.buffers[buffer] as Program['buffers'][number];
    return this.#base(region) + start + offsetBytes;
  }

  #base(region: Region): number {
    if (region === 'arena') return this.#engine.arenaAddress;
    if (region === 'program') return this.#kept.address;
    const address = this.#model.address(region);
    assert(address !== null, `the model has ${region}`);
    return address;
  }

  #encode(steps: readonly Step[], block: Block): Block {
    const words = encodeProgram(
      steps.map(({ kernel, operands, sizes, ahead = [] }) => ({
        kernel,
        sizes,
        ahead: ahead.map(({ from, bytes }) => ({ address: this.#address(from), bytes })),
        addresses: Object.fromEntries(
          Object.entries(operands).map(([name, operand]) => [name, this.#address(operand)]),
        ),
      })),
    );
    const code = block.bytes > 0 ? block : this.#engine.heap.allocate(words.byteLength);
    new Uint32Array(this.#engine.memory.buffer, code.address, words.length).set(words);
    return code;
  }

  /** Encodes anew if the arena has moved since. */
  #ready(): void {
    if (this.#arenaAddress === this.#engine.arenaAddress) return;
    this.#prepareCode = this.#encode(this.program.prepare, this.#prepareCode);
    this.#stepCode = this.#encode(this.program.steps, this.#stepCode);
    this.#arenaAddress = this.#engine.arenaAddress;
  }

  /** The bytes of a port. Valid until the engine's memory grows: take it anew for each use. */
  bytes(role: string): Uint8Array {
    const port = this.program.ports[role];
    assert(port, `the program has a port ${role}`);
    return new Uint8Array(this.#engine.memory.buffer, this.#address(port), port.bytes);
  }

  floats(role: string): Float32Array {
    const { buffer, byteOffset, byteLength } = this.bytes(role);
    return new Float32Array(buffer, byteOffset, byteLength / 4);
  }

  integers(role: string): Int32Array {
    const { buffer, byteOffset, byteLength } = this.bytes(role);
    return new Int32Array(buffer, byteOffset, byteLength / 4);
  }

  /** Folds and packs the weights as they are now. */
  prepare(): Promise<void> {
    return this.#engine.exclusive(async () => {
      this.#ready();
      await this.#engine.start(this.#prepareCode.address, this.program.scratchBytes, 0);
    });
  }

  /** Writes the inputs, runs the steps, reads the outputs; no other program comes between. */
  execute<T>(write: () => void, read: () => T): Promise<T> {
    return this.#engine.exclusive(async () => {
      this.#ready();
      write();
      const profile = this.#profiling ? this.#profile.address : 0;
      await this.#engine.start(this.#stepCode.address, this.program.scratchBytes, profile);
      return read();
    });
  }

  /** From now on the time of each step is added up. */
  startProfile(): void {
    this.#profiling = true;
    new Float64Array(this.#engine.memory.buffer, this.#profile.address, this.program.steps.length).fill(0);
  }

  /** Milliseconds of each step, summed over the runs since `startProfile`. */
  profile(): Float64Array {
    return new Float64Array(this.#engine.memory.buffer, this.#profile.address, this.program.steps.length).slice();
  }

  /** Gives the program's memory back. */
  dispose(): Promise<void> {
    return this.#engine.exclusive(async () => {
      for (const block of [this.#kept, this.#profile, this.#prepareCode, this.#stepCode]) {
        if (block.bytes > 0) this.#engine.heap.free(block);
      }
    });
  }
}
