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
import type { DataSource, Dataset } from './dataset.ts';
import {
  DEFAULT_IDX_LIMIT_BYTES,
  greatestIdxLabel,
  IDX_HEADER_LIMIT_BYTES,
  type IdxPair,
  idxDataset,
  parseIdxHeader,
} from './idx.ts';
import { type DataOptions, DEFAULT_VALIDATION_FRACTION } from './image-folder.node.ts';
import { entryNames } from './list-pictures.node.ts';
import { checkValidationFraction, splitDataset } from './split.ts';

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

type IdxPart = 'train' | 'validation';
interface FoundPair {
  readonly images: string;
  readonly labels: string;
}

/** `train-images-idx3-ubyte.gz`, `t10k-labels.idx1-ubyte`: the family's spellings. */
const IDX_NAME = /^(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$/;

/** The IDX files of a folder, or null if it has none. @throws BneckError 'data' for images without labels */
export async function findIdxPairs(folder: string): Promise<Partial<Record<IdxPart, FoundPair>> | null> {
  const found: Partial<Record<string, string>> = {};
  // Sorted, so a plain file comes before its gzipped twin and is kept.
  for (const name of await entryNames(folder)) {
    const match = IDX_NAME.exec(name);
    if (match) found[`${match[1] === 'train' ? 'train' : 'validation'} ${match[2]}`] ??= join(folder, name);
  }
  const pairs: Partial<Record<IdxPart, FoundPair>> = {};
  for (const part of ['train', 'validation'] as const) {
    const images = found[`${part} images`];
    const labels = found[`${part} labels`];
    if (images !== undefined && labels !== undefined) pairs[part] = { images, labels };
    else if (images !== undefined || labels !== undefined) {
      const other = images === undefined ? 'images' : 'labels';
      throw new BneckError('data', `${images ?? labels}: the ${other} file that belongs to it is not there; add it`);
    }
  }
  return pairs.train === undefined && pairs.validation === undefined ? null : pairs;
}

async function loadPair(found: FoundPair): Promise<IdxPair> {
  const [images, labels] = await Promise.all([readIdxFile(found.images), readIdxFile(found.labels)]);
  return { images, imagesName: basename(found.images), labels, labelsName: basename(found.labels) };
}

/**
 * The parts an IDX folder has, with common class names: those given, or '0', '1', ... up to the
 * greatest label of either part. Null if the folder holds no IDX files.
 */
export async function idxParts(
  path: string,
  options: Pick<DataOptions, 'classes'> = {},
): Promise<Partial<Record<IdxPart, Dataset>> | null> {
  const found = await findIdxPairs(path);
  if (found === null) return null;
  const train = found.train === undefined ? undefined : await loadPair(found.train);
  const validation = found.validation === undefined ? undefined : await loadPair(found.validation);
  const greatest = Math.max(...[train, validation].map((pair) => (pair === undefined ? -1 : greatestIdxLabel(pair))));
  const classes = options.classes ?? Array.from({ length: greatest + 1 }, (_, label) => String(label));
  return {
    ...(train === undefined ? {} : { train: idxDataset(train, classes) }),
    ...(validation === undefined ? {} : { validation: idxDataset(validation, classes) }),
  };
}

/**
 * Opens a folder of IDX files for training: the t10k files are the validation part; without them
 * the train files are split class by class.
 * @throws BneckError 'data' where there are no train files, or fewer than two classes
 */
export async function idxFolder(path: string, options: DataOptions = {}): Promise<DataSource> {
  const fraction = options.validation ?? DEFAULT_VALIDATION_FRACTION;
  checkValidationFraction(fraction);
  const { train, validation } = (await idxParts(path, options)) ?? {};
  if (train === undefined) {
    throw new BneckError('data', `${path}: no train-images-idx3-ubyte file to learn from; add it with its labels`);
  }
  if (train.classes.length < 2) {
    throw new BneckError('data', `${path}: only one class; at least two are needed to tell apart`);
  }
  const parts = validation === undefined ? splitDataset(train, fraction, options.seed ?? 0) : { train, validation };
  return { kind: 'idx', path, classes: train.classes, ...parts, ignored: 0 };
}
