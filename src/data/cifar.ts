/**
 * The binary version of CIFAR-10 and CIFAR-100, from bytes in memory: records without any header, each a label (in
 * CIFAR-100 two, coarse and fine) and 32 x 32 pixels in three planes, red, green, blue. Strict, because nothing
 * else tells such a file from another: the length must be a whole number of records.
 * Format: the page of the CIFAR data sets, "Binary version".
 */
import { BneckError } from '../base/errors.ts';
import type { StoredPictures } from './stored-pictures.ts';

const SIDE = 32;
const PICTURE_BYTES = SIDE * SIDE * 3;

export type CifarKind = 'cifar-10' | 'cifar-100';

/** Bytes of labels in front of a picture; the last of them is the class. */
const LABEL_BYTES: Readonly<Record<CifarKind, number>> = { 'cifar-10': 1, 'cifar-100': 2 };

export function cifarRecordBytes(kind: CifarKind): number {
  return LABEL_BYTES[kind] + PICTURE_BYTES;
}

/** A file's bytes and the name that messages use. */
export interface CifarFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** @throws BneckError 'file' for a file that does not consist of whole records */
export function parseCifar(kind: CifarKind, files: readonly CifarFile[]): StoredPictures {
  const recordBytes = cifarRecordBytes(kind);
  for (const { name, bytes } of files) {
    if (bytes.length > 0 && bytes.length % recordBytes === 0) continue;
    const reason = `${bytes.length} bytes are not a whole number of records of ${recordBytes}`;
    throw new BneckError('file', `${name}: ${reason}, so it is cut off or of another format; get the file again`);
  }
  const names = files.map((file) => file.name); // and not the files, whose bytes need not be kept
  const counts = files.map(({ bytes }) => bytes.length / recordBytes);
  const length = counts.reduce((sum, count) => sum + count, 0);
  const pixels = new Uint8Array(length * PICTURE_BYTES);
  const numbers = new Uint8Array(length);
  let index = 0;
  for (const { bytes } of files) {
    for (let at = 0; at < bytes.length; at += recordBytes, index++) {
      const begin = at + LABEL_BYTES[kind];
      numbers[index] = bytes[begin - 1] as number;
      pixels.set(bytes.subarray(begin, begin + PICTURE_BYTES), index * PICTURE_BYTES);
    }
  }
  const name = (picture: number): string => {
    let left = picture;
    const file = counts.findIndex((count) => {
      if (left < count) return true;
      left -= count;
      return false;
    });
    return `${names[file]}#${left}`;
  };
  return { width: SIDE, height: SIDE, form: 'planes', pixels, numbers, name };
}
