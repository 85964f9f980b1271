/**
 * Steps as the 32-bit words that kernels/interpreter.ts walks: [opcode, bytes to the next step, tiles,
 * bytes to what is read ahead, arguments..., what is read ahead], ended by opcode 0. A step has at least one tile. Addresses are final here.
 */
import { assert } from '../base/errors.ts';
import type { Kernel, Sizes } from '../kernels/kernel.ts';
import { kernelNamed } from '../kernels/table.ts';

export interface EncodableStep {
  readonly kernel: string;
  /** Byte addresses in the engine's memory by pointer name; missing or 0 where an optional pointer is left out. */
  readonly addresses: Readonly<Record<string, number>>;
  readonly sizes: Sizes;
  /** What its tiles read on the way, for later steps. */
  readonly ahead?: readonly { readonly address: number; readonly bytes: number }[];
}

const HEADER_WORDS = 4;

function argumentWords(kernel: Kernel): number {
  return HEADER_WORDS + Object.keys(kernel.pointers).length + kernel.integers.length + kernel.floats.length;
}

/** Runs of tiles that read the parts of `ahead`, as long as the parts: [the first tile behind, address, bytes a tile, how far apart to read]. */
function runsAhead({ ahead = [], sizes }: EncodableStep, kernel: Kernel, tiles: number): number[] {
  const total = ahead.reduce((sum, { bytes }) => sum + bytes, 0);
  const apart = Math.ceil(total / (kernel.readsAhead?.(sizes) ?? 1));
  let [end, bytesBefore] = [0, 0];
  return ahead.flatMap(({ address, bytes }) => {
    const first = end;
    bytesBefore += bytes;
    end = Math.round((tiles * bytesBefore) / total);
    return end === first ? [] : [end, address, Math.floor(bytes / (end - first)), apart];
  });
}

/** The program's words, including the end mark. */
export function encodeProgram(steps: readonly EncodableStep[]): Uint32Array {
  const coded = steps.map((step) => {
    const { kernel, opcode } = kernelNamed(step.kernel);
    const tiles = kernel.tiles(step.sizes);
    assert(tiles >= 1, `${step.kernel} has work to do`);
    const runs = runsAhead(step, kernel, tiles);
    const words = new Uint32Array(argumentWords(kernel) + runs.length);
    const floats = new Float32Array(words.buffer);
    words.set([opcode, words.byteLength, tiles, runs.length === 0 ? 0 : 4 * argumentWords(kernel)]);
    let next = HEADER_WORDS;
    for (const name of Object.keys(kernel.pointers)) words[next++] = step.addresses[name] ?? 0;
    for (const name of kernel.integers) words[next++] = step.sizes[name] ?? 0;
    for (const name of kernel.floats) floats[next++] = step.sizes[name] ?? 0;
    words.set(runs, next);
    return words;
  });
  const program = new Uint32Array(coded.reduce((sum, { length }) => sum + length, 1));
  let position = 0;
  for (const words of coded) {
    program.set(words, position);
    position += words.length;
  }
  return program;
}
