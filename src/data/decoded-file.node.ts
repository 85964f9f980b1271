/**
 * A file of decoded pictures, one after the other, with an index in front: what later runs read instead of decoding.
 * Read by slices, so that no more than a picture is in memory. Nothing in it is believed: the header and the index
 * carry a checksum, the length must be what they add up to, and each picture is checked when it is first read.
 *
 *   0  "BNECKPIX"          8 bytes
 *   8  version             u32, little-endian as all numbers here
 *  12  pictures            u32
 *  16  key                 32 bytes, SHA-256 of what the pictures were made from
 *  48  CRC-32 of the index u32
 *  52  CRC-32 of bytes 0 to 52
 *  56  index               12 bytes a picture: width, height, CRC-32 of its pixels; 0, 0, 0 for one that is not here
 *      pixels              width * height * 3 bytes a picture
 */
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { assert } from '../base/errors.ts';
import { buildFileAtomic } from '../base/write-file.node.ts';
import { makePicture, type Picture, type PictureSize, pictureBytes } from './picture.ts';

/** Goes up when the form of the file, or how pictures are decoded and resized, changes. */
export const DECODED_VERSION = 1;

const MAGIC = 'BNECKPIX';
const HEADER_BYTES = 56;
const ENTRY_BYTES = 12;
export const KEY_BYTES = 32;

/** Larger than any picture that is decoded. */
const MOST_PICTURE_BYTES = 2 ** 32;

/** What is wrong with a file, for people. */
export class DamagedDecodedFile extends Error {}

function damaged(problem: string): never {
  throw new DamagedDecodedFile(problem);
}

function writeHeader(key: Uint8Array, index: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(DECODED_VERSION, 8);
  header.writeUInt32LE(index.length / ENTRY_BYTES, 12);
  header.set(key, 16);
  header.writeUInt32LE(crc32(index), 48);
  header.writeUInt32LE(crc32(header.subarray(0, 52)), 52);
  return header;
}

/** Reads exactly `length` bytes. */
async function readExactly(file: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) damaged('it ends too early');
    done += bytesRead;
  }
  return bytes;
}

async function readIndex(file: FileHandle, key: Uint8Array, count: number): Promise<{ index: Buffer; size: number }> {
  const { size } = await file.stat();
  if (size < HEADER_BYTES) damaged('it ends within its header');
  const header = await readExactly(file, HEADER_BYTES, 0);
  if (header.toString('latin1', 0, 8) !== MAGIC) damaged('it does not begin as such a file');
  if (crc32(header.subarray(0, 52)) !== header.readUInt32LE(52)) damaged('its header does not match its checksum');
  if (header.readUInt32LE(8) !== DECODED_VERSION) damaged(`it is of version ${header.readUInt32LE(8)}`);
  if (!header.subarray(16, 16 + KEY_BYTES).equals(key)) damaged('it belongs to other pictures');
  if (header.readUInt32LE(12) !== count) damaged(`it holds ${header.readUInt32LE(12)} pictures`);
  if (size < HEADER_BYTES + count * ENTRY_BYTES) damaged('it ends within its index');
  const index = await readExactly(file, count * ENTRY_BYTES, HEADER_BYTES);
  if (crc32(index) !== header.readUInt32LE(48)) damaged('its index does not match its checksum');
  return { index, size };
}

export class DecodedFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #index: Buffer;
  /** where a picture's pixels begin, in bytes */
  readonly #begins: Float64Array;
  readonly #checked: Uint8Array;

  private constructor(path: string, file: FileHandle, index: Buffer, begins: Float64Array) {
    this.path = path;
    this.#file = file;
    this.#index = index;
    this.#begins = begins;
    this.#checked = new Uint8Array(begins.length);
  }

  /**
   * @param key of the pictures that are wanted
   * @param count of these pictures
   * @returns null if there is no such file
   * @throws DamagedDecodedFile for a file of another kind, key or length
   */
  static async open(path: string, key: Uint8Array, count: number): Promise<DecodedFile | null> {
    const file = await open(path, 'r').catch(() => null);
    if (file === null) return null;
    try {
      const { index, size } = await readIndex(file, key, count);
      const begins = new Float64Array(count);
      let begin = HEADER_BYTES + index.length;
      for (let picture = 0; picture < count; picture++) {
        begins[picture] = begin;
        const bytes = index.readUInt32LE(picture * ENTRY_BYTES) * index.readUInt32LE(picture * ENTRY_BYTES + 4) * 3;
        if (bytes > MOST_PICTURE_BYTES) damaged(`picture ${picture} is impossibly large`);
        begin += bytes;
      }
      if (begin !== size) damaged(`it has ${size} bytes and should have ${begin}`);
      return new DecodedFile(path, file, index, begins);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Null for a picture that is not here. */
  size(picture: number): PictureSize | null {
    const at = picture * ENTRY_BYTES;
    const [width, height] = [this.#index.readUInt32LE(at), this.#index.readUInt32LE(at + 4)];
    return width === 0 || height === 0 ? null : { width, height };
  }

  /**
   * A picture's pixels; null for one that is not here.
   * @throws DamagedDecodedFile where they don't match their checksum
   */
  async read(picture: number): Promise<Picture | null> {
    const size = this.size(picture);
    if (size === null) return null;
    const data = await readExactly(this.#file, pictureBytes(size), this.#begins[picture] as number);
    if (this.#checked[picture] === 0) {
      if (crc32(data) !== this.#index.readUInt32LE(picture * ENTRY_BYTES + 8)) {
        damaged(`picture ${picture} does not match its checksum`);
      }
      this.#checked[picture] = 1;
    }
    return makePicture(size.width, size.height, new Uint8Array(data.buffer, data.byteOffset, data.length));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Writes a file of decoded pictures, whole or not at all.
 * @param pictures `count` of them in order; null for one that cannot be decoded, undefined to give up
 * @param expectedBytes about as many as there will be, for the message where the disk is full
 * @returns false if it was given up
 * @throws BneckError 'file' where it cannot be written
 */
export async function writeDecodedFile(
  path: string,
  key: Uint8Array,
  count: number,
  pictures: AsyncIterable<Picture | null | undefined>,
  expectedBytes: number,
): Promise<boolean> {
  assert(key.length === KEY_BYTES, `key of ${key.length} bytes`);
  const index = Buffer.alloc(count * ENTRY_BYTES);
  return buildFileAtomic(path, expectedBytes, async (file) => {
    let position = HEADER_BYTES + index.length;
    let picture = 0;
    for await (const decoded of pictures) {
      if (decoded === undefined) return false;
      if (decoded !== null) {
        const { width, height, data } = decoded;
        const at = picture * ENTRY_BYTES;
        index.writeUInt32LE(width, at);
        index.writeUInt32LE(height, at + 4);
        index.writeUInt32LE(crc32(data), at + 8);
        for (let done = 0; done < data.length; ) {
          done += (await file.write(data, done, data.length - done, position + done)).bytesWritten;
        }
        position += data.length;
      }
      picture += 1;
    }
    assert(picture === count, `${picture} of ${count} pictures`);
    await file.write(Buffer.concat([writeHeader(key, index), index]), 0, HEADER_BYTES + index.length, 0);
    return true;
  });
}
