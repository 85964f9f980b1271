/**
 * Hands out blocks of the engine's memory. Blocks are taken when programs and models are set up, never
 * while a program runs. First fit; neighbouring free blocks are joined.
 */
import { BneckError } from '../base/errors.ts';
import { PAGE_BYTES } from './control.js';

export interface Block {
  readonly address: number;
  readonly bytes: number;
}

const BLOCK_ALIGNMENT = 256;
const LARGEST_ADDRESS = 2 ** 32 - PAGE_BYTES;

export class Heap {
  readonly #memory: WebAssembly.Memory;
  /** Sorted by address, never touching each other. */
  #free: Block[] = [];
  #end: number;

  constructor(memory: WebAssembly.Memory, start: number) {
    this.#memory = memory;
    this.#end = start;
  }

  /** Bytes of memory the engine has taken from the host. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** @throws BneckError('memory') where the host has no more */
  allocate(bytes: number): Block {
    const size = Math.max(1, Math.ceil(bytes / BLOCK_ALIGNMENT)) * BLOCK_ALIGNMENT;
    const index = this.#free.findIndex((block) => block.bytes >= size);
    const found = this.#free[index];
    if (found) {
      const rest = { address: found.address + size, bytes: found.bytes - size };
      this.#free.splice(index, 1, ...(rest.bytes > 0 ? [rest] : []));
      return { address: found.address, bytes: size };
    }
    const block = { address: this.#end, bytes: size };
    this.#reach(this.#end + size);
    this.#end += size;
    return block;
  }

  #reach(end: number): void {
    const missing = Math.ceil((end - this.bytes) / PAGE_BYTES);
    if (missing <= 0) return;
    try {
      if (end > LARGEST_ADDRESS) throw new RangeError('beyond 32-bit addresses');
      this.#memory.grow(missing);
    } catch (cause) {
      const wanted = `${Math.ceil(end / 2 ** 20)} MiB`;
      const message = `The engine needs ${wanted} of memory and cannot have it. Use a smaller batch or resolution.`;
      throw new BneckError('memory', message, { cause });
    }
  }

  free(block: Block): void {
    const blocks = [...this.#free, block].sort((a, b) => a.address - b.address);
    this.#free = [];
    for (const next of blocks) {
      const last = this.#free.at(-1);
      if (last && last.address + last.bytes === next.address) {
        this.#free[this.#free.length - 1] = { address: last.address, bytes: last.bytes + next.bytes };
      } else {
        this.#free.push(next);
      }
    }
    const last = this.#free.at(-1);
    if (last && last.address + last.bytes === this.#end) {
      this.#end = last.address;
      this.#free.pop();
    }
  }
}
