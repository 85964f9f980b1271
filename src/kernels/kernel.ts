/**
 * A row of the kernel table: everything the rest of bneck knows of a kernel. From it come the dispatch
 * code (scripts/build-kernels.js), the checks of programs (program/validate-program.ts), the tests
 * (correctness against `reference`, canaries around buffers) and the figures of the profile. The
 * order of pointers, integers and floats is the order of the kernel's parameters in kernels/.
 */
import { ACTIVATION_CODE, SCALED_HARD_SWISH } from './activation-code.ts';

export type Sizes = Readonly<Record<string, number>>;
export type NumericArray = Float32Array | Uint8Array | Int32Array | Uint32Array;
export type Arrays = Readonly<Record<string, NumericArray | undefined>>;
export type ElementType = 'f32' | 'u8' | 'i32' | 'u32';

export interface PointerSpec {
  /** 'update': read and written in place. */
  readonly access: 'read' | 'write' | 'update';
  readonly optional?: boolean;
  readonly type?: ElementType;
  /** How many elements the kernel touches from the pointer on. */
  readonly length: (sizes: Sizes) => number;
  /** What tests fill it with; default standard normal values. */
  readonly fill?: 'positive' | 'random';
}

export interface KernelCase {
  readonly sizes: Sizes;
  /** Optional pointers left out (0). */
  readonly absent?: readonly string[];
}

export interface Kernel {
  readonly name: string;
  /** The file in kernels/, without its ending. */
  readonly file: string;
  readonly pointers: Readonly<Record<string, PointerSpec>>;
  readonly integers: readonly string[];
  readonly floats: readonly string[];
  readonly tiles: (sizes: Sizes) => number;
  /** Scratch memory a thread needs, in bytes. */
  readonly scratchBytes: (sizes: Sizes) => number;
  /** Floating point operations of all tiles, a multiply-add counted as two. */
  readonly flops: (sizes: Sizes) => number;
  /** How often its matrix tiles, all of them, can read ahead (kernels/read-ahead.ts); missing: never. */
  readonly readsAhead?: (sizes: Sizes) => number;
  /** How many numbers one value of an output pointer sums up: tests allow epsilon * (reduction + 8) * magnitude. */
  readonly reduction: (sizes: Sizes, output: string) => number;
  /** What the sizes must fulfil beyond being non-negative integers; the first broken rule, or null. */
  readonly constraint?: (sizes: Sizes) => string | null;
  /** All tiles at once, in double precision. */
  readonly reference: (sizes: Sizes, arrays: Arrays) => void;
  readonly cases: readonly KernelCase[];
}

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { f32: 4, u8: 1, i32: 4, u32: 4 };

/** Bytes that cross memory at least once: every operand read or written, twice if updated. */
export function bytesOf(kernel: Kernel, sizes: Sizes, absent: readonly string[] = []): number {
  let bytes = 0;
  for (const [name, pointer] of Object.entries(kernel.pointers)) {
    if (absent.includes(name)) continue;
    bytes += pointer.length(sizes) * ELEMENT_BYTES[pointer.type ?? 'f32'] * (pointer.access === 'update' ? 2 : 1);
  }
  return bytes;
}

/** `readsAhead` of a product of matrices: once in eight turns of a tile of 5 x 16. */
export function productReadsAhead(rows: number, depth: number, columns: number): number {
  return Math.floor(depth / 8) * ceilDivide(rows, 5) * ceilDivide(columns, 16);
}

/** Reads a size that a row declares; a missing one is a defect of the row or its caller. */
export function size(sizes: Sizes, name: string): number {
  const value = sizes[name];
  if (value === undefined) throw new Error(`bneck invariant broken: kernel size '${name}' is missing`);
  return value;
}

export function ceilDivide(a: number, b: number): number {
  return Math.floor((a + b - 1) / b);
}

/** Bytes in which the edges of a product are computed (kernels/gemm.ts). */
export const EDGE_BYTES = 192;

type Constraint = (sizes: Sizes) => string | null;

function multiplesOf(factor: number, names: readonly string[]): Constraint {
  return (sizes) => {
    const bad = names.find((name) => size(sizes, name) % factor !== 0);
    return bad === undefined ? null : `${bad} is ${size(sizes, bad)}, not a multiple of ${factor}`;
  };
}

export const multipleOf4 = (...names: string[]) => multiplesOf(4, names);
export const multipleOf8 = (...names: string[]) => multiplesOf(8, names);

/** Sizes that are rows of whole images. */
export function wholeImages(...names: string[]): Constraint {
  return (sizes) => {
    const bad = names.find((name) => size(sizes, name) % size(sizes, 'rowsPerImage') !== 0);
    return bad === undefined ? null : `${bad} is ${size(sizes, bad)}, not a multiple of rowsPerImage`;
  };
}

function oneOf(codes: readonly number[], names: readonly string[]): Constraint {
  return (sizes) => {
    const bad = names.find((name) => !codes.includes(size(sizes, name)));
    return bad === undefined ? null : `${bad} is none that a map has`;
  };
}

const { none, relu, relu6, hard_swish } = ACTIVATION_CODE;

/** In training maps have these activations. */
export const mapActivation = (...names: string[]) => oneOf([none, relu, relu6, hard_swish], names);
/** In inference, where a convolution ends with one. */
export const foldedActivation = (...names: string[]) => oneOf([none, relu, relu6, SCALED_HARD_SWISH], names);
