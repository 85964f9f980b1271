/**
 * Builds .pth files byte by byte for the hostile tests: pieces of pickle as Latin-1 text, with opcodes by
 * their letters, and both of PyTorch's formats around them. Nothing is checked, so anything can be built.
 */
import { expect } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { readPytorch } from '../../src/formats/pytorch.ts';
import { writeZip, type ZipContent } from '../../src/formats/zip-writer.ts';
import { expectQuick } from './expect-little.ts';

/** A file, and what the message must say of it. */
export type Crafted = readonly [title: string, bytes: Uint8Array, message: RegExp];

// Bytes are written as Latin-1 text, opcodes by their letters.
export const raw = (latin1: string) => new Uint8Array(Buffer.from(latin1, 'latin1'));
export const little = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => String.fromCharCode(Math.floor(value / 2 ** (8 * i)) % 256)).join('');
export const text = (latin1: string) => `X${little(latin1.length, 4)}${latin1}`;
/** Negative numbers down to -2^31, natural ones up to 2^63. */
export const int = (value: number) => (value < 2 ** 31 ? `J${little(value >>> 0, 4)}` : `\x8a\x08${little(value, 8)}`);
export const tuple = (...items: string[]) => `(${items.join('')}t`;
export const ints = (...values: number[]) => tuple(...values.map(int));
export const global = (module: string, name: string) => `c${module}\n${name}\n`;
export const dict = (...items: string[]) => `}(${items.join('')}u`;
export const storage = (count: number, key = text('0'), type = global('torch', 'FloatStorage')) =>
  `${tuple(text('storage'), type, key, text('cpu'), int(count))}Q`;
export const REBUILD = global('torch._utils', '_rebuild_tensor_v2');
export const NO_HOOKS = `${global('collections', 'OrderedDict')})R`;
export const tensor = (of: string, offset: string, shape: string, strides: string) =>
  `${REBUILD}${tuple(of, offset, shape, strides, '\x89', NO_HOOKS)}R`;
export const view = (count: number, offset: number, shape: number[], strides: number[]) =>
  tensor(storage(count), int(offset), ints(...shape), ints(...strides));
/** Two numbers, 1 and 2, in storage 0. */
export const W = view(2, 0, [2], [1]);
export const TWO = raw('\0\0\x80?\0\0\0@');

/** An archive as torch.save makes it, around a pickle without PROTO and STOP. */
export function zip(pickle: string, more: ZipContent[] = [{ name: 'a/data/0', data: TWO }]): Uint8Array {
  const pkl = { name: 'a/data.pkl', data: raw(`\x80\x02${pickle}.`) };
  return writeZip([pkl, { name: 'a/version', data: raw('3\n') }, ...more], 64);
}

export const MAGIC = '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.';
export const SYSTEM = `\x80\x02${dict(text('little_endian'), '\x88')}.`;
/** The same for the old format, whose storages may be parts of others. */
export const W_LEGACY = W.replace('tQ', 'NtQ');
/** A file of before 1.6; `tail` is everything after the object's pickle. */
export function legacy(pickle: string, tail: string, head = `${MAGIC}\x80\x02M\xe9\x03.${SYSTEM}`): Uint8Array {
  return raw(`${head}\x80\x02${pickle}.${tail}`);
}
/** What follows the object in the old format: the storages' keys, then storage 0. */
export const KEYS = `\x80\x02](${text('0')}e.`;
export const DATA = `${little(2, 8)}\0\0\x80?\0\0\0@`;

/** Reads a crafted file, which must be refused within two seconds, by a message of three parts. */
export function expectRefused(bytes: Uint8Array, message: RegExp): void {
  let thrown: unknown;
  try {
    expectQuick(() => readPytorch(bytes, 'crafted.pth'));
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(BneckError);
  const error = thrown as BneckError;
  expect(['file', 'unsupported']).toContain(error.code);
  expect(error.message).toMatch(message);
  expect(error.message).toMatch(/^crafted\.pth: [^\n]*\. [A-Z].*\.$/); // the file, the trouble, the remedy
  expect(error.message.length).toBeLessThan(600);
}
