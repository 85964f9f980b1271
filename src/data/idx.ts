/**
 * The IDX format of the MNIST family, from bytes in memory: a big-endian header (two zero bytes,
 * the element type, the number of dimensions, each dimension as 32 bits), then the elements.
 * Strict, because the sizes come from outside: unsigned bytes only, and the body must be exactly
 * as long as the header says. Format: the page of the MNIST database, "The IDX file format".
 */
import { BneckError } from '../base/errors.ts';
import type { StoredPictures } from './stored-pictures.ts';

const UNSIGNED_BYTE = 0x08;
const MOST_DIMENSIONS = 4;

/** Bytes of the longest header there is. */
export const IDX_HEADER_LIMIT_BYTES = 4 + MOST_DIMENSIONS * 4;

/** A file's bytes, header included; EMNIST ByClass, the largest of the family, has 547 MB. */
export const DEFAULT_IDX_LIMIT_BYTES = 2 ** 30;

export interface IdxHeader {
  readonly shape: readonly number[];
  readonly headerBytes: number;
  /** header and body */
  readonly totalBytes: number;
}

export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

function damaged(name: string, reason: string): BneckError {
  return new BneckError('file', `${name}: ${reason}; get the file again`);
}

/**
 * Reads the header from a file's first bytes (`IDX_HEADER_LIMIT_BYTES` are enough).
 * @throws BneckError 'file' for another format, or sizes beyond `limitBytes`
 */
export function parseIdxHeader(bytes: Uint8Array, name: string, limitBytes = DEFAULT_IDX_LIMIT_BYTES): IdxHeader {
  if (bytes.length < 4) throw damaged(name, `cut off, ${bytes.length} bytes are too few for an IDX file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint8(2);
  const dimensions = view.getUint8(3);
  if (view.getUint16(0) !== 0 || dimensions < 1 || dimensions > MOST_DIMENSIONS) {
    const magic = view.getUint32(0).toString(16).padStart(8, '0');
    throw damaged(name, `not an IDX file (it starts with 0x${magic})`);
  }
  if (type !== UNSIGNED_BYTE) {
    throw new BneckError(
      'unsupported',
      `${name}: IDX element type 0x${type.toString(16)}; only unsigned bytes (0x8) are read`,
    );
  }
  const headerBytes = 4 + dimensions * 4;
  if (bytes.length < headerBytes) throw damaged(name, 'cut off within the header');
  const shape: number[] = [];
  let totalBytes = 1;
  for (let dimension = 0; dimension < dimensions; dimension++) {
    shape.push(view.getUint32(4 + dimension * 4));
    // A zero must not hide a later size, and a product of 32-bit sizes must stay a safe integer.
    totalBytes *= Math.max(shape[dimension] as number, 1);
    if (totalBytes > limitBytes) {
      throw damaged(
        name,
        `its header claims more than ${limitBytes} bytes (${shape.join(' x ')}${dimension + 1 < dimensions ? ' x ...' : ''})`,
      );
    }
  }
  totalBytes = headerBytes + (shape.includes(0) ? 0 : totalBytes);
  return { shape, headerBytes, totalBytes };
}

/**
 * Reads a whole IDX file of unsigned bytes. The data are a view of `bytes`.
 * @throws BneckError 'file' unless header and length agree exactly
 */
export function parseIdx(bytes: Uint8Array, name: string, limitBytes = DEFAULT_IDX_LIMIT_BYTES): IdxArray {
  const { shape, headerBytes, totalBytes } = parseIdxHeader(bytes, name, limitBytes);
  if (bytes.length !== totalBytes) {
    throw damaged(name, `its header (${shape.join(' x ')}) asks for ${totalBytes} bytes, it has ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(headerBytes) };
}

/** Two files that belong together, by content and by the name that messages use. */
export interface IdxPair {
  readonly images: Uint8Array;
  readonly imagesName: string;
  readonly labels: Uint8Array;
  readonly labelsName: string;
}

/**
 * The pictures of an image file [N, H, W] and the labels of a label file [N]. Gray becomes three equal channels.
 * @throws BneckError 'file' for damaged files, 'data' for files that don't fit together
 */
export function parseIdxPair(pair: IdxPair): StoredPictures {
  const images = parseIdx(pair.images, pair.imagesName);
  const labels = parseIdx(pair.labels, pair.labelsName);
  if (images.shape.length !== 3) {
    throw damaged(pair.imagesName, `has ${images.shape.length} dimensions where images have 3 (number, height, width)`);
  }
  if (labels.shape.length !== 1)
    throw damaged(pair.labelsName, `has ${labels.shape.length} dimensions where labels have 1`);
  const [length = 0, height = 0, width = 0] = images.shape;
  if (length === 0 || height === 0 || width === 0) {
    throw new BneckError(
      'data',
      `${pair.imagesName}: holds no pictures (${images.shape.join(' x ')}); give another file`,
    );
  }
  if (labels.data.length !== length) {
    throw new BneckError(
      'data',
      `${pair.imagesName} has ${length} pictures but ${pair.labelsName} has ${labels.data.length} labels; give files that belong together`,
    );
  }
  const name = (index: number) => `${pair.imagesName}#${index}`;
  return { width, height, form: 'gray', pixels: images.data, numbers: labels.data, name };
}
