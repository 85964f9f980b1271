/**
 * PyTorch's file format since version 1.6: a ZIP archive with one folder that holds `data.pkl` (the
 * object), `data/KEY` (a storage each), `version`, and, since 2.1, `byteorder`. Invariant: every storage that
 * the pickle names is an entry of exactly its length.
 * Source: torch/serialization.py (`_save`, `_load`), caffe2/serialize/inline_container.cc.
 */
import { BneckError } from '../base/errors.ts';
import { readPickle } from './pickle.ts';
import type { PickleValue } from './pickle-values.ts';
import { pytorchPickle } from './pytorch-pickle.ts';
import { quote } from './quote.ts';
import { readZipDirectory, type ZipEntry, zipEntryBytes } from './zip-reader.ts';

/** What a file of either format holds. */
export interface PytorchContents {
  readonly format: 'zip' | 'legacy';
  readonly value: PickleValue;
  /** Classes and functions that the pickle names and that mean nothing here. */
  readonly opaqueSources: ReadonlySet<string>;
  /** All bytes of a storage that a tensor of `value` lies in. */
  readonly storageBytes: (key: string) => Uint8Array;
}

export const COPY_AGAIN = 'Copy or download the file again.';
export const SAVE_STATE_DICT = 'Save it again in Python with torch.save(model.state_dict(), path).';
const MAX_SMALL_ENTRY_BYTES = 64;

/** The folder of the archive: the name of the file without its ending, or `archive` where it was saved to memory. */
function findFolder(entries: ReadonlyMap<string, ZipEntry>, name: string): string {
  const folders = [...entries.keys()].filter((entry) => /^[^/]+\/data\.pkl$/.test(entry));
  if (folders.length !== 1) {
    const found = folders.length === 0 ? 'no FOLDER/data.pkl' : `${folders.length} data.pkl`;
    throw new BneckError(
      'file',
      `${name}: a ZIP archive with ${found}, so not a file of torch.save. Give a .pth file.`,
    );
  }
  const folder = (folders[0] as string).slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    const remedy = 'Save the weights in Python with torch.save(torch.jit.load(path).state_dict(), other).';
    throw new BneckError('unsupported', `${name}: a TorchScript program, not a file of weights. ${remedy}`);
  }
  return folder;
}

/**
 * Reads a file that begins as a ZIP archive does.
 * @throws BneckError `file` or `unsupported`
 */
export function readPytorchArchive(bytes: Uint8Array, name: string): PytorchContents {
  const fail = (problem: string): never => {
    throw new BneckError('file', `${name}: the ZIP archive is damaged: ${problem}. ${COPY_AGAIN}`);
  };
  const entries = readZipDirectory(bytes, fail);
  const folder = findFolder(entries, name);
  for (const entry of entries.values()) {
    if (entry.isStored) continue;
    const problem = `entry ${quote(entry.name)} is compressed or encrypted, which torch.save never does`;
    throw new BneckError('unsupported', `${name}: ${problem}. ${SAVE_STATE_DICT}`);
  }
  const smallText = (entry: string): string | undefined => {
    const found = entries.get(folder + entry);
    if (found === undefined) return undefined;
    if (found.endBytes - found.beginBytes > MAX_SMALL_ENTRY_BYTES) return fail(`entry ${quote(entry)} is too long`);
    return String.fromCharCode(...zipEntryBytes(bytes, found, fail)).trim();
  };
  const version = smallText('version');
  // PyTorch reads 1 to 10 and has written 2 and 3.
  if (version === undefined || !/^([1-9]|10)$/.test(version)) {
    const found = version === undefined ? 'no version' : `version ${quote(version)}`;
    throw new BneckError('unsupported', `${name}: ${found} where PyTorch writes 1 to 10. ${SAVE_STATE_DICT}`);
  }
  const byteOrder = smallText('byteorder') ?? 'little';
  if (byteOrder !== 'little') {
    const problem = `its byte order is ${quote(byteOrder)}, and only little-endian files are read`;
    throw new BneckError('unsupported', `${name}: ${problem}. Save it again on another machine.`);
  }

  const pickle = zipEntryBytes(bytes, entries.get(`${folder}data.pkl`) as ZipEntry, fail);
  const { hooks, opaqueSources } = pytorchPickle(
    ({ key, byteLength }, failHere) => {
      const entry = entries.get(`${folder}data/${key}`);
      if (entry === undefined) return failHere(`storage ${quote(key)} is not in the archive`);
      const found = entry.endBytes - entry.beginBytes;
      if (found !== byteLength) failHere(`storage ${quote(key)} should have ${byteLength} bytes and has ${found}`);
    },
    (problem, position) => {
      throw new BneckError('file', `${name}: data.pkl at byte ${position}: ${problem}. ${SAVE_STATE_DICT}`);
    },
  );
  const { value, endBytes } = readPickle(pickle, 0, hooks);
  if (endBytes !== pickle.length) fail(`${pickle.length - endBytes} bytes follow the pickle in data.pkl`);
  const verified = new Map<string, Uint8Array>();
  const storageBytes = (key: string): Uint8Array => {
    const known = verified.get(key);
    if (known !== undefined) return known;
    const data = zipEntryBytes(bytes, entries.get(`${folder}data/${key}`) as ZipEntry, fail);
    verified.set(key, data);
    return data;
  };
  return { format: 'zip', value, opaqueSources, storageBytes };
}
