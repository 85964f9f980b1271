/**
 * What steps read ahead, for those behind them. Weights come from memory, or a cache that is far away, in each call, and a processor that waits for memory does not compute. The
 * matrix tiles have what they need near by; while they compute they read what the next steps will want (kernels/read-ahead.ts).
 */
import { ELEMENT_BYTES } from '../kernels/kernel.ts';
import { kernelNamed } from '../kernels/table.ts';
import type { MemoryRange, Program, ProgramBuffer, Step } from './program.ts';

/** What is read at most each time: a cache line. */
export const LINE_BYTES = 64;
/** So much is found in a second-level cache, or not much further away, when it is used. */
const NEAR_BYTES = 0.75 * 2 ** 20;
/** What is smaller is not worth a list. */
const LEAST_BYTES = 4096;

interface Weights extends MemoryRange {
  /** Who uses them. */
  readonly step: number;
  /** How many bytes, from the start, somebody reads ahead. */
  read: number;
}

/** The weights of a step, in the order of its operands. */
function weightsOf(step: Step, index: number, buffers: readonly ProgramBuffer[]): Weights[] {
  const { kernel } = kernelNamed(step.kernel);
  return Object.entries(kernel.pointers).flatMap(([name, pointer]) => {
    const from = step.operands[name];
    const region = from && buffers[from.buffer]?.region;
    if (!from || (region !== 'program' && region !== 'parameters')) return [];
    const bytes = pointer.length(step.sizes) * ELEMENT_BYTES[pointer.type ?? 'f32'];
    return bytes < LEAST_BYTES ? [] : [{ from, bytes, step: index, read: 0 }];
  });
}

/** The program, its steps with what they read ahead: of the weights that are used next, what nobody has read yet. */
export function readAhead(program: Program): Program {
  const weights = program.steps.flatMap((step, index) => weightsOf(step, index, program.buffers));
  const steps = program.steps.map((step, index) => {
    let room = LINE_BYTES * (kernelNamed(step.kernel).kernel.readsAhead?.(step.sizes) ?? 0);
    let near = NEAR_BYTES;
    const ahead: MemoryRange[] = [];
    for (const next of weights) {
      if (next.step <= index) continue;
      const bytes = Math.max(0, Math.min(next.bytes - next.read, room, near - next.read));
      if (bytes > 0) ahead.push({ from: { ...next.from, offsetBytes: next.from.offsetBytes + next.read }, bytes });
      next.read += bytes;
      room -= bytes;
      near -= next.read;
      if (next.read < next.bytes) break;
    }
    return ahead.length === 0 ? step : { ...step, ahead };
  });
  return { ...program, steps };
}
