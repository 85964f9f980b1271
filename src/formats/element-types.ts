/**
 * The element types a safetensors file may hold, and how each becomes one of the two that bneck
 * computes with. F32 and I64 are taken bit for bit. F16 and BF16 widen to float32 exactly. F64 is
 * rounded to the nearest float32, and refused where a finite number would become infinite. I32, I16,
 * I8, U32, U16, U8 and BOOL become int64 exactly. Bytes are little-endian in the file and, like
 * WebAssembly's memory, on every host bneck runs on.
 */
import type { TypedArrays } from '../base/tensor.ts';

/** Reports elements that have no meaning; never returns. */
export type DecodeFailure = (problem: string) => never;

export interface ElementType {
  /** Bytes of an element in the file. */
  readonly bytes: number;
  readonly dtype: keyof TypedArrays;
  /** Elements from a buffer that holds them and nothing else; the result may keep the buffer. */
  readonly decode: (raw: ArrayBuffer, fail: DecodeFailure) => TypedArrays[keyof TypedArrays];
}

/** IEEE half precision to single: 1 sign, 5 exponent, 10 mantissa bits to 1, 8, 23. Exact, NaN bits kept. */
function widenFloat16(raw: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(raw);
  const result = new Float32Array(halves.length);
  const words = new Uint32Array(result.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] as number;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0) {
      // Zero or subnormal: mantissa * 2^-24 is a normal single, so plain arithmetic is exact.
      result[i] = mantissa * 2 ** -24;
      words[i] = (words[i] as number) | sign;
    } else {
      const wide = exponent === 31 ? 255 : exponent + 112; // bias 15 to bias 127
      words[i] = sign | (wide << 23) | (mantissa << 13);
    }
  }
  return result;
}

/** bfloat16 is the upper half of a single. */
function widenBfloat16(raw: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(raw);
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = (halves[i] as number) << 16;
  return new Float32Array(words.buffer);
}

function narrowFloat64(raw: ArrayBuffer, fail: DecodeFailure): Float32Array {
  const doubles = new Float64Array(raw);
  const result = new Float32Array(doubles);
  for (let i = 0; i < result.length; i++) {
    if (!Number.isFinite(result[i]) && Number.isFinite(doubles[i])) {
      fail(`element ${i} is ${doubles[i]}, too large for float32`);
    }
  }
  return result;
}

type SmallIntegers = Int32Array | Int16Array | Int8Array | Uint32Array | Uint16Array | Uint8Array;

function widenIntegers(values: SmallIntegers): BigInt64Array {
  const result = new BigInt64Array(values.length);
  const words = new Int32Array(result.buffer); // low word, high word: no BigInt an element
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    words[2 * i] = value;
    words[2 * i + 1] = value < 0 ? -1 : 0;
  }
  return result;
}

function widenBooleans(raw: ArrayBuffer, fail: DecodeFailure): BigInt64Array {
  const values = new Uint8Array(raw);
  const wrong = values.findIndex((value) => value > 1);
  if (wrong >= 0) fail(`element ${wrong} is ${values[wrong]}, a truth value is 0 or 1`);
  return widenIntegers(values);
}

/** By the name the header gives them. A Map: the name comes from the file and may be `constructor`. */
export const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ['F32', { bytes: 4, dtype: 'float32', decode: (raw) => new Float32Array(raw) }],
  ['F64', { bytes: 8, dtype: 'float32', decode: narrowFloat64 }],
  ['F16', { bytes: 2, dtype: 'float32', decode: widenFloat16 }],
  ['BF16', { bytes: 2, dtype: 'float32', decode: widenBfloat16 }],
  ['I64', { bytes: 8, dtype: 'int64', decode: (raw) => new BigInt64Array(raw) }],
  ['I32', { bytes: 4, dtype: 'int64', decode: (raw) => widenIntegers(new Int32Array(raw)) }],
  ['I16', { bytes: 2, dtype: 'int64', decode: (raw) => widenIntegers(new Int16Array(raw)) }],
  ['I8', { bytes: 1, dtype: 'int64', decode: (raw) => widenIntegers(new Int8Array(raw)) }],
  ['U32', { bytes: 4, dtype: 'int64', decode: (raw) => widenIntegers(new Uint32Array(raw)) }],
  ['U16', { bytes: 2, dtype: 'int64', decode: (raw) => widenIntegers(new Uint16Array(raw)) }],
  ['U8', { bytes: 1, dtype: 'int64', decode: (raw) => widenIntegers(new Uint8Array(raw)) }],
  ['BOOL', { bytes: 1, dtype: 'int64', decode: widenBooleans }],
]);
