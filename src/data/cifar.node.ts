/**
 * CIFAR-10 and CIFAR-100 on disk, binary version: the files of a folder by their usual names. Invariant: a file's
 * size is judged before it is read.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { type CifarKind, cifarRecordBytes, parseCifar } from './cifar.ts';
import { labelsIn } from './class-names.ts';
import { readClassesFile } from './classes-file.node.ts';
import { byCodePoints } from './code-point-order.ts';
import type { DataOptions, FoundData } from './found-data.ts';
import { numberedClasses, type StoredPictures, storedDataset } from './stored-pictures.ts';

/** 50,000 pictures take 154 MB. */
const LIMIT_BYTES = 2 ** 30;

interface CifarFiles {
  readonly kind: CifarKind;
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** of a name a class */
  readonly names: string | undefined;
}

/** Data of their Python version are pickles, which a program may only read by running them. */
function refusePython(folder: string, names: readonly string[]): void {
  const ten = names.some((name) => /^data_batch_\d+$/.test(name));
  const hundred = ['meta', 'train', 'test'].every((name) => names.includes(name));
  if (!ten && !hundred) return;
  throw new BneckError('unsupported', `${folder}: is the Python version of CIFAR; get the binary version of it`);
}

async function cifarFiles(folder: string, names: readonly string[]): Promise<CifarFiles | null> {
  refusePython(folder, names);
  const named = (pattern: RegExp) => names.filter((name) => pattern.test(name)).sort(byCodePoints);
  const ten = { train: named(/^data_batch_\d+\.bin$/), test: named(/^test_batch\.bin$/) };
  if (ten.train.length + ten.test.length > 0) {
    return { kind: 'cifar-10', ...ten, names: names.find((name) => name === 'batches.meta.txt') };
  }
  const hundred = { train: named(/^train\.bin$/), test: named(/^test\.bin$/) };
  const [first] = [...hundred.train, ...hundred.test];
  if (first === undefined) return null;
  const fineNames = names.find((name) => name === 'fine_label_names.txt');
  // Without its names, only the size of so common a file name tells what it is.
  if (fineNames === undefined) {
    const { size } = await stat(join(folder, first));
    if (size === 0 || size % cifarRecordBytes('cifar-100') !== 0) return null;
  }
  return { kind: 'cifar-100', ...hundred, names: fineNames };
}

async function load(kind: CifarKind, folder: string, names: readonly string[]): Promise<StoredPictures | undefined> {
  if (names.length === 0) return undefined;
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > LIMIT_BYTES) {
    throw new BneckError('file', `${folder}: ${total} bytes are more than the ${LIMIT_BYTES} allowed for CIFAR files`);
  }
  const read = async (name: string) => ({ name, bytes: new Uint8Array(await readFile(join(folder, name))) });
  return parseCifar(kind, await Promise.all(names.map(read)));
}

/**
 * The CIFAR files of a folder: `data_batch_*.bin` and `test_batch.bin`, or `train.bin` and `test.bin` with their fine
 * labels. Class names come from the file beside them; without it the classes are numbered.
 * Null if the folder holds no such files.
 * @param names the files in the folder
 * @throws BneckError 'file' or 'data' for files that are damaged or whose labels have no names
 */
export async function findCifar(
  folder: string,
  names: readonly string[],
  options: DataOptions = {},
): Promise<FoundData | null> {
  const files = await cifarFiles(folder, names);
  if (files === null) return null;
  const { kind } = files;
  const [train, test] = [await load(kind, folder, files.train), await load(kind, folder, files.test)];
  const own = files.names === undefined ? undefined : await readClassesFile(join(folder, files.names));
  const stored = [train, test].filter((part) => part !== undefined);
  const numbers = stored.map((part) => part.numbers);
  const classes = own === undefined ? numberedClasses(folder, numbers, options) : (options.classes ?? own);
  const labels = own === undefined ? undefined : labelsIn(folder, own, classes);
  const parts = {
    ...(train && { train: storedDataset(train, classes, labels) }),
    ...(test && { test: storedDataset(test, classes, labels) }),
  };
  return { kind, path: folder, classes, parts, numbered: own === undefined, ignored: 0, notes: [] };
}
