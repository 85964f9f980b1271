/**
 * safetensors files made to do harm, and damaged ones. Each must be refused with a BneckError that
 * names the file and the trouble, quickly and without memory taken by a number from the file.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import type { Tensor } from '../../src/base/tensor.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { expectQuick } from './expect-little.ts';

type Crafted = readonly [title: string, bytes: Uint8Array, message: RegExp];

const text = (string: string) => new TextEncoder().encode(string);

/** A file with any header bytes, any data, and any claim of the header's length. */
function file(header: string | Uint8Array, dataBytes = 0, claim?: bigint): Uint8Array {
  const headerBytes = typeof header === 'string' ? text(header) : header;
  const bytes = new Uint8Array(8 + headerBytes.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claim ?? BigInt(headerBytes.length), true);
  bytes.set(headerBytes, 8);
  return bytes;
}

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
const one = (dtype: string, shape: string, offsets: string) => `{"t":${entry(dtype, shape, offsets)}}`;
/** Tensors `a` and `b` of bytes, each as long as its offsets say. */
const bytesFrom = (begin: number, end: number) => entry('"U8"', `[${end - begin}]`, `[${begin},${end}]`);
const two = (a: [number, number], b: [number, number]) => `{"a":${bytesFrom(...a)},"b":${bytesFrom(...b)}}`;
const good = one('"F32"', '[1]', '[0,4]');

const LENGTHS: Crafted[] = [
  ['nothing', new Uint8Array(0), /0 bytes are too few/],
  ['seven bytes', new Uint8Array(7), /7 bytes are too few/],
  ['no header', new Uint8Array(8), /does not begin with a brace/],
  ['a header longer than the file', file('{}', 0, 3n), /3 bytes long but only 2 follow/],
  ['a header of 101 MB', file('{}', 0, 101_000_000n), /more than any safetensors file/],
  ['a header of 2^53 bytes', file('{}', 0, 2n ** 53n), /more than any/],
  ['a header of 2^64 - 1 bytes', file('{}', 0, 2n ** 64n - 1n), /more than any/],
  ['a header of 2^32 + 2 bytes, 2 in 32 bits', file('{}', 0, 2n ** 32n + 2n), /more than any/],
  ['a header cut in the text', file(good, 4, 20n), /damaged at character/],
  ['a claim that takes in the data', file(good, 4, BigInt(good.length + 4)), /after the closing brace/],
];

const OTHER_KINDS: Crafted[] = [
  ['a zip', text('PK\x03\x04\x14\x00\x00\x00\x08\x08archive/data.pkl'), /a zip archive, as PyTorch/],
  ['a pickle', Uint8Array.of(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9), /pickle/],
  ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/],
  ['a web page', text('<!DOCTYPE html><html></html>'), /a web page/],
  ['an HDF5 file', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0), /Keras/],
];

const JSON_TEXTS: Crafted[] = [
  ['an array', file('[]'), /begin with a brace/],
  ['a byte order mark', file('\ufeff{}'), /begin with a brace/],
  ['leading space', file(' {}'), /begin with a brace/],
  ['text that is not UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /not UTF-8/],
  ['an overlong encoding', file(Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d)), /not UTF-8/],
  ['a trailing comma', file(`{"t":${entry('"F32"', '[1]', '[0,4]')},}`, 4), /expected a key/],
  ['a second document', file(`${good}{}`, 4), /after the closing brace/],
  ['padding with zeros', file(`${good}\0\0`, 4), /after the closing brace/],
  ['no closing brace', file('{"a":{'), /expected a key/],
  ['an unquoted key', file('{a:1}'), /expected a key/],
  ['single quotes', file("{'a':1}"), /expected a key/],
  ['a comment', file('{/**/}'), /expected a key/],
  ['no colon', file('{"a" {}}'), /expected a colon/],
  ['an open string', file('{"a'), /closing quote/],
  ['a string open after a backslash', file('{"a\\'), /closing quote/],
  ['a line feed in a string', file('{"a\n":{}}'), /control character/],
  ['an unknown escape', file('{"\\x41":{}}'), /unknown escape/],
  ['half a surrogate pair', file(`{"\\ud800":${entry('"F32"', '[1]', '[0,4]')}}`, 4), /surrogate/],
  ['the same tensor twice', file(`{"t":${entry('"F32"', '[1]', '[0,4]')},${good.slice(1)}`, 4), /"t" occurs twice/],
  ['the same tensor twice, one escaped', file(`{"\\u0074":{},${good.slice(1)}`, 4), /"t" occurs twice/],
  ['two metadata', file('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" occurs twice/],
  ['a metadata key twice', file('{"__metadata__":{"a":"1","a":"2"}}'), /"a" occurs twice/],
  ['two dtypes', file('{"t":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /occurs twice/],
  ['arrays in arrays', file(`{"t":${'['.repeat(100_000)}`), /nested more than 8 deep/],
  ['objects in objects', file('{"t":'.repeat(100_000)), /nested more than 8 deep/],
  ['null', file('{"t":null}'), /expected an object/],
  ['true', file('{"t":true}'), /expected an object/],
];

const TENSORS: Crafted[] = [
  ['a tensor that is a number', file('{"t":7}'), /is not an object/],
  [
    'a tensor named __proto__ that is a string',
    file('{"__proto__":"x"}'),
    /"__proto__" in the header is not an object/,
  ],
  ['no dtype', file('{"t":{"shape":[1],"data_offsets":[0,4]}}', 4), /no dtype/],
  ['a dtype that is a number', file(one('7', '[1]', '[0,4]'), 4), /no dtype/],
  ['an unknown dtype', file(one('"F8_E4M3"', '[4]', '[0,4]'), 4), /dtype "F8_E4M3"\. Convert it/],
  ['a dtype of the prototype', file(one('"constructor"', '[4]', '[0,4]'), 4), /dtype "constructor"/],
  ['a dtype in small letters', file(one('"f32"', '[1]', '[0,4]'), 4), /dtype "f32"/],
  ['no shape', file('{"t":{"dtype":"F32","data_offsets":[0,4]}}', 4), /no shape/],
  ['a shape that is a number', file(one('"F32"', '1', '[0,4]'), 4), /no shape/],
  ['a shape of text', file(one('"F32"', '["1"]', '[0,4]'), 4), /no shape/],
  ['a negative size', file(one('"F32"', '[-1]', '[0,4]'), 4), /non-negative/],
  ['a fraction', file(one('"F32"', '[1.0]', '[0,4]'), 4), /"1\.0" is not an integer/],
  ['an exponent', file(one('"F32"', '[1e0]', '[0,4]'), 4), /"1e0" is not an integer/],
  ['a leading zero', file(one('"F32"', '[01]', '[0,4]'), 4), /"01" is not an integer/],
  ['a size of 2^53', file(one('"F32"', '[9007199254740992]', '[0,4]'), 4), /is not an integer between/],
  ['a size of a million digits', file(one('"F32"', `[${'9'.repeat(1e6)}]`, '[0,4]'), 4), /is not an integer between/],
  ['sizes whose product is 2^64 + 1 in small', file(one('"U8"', '[4294967296,4294967296]', '[0,0]')), /has 0 bytes/],
  ['a product that overflows before a zero', file(one('"U8"', '[4294967296,4294967296,0]', '[0,0]')), /has 0 bytes/],
  ['bytes past 2^53', file(one('"F64"', '[9007199254740991]', '[0,8]'), 8), /has 8 bytes/],
  ['65 dimensions', file(one('"U8"', `[${Array(65).fill(1)}]`, '[0,1]'), 1), /65 dimensions/],
  ['one byte short for its shape', file(one('"F32"', '[1]', '[0,3]'), 3), /has 3 bytes/],
  ['no offsets', file('{"t":{"dtype":"F32","shape":[1]}}', 4), /no data_offsets/],
  ['one offset', file(one('"F32"', '[1]', '[4]'), 4), /no data_offsets/],
  ['three offsets', file(one('"F32"', '[1]', '[0,4,4]'), 4), /no data_offsets/],
  ['an end before the begin', file(one('"F32"', '[1]', '[4,0]'), 4), /ends \(0\) before it begins \(4\)/],
  ['an end past the file', file(one('"F32"', '[1]', '[0,4]'), 3), /cut off/],
  ['an end far past the file', file(one('"U8"', '[9007199254740991]', '[0,9007199254740991]')), /cut off/],
  ['an unknown key', file('{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}', 1), /unknown key "x"/],
];

const COVER: Crafted[] = [
  ['two tensors in one place', file(two([0, 4], [0, 4]), 4), /"b" overlaps/],
  ['tensors that overlap by a byte', file(two([0, 4], [3, 8]), 8), /"b" overlaps/],
  ['a tensor inside another', file(two([0, 8], [2, 4]), 8), /"b" overlaps/],
  ['an empty tensor inside another', file(two([0, 8], [2, 2]), 8), /"b" overlaps/],
  ['a hole at the start', file(two([1, 4], [4, 8]), 8), /1 bytes before tensor "a"/],
  ['a hole in the middle', file(two([0, 4], [6, 8]), 8), /2 bytes before tensor "b"/],
  ['bytes at the end', file(two([0, 4], [4, 8]), 9), /last 1 bytes/],
  ['data without tensors', file('{}', 5), /last 5 bytes/],
  ['an empty tensor out of the way', file(two([0, 4], [6, 6]), 8), /2 bytes before/],
];

const METADATA: Crafted[] = [
  ['metadata that is text', file('{"__metadata__":"x"}'), /__metadata__ is not an object/],
  ['metadata that is an array', file('{"__metadata__":[]}'), /__metadata__ is not an object/],
  ['a number in the metadata', file('{"__metadata__":{"a":1}}'), /metadata "a" is not a string/],
  ['an object in __proto__', file('{"__metadata__":{"__proto__":{"x":"y"}}}'), /"__proto__" is not a string/],
];

test.each([...LENGTHS, ...OTHER_KINDS, ...JSON_TEXTS, ...TENSORS, ...COVER, ...METADATA])('%s', (_, bytes, message) => {
  let thrown: unknown;
  try {
    readSafetensors(bytes, 'crafted.safetensors');
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(BneckError);
  const error = thrown as BneckError;
  expect(error.code).toBe('file');
  expect(error.message).toMatch(message);
  expect(error.message).toMatch(/^crafted\.safetensors: .*\. [A-Z].*\.$/); // the file, the trouble, the remedy
  expect(error.message.length).toBeLessThan(500);
});

test('an error message cannot steer the terminal', () => {
  const name = `\\u001b[2J\u009b31m\u202e${'long'.repeat(1000)}`;
  const bytes = file(`{"${name}":7}`);
  expect(() => readSafetensors(bytes, 'x')).toThrow(/"\\u001b\[2J\\u009b31m\\u202elonglong[long]*\.\.\."/);
});

/** Reads bytes that may be anything: a sound file or a BneckError, within two seconds. */
function readAnything(bytes: Uint8Array): 'read' | 'refused' {
  try {
    expectQuick(() => {
      const { tensors, metadata } = readSafetensors(bytes, 'anything');
      for (const { shape, data } of tensors.values()) {
        expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
      }
      const again = readSafetensors(writeSafetensors(tensors, metadata), 'again');
      expect([...again.tensors.keys()]).toEqual([...tensors.keys()]);
    });
    return 'read';
  } catch (error) {
    if (!(error instanceof BneckError)) throw error;
    return 'refused';
  }
}

const VALID = writeSafetensors(
  new Map<string, Tensor>([
    ['features.0.weight', { dtype: 'float32', shape: [2, 1, 1, 3], data: Float32Array.of(1, 2, 3, -4, 5e-40, NaN) }],
    ['features.0.steps', { dtype: 'int64', shape: [], data: BigInt64Array.of(12345678901234n) }],
    ['none', { dtype: 'float32', shape: [3, 0], data: new Float32Array(0) }],
  ]),
  { 'bneck.version': '0.1.0', classes: '["cat","dog","\u00e9"]' },
);

test('every single flipped bit gives a sound file or a BneckError', () => {
  let refused = 0;
  for (let bit = 0; bit < VALID.length * 8; bit++) {
    const bytes = VALID.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    if (readAnything(bytes) === 'refused') refused += 1;
  }
  expect(refused).toBeGreaterThan(VALID.length); // the structure is checked, not only the data passed on
});

test('every prefix of a file is refused', () => {
  for (let length = 0; length < VALID.length; length++) {
    expect(readAnything(VALID.subarray(0, length))).toBe('refused');
  }
});

test('several changes at once give a sound file or a BneckError', () => {
  const change = fc.record({ at: fc.nat(VALID.length - 1), value: fc.nat(255), insert: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = [...VALID];
      for (const { at, value, insert } of changes) bytes.splice(at, insert ? 0 : 1, value);
      readAnything(Uint8Array.from(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('headers put together from the pieces of a valid one give a sound file or a BneckError', () => {
  const words =
    '{ } [ ] , : "t" "u" "dtype" "F32" "U8" "shape" "data_offsets" "__metadata__" "__proto__" 0 1 4 8'.split(' ');
  const header = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => `{${parts.join('')}`);
  fc.assert(
    fc.property(header, fc.nat(12), (parts, dataBytes) => {
      readAnything(file(parts, dataBytes));
    }),
    { numRuns: 2000 },
  );
});

test('a header of 40 MB is refused within seconds', { timeout: 60_000 }, () => {
  const size = 40_000_000;
  for (const header of [`{"t":[${'0,'.repeat(size / 2)}`, `{"${'\\n'.repeat(size / 2)}":7}`, `{${' '.repeat(size)}`]) {
    expect(() => expectQuick(() => readSafetensors(file(header), 'large'), 5000)).toThrow(BneckError);
  }
});
