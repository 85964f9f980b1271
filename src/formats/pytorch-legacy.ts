/**
 * PyTorch's file format before version 1.6: five pickles one after another (a magic number, the
 * protocol, the writer's machine, the object, the storages' keys), then each storage as a 64-bit count of
 * elements and the elements, little-endian. Invariant: the storages are those that the object names, of
 * the lengths it names, and end where the file ends.
 * Source: torch/serialization.py (`_legacy_save`, `_legacy_load`).
 */
import { BneckError } from '../base/errors.ts';
import { readPickle } from './pickle.ts';
import { kindOf, type PickleValue } from './pickle-values.ts';
import { COPY_AGAIN, type PytorchContents, SAVE_STATE_DICT } from './pytorch-archive.ts';
import { pytorchPickle } from './pytorch-pickle.ts';
import type { PytorchStorage } from './pytorch-tensor.ts';
import { quote } from './quote.ts';

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
const COUNT_BYTES = 8;

/** The pickles that begin a file, in the five protocols that can write its magic number. */
export function looksLikePickle(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  return (first === 0x80 && second !== undefined && second >= 2 && second <= 5) || first === 0x4c;
}

/** Where each storage's elements lie, from the list of keys at `begin` on. */
function locateStorages(
  bytes: Uint8Array,
  begin: number,
  keys: PickleValue,
  declared: ReadonlyMap<string, PytorchStorage>,
  fail: (problem: string) => never,
): Map<string, Uint8Array> {
  const storages = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!Array.isArray(keys)) return fail(`the storages' keys are ${kindOf(keys)}, not a list`);
  let position = begin;
  for (const key of keys as PickleValue[]) {
    const wanted = typeof key === 'string' ? declared.get(key) : undefined;
    if (typeof key !== 'string' || wanted === undefined) return fail('it holds a storage that no tensor lies in');
    const storage = `storage ${quote(key)}`;
    if (storages.has(key)) fail(`${storage} occurs twice`);
    if (position + COUNT_BYTES > bytes.length) fail(`the file is cut off before ${storage}`);
    const count = view.getUint32(position + 4, true) * 2 ** 32 + view.getUint32(position, true);
    position += COUNT_BYTES;
    if (count !== wanted.count) fail(`${storage} should have ${wanted.count} elements and has ${count}`);
    const { byteLength } = wanted;
    if (position + byteLength > bytes.length) fail(`the file is cut off in ${storage}`);
    storages.set(key, bytes.subarray(position, position + byteLength));
    position += byteLength;
  }
  if (position !== bytes.length) fail(`${bytes.length - position} bytes follow the last storage`);
  if (storages.size !== declared.size) fail(`${declared.size - storages.size} storages are missing at the end`);
  return storages;
}

function checkSystem(system: PickleValue, name: string): void {
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    const problem = 'it was not written on a little-endian machine';
    throw new BneckError('unsupported', `${name}: ${problem}. Load and save it again with a newer PyTorch.`);
  }
}

/**
 * Reads a file that begins as a pickle does.
 * @throws BneckError `file` or `unsupported`
 */
export function readPytorchLegacy(bytes: Uint8Array, name: string): PytorchContents {
  const declared = new Map<string, PytorchStorage>();
  const { hooks, opaqueSources } = pytorchPickle(
    (storage, fail) => {
      const first = declared.get(storage.key) ?? storage;
      if (first.byteLength !== storage.byteLength) {
        const found = `${first.byteLength} bytes in one place and ${storage.byteLength} in another`;
        fail(`storage ${quote(storage.key)} has ${found}`);
      }
      declared.set(storage.key, first);
    },
    (problem, position) => {
      throw new BneckError('file', `${name}: the pickle at byte ${position}: ${problem}. ${SAVE_STATE_DICT}`);
    },
  );
  const fail = (problem: string): never => {
    throw new BneckError('file', `${name}: ${problem}. ${COPY_AGAIN}`);
  };
  let position = 0;
  const next = (): PickleValue => {
    const { value, endBytes } = readPickle(bytes, position, hooks);
    position = endBytes;
    return value;
  };
  if (next() !== MAGIC_NUMBER) {
    const problem = 'a Python pickle, but not one that torch.save wrote';
    throw new BneckError('file', `${name}: ${problem}. ${SAVE_STATE_DICT}`);
  }
  if (next() !== PROTOCOL_VERSION) fail(`its protocol is not ${PROTOCOL_VERSION}`);
  checkSystem(next(), name);
  const value = next();
  const keys = next();
  const storages = locateStorages(bytes, position, keys, declared, fail);
  return { format: 'legacy', value, opaqueSources, storageBytes: (key) => storages.get(key) as Uint8Array };
}
