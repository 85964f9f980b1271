import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import type { StateDict, Tensor } from '../base/tensor.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A file around any header text. */
function file(header: string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** One tensor `t` of a dtype, read. */
function readAs(dtype: string, data: Uint8Array, shape: number[]): Tensor {
  const header = { t: { dtype, shape, data_offsets: [0, data.length] } };
  return readSafetensors(file(JSON.stringify(header), data), 'test').tensors.get('t') as Tensor;
}

/** The bits of the numbers, for NaNs are not equal otherwise. */
function bits(tensor: Tensor): number[] {
  return [...new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)];
}

function expectSame(found: StateDict, wanted: StateDict): void {
  expect([...found.keys()]).toEqual([...wanted.keys()]);
  for (const [name, tensor] of wanted) {
    const other = found.get(name) as Tensor;
    expect(other.dtype).toBe(tensor.dtype);
    expect(other.shape).toEqual(tensor.shape);
    expect(bits(other)).toEqual(bits(tensor));
  }
}

const float32 = (shape: number[], values: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

test('writes these bytes', () => {
  const tensors: StateDict = new Map([
    ['w', float32([1, 2], [1, -2])],
    ['n', { dtype: 'int64', shape: [], data: BigInt64Array.of(-1n) } as Tensor],
  ]);
  const header =
    '{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},' +
    '"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}';
  const padded = header.padEnd(136);
  const expected = [
    ...hexBytes('88 00 00 00 00 00 00 00'),
    ...new TextEncoder().encode(padded),
    ...hexBytes('ff ff ff ff ff ff ff ff  00 00 80 3f  00 00 00 c0'),
  ];
  const bytes = writeSafetensors(tensors, { k: 'v' });
  expect([...bytes]).toEqual(expected);
  const back = readSafetensors(bytes, 'golden');
  expectSame(back.tensors, tensors);
  expect({ ...back.metadata }).toEqual({ k: 'v' });
});

test('an empty model, scalars, empty tensors and names that look like numbers keep their order', () => {
  expect(readSafetensors(writeSafetensors(new Map(), {}), 'empty').tensors.size).toBe(0);
  const tensors: StateDict = new Map([
    ['10', float32([], [3])],
    ['2', float32([0, 5], [])],
    ['__proto__', float32([1], [Number.NaN])],
    ['constructor', float32([2, 0], [])],
    ['1', float32([3], [0, -0, Number.POSITIVE_INFINITY])],
    ['', float32([1], [1e-45])],
    ['"\\\n\u2028é😀', float32([1], [5])],
  ]);
  expectSame(readSafetensors(writeSafetensors(tensors), 'odd').tensors, tensors);
});

test('metadata has no prototype, so its keys mean nothing', () => {
  const metadata = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c","é":"\\u0000\\n😀"}');
  const found = readSafetensors(writeSafetensors(new Map(), metadata), 'test').metadata;
  expect(Object.getPrototypeOf(found)).toBe(null);
  expect(Object.entries(found)).toEqual(Object.entries(metadata));
  expect(({} as Record<string, unknown>).a).toBe(undefined);
});

test('every half is widened exactly', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, index) => index);
  const wide = readAs('F16', new Uint8Array(halves.buffer), [65536]).data;
  const exact = (half: number): number => {
    const sign = half >= 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const mantissa = half & 1023;
    if (exponent === 31) return mantissa > 0 ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
  };
  expect(halves.findIndex((half) => !Object.is(wide[half], exact(half)))).toBe(-1);

  const brain = readAs('BF16', new Uint8Array(halves.buffer), [65536]);
  const words = new Uint32Array(brain.data.buffer);
  expect(halves.findIndex((half) => words[half] !== half * 65536)).toBe(-1);
});

test('the other types become float32 or int64', () => {
  const read = (dtype: string, array: ArrayBufferView, count: number) => {
    const tensor = readAs(dtype, new Uint8Array(array.buffer, array.byteOffset, array.byteLength), [count]);
    return [tensor.dtype, [...tensor.data].map(Number)];
  };
  const third = Math.fround(1 / 3);
  expect(read('F64', Float64Array.of(1 / 3, 1e-60, -2, Number.NEGATIVE_INFINITY), 4)).toEqual([
    'float32',
    [third, 0, -2, Number.NEGATIVE_INFINITY],
  ]);
  expect(read('I32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1, -1), 3)).toEqual(['int64', [-(2 ** 31), 2 ** 31 - 1, -1]]);
  expect(read('U32', Uint32Array.of(2 ** 32 - 1, 7), 2)).toEqual(['int64', [2 ** 32 - 1, 7]]);
  expect(read('I16', Int16Array.of(-32768, 32767), 2)).toEqual(['int64', [-32768, 32767]]);
  expect(read('U16', Uint16Array.of(65535), 1)).toEqual(['int64', [65535]]);
  expect(read('I8', Int8Array.of(-128, 127), 2)).toEqual(['int64', [-128, 127]]);
  expect(read('U8', Uint8Array.of(255, 0), 2)).toEqual(['int64', [255, 0]]);
  expect(read('BOOL', Uint8Array.of(1, 0), 2)).toEqual(['int64', [1, 0]]);
  expect(read('I64', BigInt64Array.of(-5n, 2n ** 40n), 2)).toEqual(['int64', [-5, 2 ** 40]]);
  expect(() => read('F64', Float64Array.of(0, 1e39), 2)).toThrow(/element 1 is 1e\+39, too large for float32/);
  expect(() => read('BOOL', Uint8Array.of(0, 1, 2), 3)).toThrow(/element 2 is 2/);
});

test('data at odd addresses, in a Buffer inside a larger one, is copied out', () => {
  const header =
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}} ';
  const whole = file(header, hexBytes('07 0000803f'));
  for (const offset of [0, 1, 2, 3]) {
    const buffer = Buffer.alloc(whole.length + 8, 0xee);
    buffer.set(whole, offset);
    const { tensors } = readSafetensors(buffer.subarray(offset, offset + whole.length), 'test');
    buffer.fill(0xff);
    expect([...(tensors.get('b') as Tensor).data]).toEqual([1]);
    expect((tensors.get('b') as Tensor).data.buffer.byteLength).toBe(4);
  }
});

test('white space, other key orders and another order of the data are read', () => {
  const header = `{ "b" :\t{"data_offsets":[4,8],\n"shape":[ 1 ],"dtype":"F32"} ,
    "\\u0061":{"dtype":"F32","data_offsets":[0,4],"shape":[]}, "z":{"dtype":"F32","data_offsets":[4,4],"shape":[0]} }  `;
  const { tensors } = readSafetensors(file(header, hexBytes('0000803f 00000040')), 'test');
  expect([...tensors].map(([name, { data }]) => [name, [...data].map(Number)])).toEqual([
    ['b', [2]],
    ['a', [1]],
    ['z', []],
  ]);
});

test('what the format cannot hold is not written', () => {
  const write = (name: string, tensor: Tensor, metadata = {}) => writeSafetensors(new Map([[name, tensor]]), metadata);
  const one = float32([1], [1]);
  expect(() => write('__metadata__', one)).toThrow(/Rename it/);
  expect(() => write('t', float32([2], [1]))).toThrow(/1 elements for shape 2/);
  expect(() => write('t', float32([-1, -1], [1]))).toThrow(BneckError);
  expect(() => write('t', float32([0.5, 2], [1]))).toThrow(BneckError);
  expect(() => write('t', float32(Array(65).fill(1), [1]))).toThrow(/more than 64 dimensions/);
  expect(() => write('t', { ...one, dtype: 'int64' })).toThrow(/another type/);
  expect(() => write('\ud800', one)).toThrow(/half a surrogate pair/);
  expect(() => write('t', one, { key: 7 })).toThrow(/"key" is not a string/);
});

const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constant('__proto__'));
const anyShape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const anyTensor: fc.Arbitrary<Tensor> = fc.tuple(anyShape, fc.boolean()).chain(([shape, isFloat]) => {
  const count = shape.reduce((product, size) => product * size, 1);
  const size = { minLength: count, maxLength: count };
  return isFloat
    ? fc.float32Array(size).map((data): Tensor => ({ dtype: 'float32', shape, data }))
    : fc.bigInt64Array(size).map((data): Tensor => ({ dtype: 'int64', shape, data }));
});
const anyName = anyText.filter((name) => name !== '__metadata__' && name.isWellFormed());

test('what is written and read again is the same', () => {
  const model = fc.tuple(
    fc.uniqueArray(fc.tuple(anyName, anyTensor), { selector: ([name]) => name, maxLength: 8 }),
    fc.dictionary(
      anyText.filter((text) => text.isWellFormed()),
      anyText.filter((text) => text.isWellFormed()),
      { maxKeys: 4 },
    ),
  );
  fc.assert(
    fc.property(model, ([entries, metadata]) => {
      const tensors: StateDict = new Map(entries);
      const bytes = writeSafetensors(tensors, metadata);
      const header = new DataView(bytes.buffer).getUint32(0, true);
      expect(header % 8).toBe(0);
      const back = readSafetensors(bytes, 'property');
      expectSame(back.tensors, tensors);
      expect(Object.entries(back.metadata)).toEqual(Object.entries(metadata));
      expect(writeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
    }),
    { numRuns: 300 },
  );
});
