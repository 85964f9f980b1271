/**
 * What a graph becomes for one purpose and one input shape: a flat list of kernel calls on buffers
 * with fixed places. Plain data; it can be printed and validated, and says nothing of threads.
 * Buffers live in regions: `arena` is planned (two buffers may share bytes if never alive together),
 * `program` keeps its content between runs of this program, and the others belong to the model and
 * are shared by all its programs.
 */
import type { Sizes } from '../kernels/kernel.ts';

export type Region =
  | 'arena'
  | 'program'
  | 'parameters'
  | 'running'
  | 'gradients'
  | 'gradientSums'
  | 'optimizer'
  | 'averageParameters'
  | 'averageRunning';

export interface ProgramBuffer {
  readonly id: number;
  readonly name: string;
  readonly region: Region;
  readonly bytes: number;
  /** From the start of its region; set by planMemory for the arena. */
  offsetBytes: number;
  /** Alive during the whole program: what the host writes or reads. */
  readonly pinned: boolean;
}

/** A place in a buffer. */
export interface Operand {
  readonly buffer: number;
  readonly offsetBytes: number;
}

/** So many bytes from a place on. */
export interface MemoryRange {
  readonly from: Operand;
  readonly bytes: number;
}

export interface Step {
  readonly kernel: string;
  /** The node it works for, or a word for what it does. */
  readonly label: string;
  /** By pointer name; left out where an optional pointer is absent. */
  readonly operands: Readonly<Record<string, Operand>>;
  readonly sizes: Sizes;
  /** What its tiles read on the way, so that later steps find it in a cache (read-ahead.ts). */
  readonly ahead?: readonly MemoryRange[];
}

export interface Program {
  readonly purpose: 'inference' | 'training';
  readonly buffers: readonly ProgramBuffer[];
  /** Run once after weights change: folds batch norm, packs weights. Empty for training. */
  readonly prepare: readonly Step[];
  readonly steps: readonly Step[];
  /** The buffers that the host writes and reads, by role: pictures, labels, logits, losses, rates, ... */
  readonly ports: Readonly<Record<string, Operand & { readonly bytes: number }>>;
  readonly arenaBytes: number;
  readonly programBytes: number;
  /** What each thread needs. */
  readonly scratchBytes: number;
}

/** The alignment of every buffer, in bytes (also what WebGPU asks of buffer offsets). */
export const BUFFER_ALIGNMENT = 256;

export function align(bytes: number): number {
  return Math.ceil(bytes / BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT;
}
