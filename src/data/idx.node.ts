/**
 * IDX files on disk (MNIST, Fashion-MNIST and their kin), plain or gzipped. Finds the pairs of a
 * folder by the family's names and turns them into data sets. Invariant: a file's header is read
 * and judged before its body is, so neither a huge claim nor a gzip bomb takes memory: inflating
 * stops at the length the header states.
 */
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip } from 'node:zlib';
import { BneckError } from '../base/errors.ts';
import { byCodePoints } from './code-point-order.ts';
import type { DataOptions, FoundData } from './found-data.ts';
import { DEFAULT_IDX_LIMIT_BYTES, IDX_HEADER_LIMIT_BYTES, parseIdxHeader, parseIdxPair } from './idx.ts';
import { numberedClasses, type StoredPictures, storedDataset } from './stored-pictures.ts';

const gunzipAsync = promisify(gunzip);

/** Compressed bytes that surely hold the header, even where gzip's own header carries a name. */
const GZIP_HEAD_BYTES = 4096;

function damaged(path: string, reason: string, cause?: unknown): BneckError {
  return new BneckError('file', `${path}: ${reason}; get the file again`, { cause });
}

/** Inflates to exactly the length that the IDX header inside states, or fails. */
async function inflate(bytes: Uint8Array, path: string, limitBytes: number): Promise<Uint8Array> {
  const head = await gunzipAsync(bytes.subarray(0, GZIP_HEAD_BYTES), {
    finishFlush: constants.Z_SYNC_FLUSH,
    // 4096 compressed bytes cannot become more than this: deflate gains at most 1032 to 1.
    maxOutputLength: GZIP_HEAD_BYTES * 1040,
  }).catch((error: unknown) => {
    throw damaged(path, 'not a gzip file, or damaged', error);
  });
  const { totalBytes } = parseIdxHeader(head.subarray(0, IDX_HEADER_LIMIT_BYTES), path, limitBytes);
  try {
    return await gunzipAsync(bytes, { maxOutputLength: totalBytes });
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw damaged(
      path,
      tooLong ? `inflates to more than the ${totalBytes} bytes its header states` : 'damaged or cut off',
      error,
    );
  }
}

/**
 * A file's bytes, inflated if it is gzipped. Its length is checked against its header by `parseIdx`.
 * @throws BneckError 'file' for a file that is missing, of another format, or larger than `limitBytes`
 */
export async function readIdxFile(path: string, limitBytes = DEFAULT_IDX_LIMIT_BYTES): Promise<Uint8Array> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new BneckError('file', `${path}: cannot be opened (${error.code}); check the path`, { cause: error });
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw damaged(path, 'not a file');
    if (status.size > limitBytes) throw damaged(path, `${status.size} bytes, more than the ${limitBytes} allowed`);
    if (path.endsWith('.gz')) return await inflate(await file.readFile(), path, limitBytes);
    const head = new Uint8Array(IDX_HEADER_LIMIT_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const { totalBytes } = parseIdxHeader(head.subarray(0, bytesRead), path, limitBytes);
    if (totalBytes !== status.size) {
      throw damaged(path, `its header asks for ${totalBytes} bytes, it has ${status.size}`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

interface FoundPair {
  readonly images: string;
  readonly labels: string;
}

/** `train-images-idx3-ubyte.gz`, `t10k-labels.idx1-ubyte`: the family's spellings. */
const IDX_NAME = /^(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$/;

type IdxPart = 'train' | 'test';

/** The pairs among a folder's files, or null if there are none. @throws BneckError 'data' for images without labels */
function findPairs(folder: string, names: readonly string[]): Partial<Record<IdxPart, FoundPair>> | null {
  const found: Partial<Record<string, string>> = {};
  // Sorted, so a plain file comes before its gzipped twin and is kept.
  for (const name of [...names].sort(byCodePoints)) {
    const match = IDX_NAME.exec(name);
    if (match) found[`${match[1] === 'train' ? 'train' : 'test'} ${match[2]}`] ??= join(folder, name);
  }
  const pairs: Partial<Record<IdxPart, FoundPair>> = {};
  for (const part of ['train', 'test'] as const) {
    const images = found[`${part} images`];
    const labels = found[`${part} labels`];
    if (images !== undefined && labels !== undefined) pairs[part] = { images, labels };
    else if (images !== undefined || labels !== undefined) {
      const other = images === undefined ? 'images' : 'labels';
      throw new BneckError('data', `${images ?? labels}: the ${other} file that belongs to it is not there; add it`);
    }
  }
  return pairs.train === undefined && pairs.test === undefined ? null : pairs;
}

async function loadPair(found: FoundPair): Promise<StoredPictures> {
  const [images, labels] = await Promise.all([readIdxFile(found.images), readIdxFile(found.labels)]);
  return parseIdxPair({ images, imagesName: basename(found.images), labels, labelsName: basename(found.labels) });
}

/**
 * The IDX files of a folder: its train part, and the t10k files as its test part. Classes are those given, or
 * '0', '1', ... up to the greatest label of either part. Null if the folder holds no IDX files.
 * @param names the files in the folder
 * @throws BneckError 'data' or 'file' for files that are damaged or don't belong together
 */
export async function findIdx(
  folder: string,
  names: readonly string[],
  options: DataOptions = {},
): Promise<FoundData | null> {
  const pairs = findPairs(folder, names);
  if (pairs === null) return null;
  const train = pairs.train && (await loadPair(pairs.train));
  const test = pairs.test && (await loadPair(pairs.test));
  const stored = [train, test].filter((part) => part !== undefined);
  const numbers = stored.map((part) => part.numbers);
  const classes = numberedClasses(folder, numbers, options);
  const parts = {
    ...(train && { train: storedDataset(train, classes) }),
    ...(test && { test: storedDataset(test, classes) }),
  };
  return { kind: 'idx', path: folder, classes, parts, numbered: true, ignored: 0, notes: [] };
}
