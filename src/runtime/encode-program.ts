/**
 * Steps as the 32-bit words that kernels/interpreter.ts walks: [opcode, bytes to the next step, tiles,
 * arguments...], ended by opcode 0. A step has at least one tile. Addresses are final here.
 */
import { assert } from '../base/errors.ts';
import type { Kernel, Sizes } from '../kernels/kernel.ts';
import { kernelNamed } from '../kernels/table.ts';

export interface EncodableStep {
  readonly kernel: string;
  /** Byte addresses in the engine's memory by pointer name; missing or 0 where an optional pointer is left out. */
  readonly addresses: Readonly<Record<string, number>>;
  readonly sizes: Sizes;
}

const HEADER_WORDS = 3;

function stepWords(kernel: Kernel): number {
  return HEADER_WORDS + Object.keys(kernel.pointers).length + kernel.integers.length + kernel.floats.length;
}

/** The program's words, including the end mark. */
export function encodeProgram(steps: readonly EncodableStep[]): Uint32Array {
  const total = steps.reduce((sum, step) => sum + stepWords(kernelNamed(step.kernel).kernel), 1);
  const words = new Uint32Array(total);
  const floats = new Float32Array(words.buffer);
  let position = 0;
  for (const step of steps) {
    const { kernel, opcode } = kernelNamed(step.kernel);
    const count = stepWords(kernel);
    const tiles = kernel.tiles(step.sizes);
    assert(tiles >= 1, `${step.kernel} has work to do`);
    words.set([opcode, count * 4, tiles], position);
    let next = position + HEADER_WORDS;
    for (const name of Object.keys(kernel.pointers)) words[next++] = step.addresses[name] ?? 0;
    for (const name of kernel.integers) words[next++] = step.sizes[name] ?? 0;
    for (const name of kernel.floats) floats[next++] = step.sizes[name] ?? 0;
    position += count;
  }
  return words;
}
