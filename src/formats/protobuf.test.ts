/** The wire form against the examples of its specification, and against itself. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ProtobufField, ProtobufWriter, protobufFields } from './protobuf.ts';

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function written(write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter();
  write(writer);
  expect(writer.byteLength).toBe(writer.finish().byteLength);
  return writer.finish();
}

function fields(bytes: Uint8Array | number[]): ProtobufField[] {
  return [
    ...protobufFields(Uint8Array.from(bytes), (problem, position) => {
      throw new Error(`${position}: ${problem}`);
    }),
  ];
}

test('writes the examples of the specification', () => {
  expect(hex(written((writer) => writer.integer(1, 150)))).toBe('08 96 01');
  expect(hex(written((writer) => writer.string(2, 'testing')))).toBe('12 07 74 65 73 74 69 6e 67');
  expect(hex(written((writer) => writer.message(3, (inner) => inner.integer(1, 150))))).toBe('1a 03 08 96 01');
  expect(hex(written((writer) => writer.integer(1, -2)))).toBe('08 fe ff ff ff ff ff ff ff ff 01');
  expect(hex(written((writer) => writer.float(2, 1 / 6)))).toBe('15 ab aa 2a 3e');
  expect(hex(written((writer) => writer.string(16, '')))).toBe('82 01 00');
});

test('what is written is read again', () => {
  const field = fc.integer({ min: 1, max: 2 ** 29 - 1 });
  fc.assert(
    fc.property(field, fc.maxSafeInteger(), fc.uint8Array(), fc.float(), (number, integer, bytes, float) => {
      const found = fields(
        written((writer) => {
          writer.integer(number, integer);
          writer.message(number, (inner) => inner.bytes(number, bytes));
          writer.float(number, float);
        }),
      );
      const [first, second, third] = found as [ProtobufField, ProtobufField, ProtobufField];
      expect(found.map((each) => [each.number, each.type])).toEqual([
        [number, 'varint'],
        [number, 'bytes'],
        [number, 'fixed32'],
      ]);
      expect(BigInt.asIntN(64, first.value as bigint)).toBe(BigInt(integer));
      expect(fields(second.value as Uint8Array)).toEqual([{ number, type: 'bytes', value: bytes }]);
      const view = new DataView((third.value as Uint8Array).slice().buffer);
      expect(view.getFloat32(0, true)).toBe(float);
    }),
  );
});

test('what lies outside the bytes or has no meaning is refused', () => {
  expect(() => fields([0x08])).toThrow(/1: an integer is cut off/);
  expect(() => fields([0x08, ...Array(10).fill(0x80), 0])).toThrow(/more than 64 bits/);
  expect(() => fields([0x08, ...Array(9).fill(0xff), 0x02])).toThrow(/more than 64 bits/);
  expect(() => fields([0x12, 0x03, 0x61, 0x62])).toThrow(/a field of 3 bytes begins, but only 2 follow/);
  expect(() => fields([0x12, ...Array(9).fill(0xff), 0x01])).toThrow(/18446744073709551615 bytes begins, but only 0/);
  expect(() => fields([0x15, 0, 0, 0])).toThrow(/a field of 4 bytes/);
  expect(() => fields([0x00, 0x00])).toThrow(/no field number 0/);
  expect(() => fields([0x0b])).toThrow(/wire type 3/);
  expect(fields([0x09, 1, 2, 3, 4, 5, 6, 7, 8])).toMatchObject([{ number: 1, type: 'fixed64' }]);
});

test('more than 2 GiB is refused before it is copied', () => {
  const writer = new ProtobufWriter();
  const half = { byteLength: 2 ** 30 } as Uint8Array;
  writer.bytes(1, half);
  writer.bytes(1, half);
  expect(() => writer.finish()).toThrow(/2147483660 bytes, but its format ends at 2 GiB/);
});
