/**
 * The wire form of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/): a message
 * is fields one after another, each a number and a value; what a number means, and whether it may
 * come again, the two sides have agreed on. This file knows no message. The writer emits fields in
 * the order it is told, integers as short as they go and nothing else, so equal calls give equal
 * bytes; called in the order of field numbers, they are the bytes of the official libraries. The
 * reader gives out nothing that does not lie inside the bytes.
 */
import { assert, BneckError } from '../base/errors.ts';

/** The official libraries read no message beyond this, in bytes. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;
const MAX_FIELD_NUMBER = 2 ** 29 - 1;
/** 64 bits, 7 in a byte. */
const MAX_VARINT_BYTES = 10;

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/** Base 128, the lowest digits first, the top bit of a byte saying that another follows. */
function varint(value: number): Uint8Array {
  assert(Number.isSafeInteger(value), `${value} is no integer`);
  // Negative numbers are 64 bits in two's complement.
  let rest = value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value);
  const digits: number[] = [];
  while (rest > 127n) {
    digits.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  digits.push(Number(rest));
  return Uint8Array.from(digits);
}

/** Writes one message, field by field. */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
  }

  #tag(field: number, wireType: number): void {
    assert(Number.isInteger(field) && field >= 1 && field <= MAX_FIELD_NUMBER, `field number ${field}`);
    this.#push(varint(field * 8 + wireType));
  }

  /** An integer, `int32`, `int64` or an enumeration's value. */
  integer(field: number, value: number): void {
    this.#tag(field, WIRE_VARINT);
    this.#push(varint(value));
  }

  /** A number, rounded to single precision. */
  float(field: number, value: number): void {
    this.#tag(field, WIRE_FIXED32);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#push(bytes);
  }

  /** Text without half surrogate pairs, as UTF-8. */
  string(field: number, text: string): void {
    assert(text.isWellFormed(), 'text has no UTF-8 form');
    this.bytes(field, new TextEncoder().encode(text));
  }

  /** Bytes as they are; they are copied at `finish`, not before. */
  bytes(field: number, data: Uint8Array): void {
    this.#tag(field, WIRE_BYTES);
    this.#push(varint(data.byteLength));
    this.#push(data);
  }

  /** A message in this one. */
  message(field: number, write: (inner: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.#tag(field, WIRE_BYTES);
    this.#push(varint(inner.#byteLength));
    for (const chunk of inner.#chunks) this.#push(chunk);
  }

  /**
   * The bytes of all that was written.
   * @throws BneckError 'unsupported' above 2 GiB, which no reader takes; 'memory' where they do not fit
   */
  finish(): Uint8Array {
    if (this.#byteLength > MAX_MESSAGE_BYTES) {
      const found = `The file would take ${this.#byteLength} bytes`;
      throw new BneckError('unsupported', `${found}, but its format ends at 2 GiB. Take a smaller model.`);
    }
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(this.#byteLength);
    } catch (cause) {
      const message = `No memory for a file of ${this.#byteLength} bytes. Close other programs, or take a smaller model.`;
      throw new BneckError('memory', message, { cause });
    }
    let position = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, position);
      position += chunk.byteLength;
    }
    return bytes;
  }
}

/** One field of a message; `bytes` may be text or another message. */
export type ProtobufField =
  | { readonly number: number; readonly type: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly type: 'bytes' | 'fixed32' | 'fixed64'; readonly value: Uint8Array };

/** Reports a problem at a byte of the message; never returns. */
export type ProtobufFailure = (problem: string, position: number) => never;

/** Reads bytes from the front, never past the end. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #fail: ProtobufFailure;
  position = 0;

  constructor(bytes: Uint8Array, fail: ProtobufFailure) {
    this.#bytes = bytes;
    this.#fail = fail;
  }

  get ended(): boolean {
    return this.position >= this.#bytes.byteLength;
  }

  varint(): bigint {
    const start = this.position;
    let value = 0n;
    for (let digit = 0; digit < MAX_VARINT_BYTES; digit++) {
      const byte = this.#bytes[this.position];
      if (byte === undefined) return this.#fail('an integer is cut off', start);
      this.position += 1;
      value |= BigInt(byte & 127) << BigInt(7 * digit);
      if (byte < 128) return value < 2n ** 64n ? value : this.#fail('an integer has more than 64 bits', start);
    }
    return this.#fail('an integer has more than 64 bits', start);
  }

  /** A view of the next bytes. */
  take(length: bigint): Uint8Array {
    const start = this.position;
    const left = this.#bytes.byteLength - start;
    if (length > BigInt(left)) return this.#fail(`a field of ${length} bytes begins, but only ${left} follow`, start);
    this.position += Number(length);
    return this.#bytes.subarray(start, this.position);
  }
}

/**
 * The fields of a message, in order.
 * @param bytes the whole message; values are views of it
 * @param fail called with whatever is wrong and the byte it is at
 */
export function* protobufFields(bytes: Uint8Array, fail: ProtobufFailure): Generator<ProtobufField, void, undefined> {
  const cursor = new Cursor(bytes, fail);
  while (!cursor.ended) {
    const start = cursor.position;
    const tag = cursor.varint();
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    if (number < 1 || number > MAX_FIELD_NUMBER) fail(`there is no field number ${number}`, start);
    if (wireType === WIRE_VARINT) yield { number, type: 'varint', value: cursor.varint() };
    else if (wireType === WIRE_BYTES) yield { number, type: 'bytes', value: cursor.take(cursor.varint()) };
    else if (wireType === WIRE_FIXED32) yield { number, type: 'fixed32', value: cursor.take(4n) };
    else if (wireType === WIRE_FIXED64) yield { number, type: 'fixed64', value: cursor.take(8n) };
    else fail(`field ${number} is of wire type ${wireType}, which has no meaning here`, start);
  }
}
