/**
 * Files and bytes to pictures, in Node, with sharp (libvips), off the main thread. Gives what
 * Pillow's `Image.open` + `exif_transpose` + `convert('RGB')` gives: alpha is dropped, not blended,
 * and colour profiles are ignored. It differs on purpose for 16-bit grayscale (scaled to 8 bits,
 * Pillow clips) and CMYK (converted by profile).
 * Invariant: a file is hostile until decoded. Its first bytes must name a known format, its header
 * must keep to the limits before any pixel is decoded, and half a picture is an error.
 */
import { open, readFile, stat } from 'node:fs/promises';
import type { SharpOptions } from 'sharp';
import { BneckError } from '../base/errors.ts';
import { makePicture, type Picture, type PictureSize } from './picture.ts';
import {
  describeExcess,
  describeExcessiveSide,
  describeUnknownFormat,
  PICTURE_HEAD_BYTES,
  type PictureFormat,
  pictureFormat,
} from './picture-format.ts';
import { UNREADABLE_REMEDY } from './unreadable.ts';

/** File name endings that are taken for pictures, lower case. */
export const PICTURE_EXTENSIONS: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
];

/** Pixels; the default of `pixelLimit`. */
export const DEFAULT_PIXEL_LIMIT = 50_000_000;

/** Larger than any picture of 50 megapixels, small enough to read whole. */
const FILE_LIMIT_BYTES = 512 * 1024 * 1024;

export interface DecodeOptions {
  /** refuse pictures whose header claims more pixels; 50 million by default */
  readonly pixelLimit?: number | undefined;
  /** what messages call the picture; the path by default */
  readonly name?: string | undefined;
}

/** Whether a file name ends as a picture's does, in any case. */
export function isPictureName(fileName: string): boolean {
  const dot = fileName.lastIndexOf('.');
  return dot > 0 && PICTURE_EXTENSIONS.includes(fileName.slice(dot).toLowerCase());
}

function unreadable(name: string, reason: string, cause?: unknown): BneckError {
  return new BneckError('image', `${name}: ${reason}; ${UNREADABLE_REMEDY}`, { cause });
}

/** Loading it takes longer than a first prediction, and not every program decodes. */
async function loadSharp(): Promise<typeof import('sharp').default> {
  return (await import('sharp')).default;
}

/** What decodes, and with which versions of which libraries: another may give other pixels. */
export async function decoderVersion(): Promise<string> {
  return JSON.stringify((await loadSharp()).versions);
}

function sharpOptions(pixelLimit: number): SharpOptions {
  // sharp takes 0 for "no limit"; here there always is one.
  if (!(Number.isInteger(pixelLimit) && pixelLimit >= 1)) {
    throw new BneckError('option', `pixelLimit ${pixelLimit}: give a whole number of pixels, at least 1`);
  }
  return { failOn: 'error', autoOrient: true, ignoreIcc: true, limitInputPixels: pixelLimit };
}

/** libvips reports the last line last and repeats itself; one line is enough. */
function reasonOf(error: unknown, format: string, pixelLimit: number): string {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  if (/pixel limit/i.test(message)) {
    return `its header claims more than the ${(pixelLimit / 1e6).toLocaleString('en')} megapixels allowed`;
  }
  return `damaged or cut off (${format}: ${message.trim()})`;
}

/** Why a path cannot be read. */
function withoutAccess(name: string, error: unknown): BneckError {
  if (error instanceof BneckError) return error;
  const { code } = error as NodeJS.ErrnoException;
  return unreadable(name, code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`, error);
}

async function readBytes(path: string, name: string): Promise<Uint8Array> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw unreadable(name, 'not a file');
    if (status.size > FILE_LIMIT_BYTES) throw unreadable(name, `${status.size} bytes are too many for a picture`);
    return await readFile(path);
  } catch (error) {
    throw withoutAccess(name, error);
  }
}

/** The first bytes of a file. */
async function readHead(path: string, name: string): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      if (!(await file.stat()).isFile()) throw unreadable(name, 'not a file');
      const { buffer, bytesRead } = await file.read(new Uint8Array(PICTURE_HEAD_BYTES), 0, PICTURE_HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw withoutAccess(name, error);
  }
}

function requireFormat(head: Uint8Array, name: string): PictureFormat {
  const format = pictureFormat(head);
  if (format === null) throw unreadable(name, describeUnknownFormat(head));
  return format;
}

/** TIFF and AVIF hold sizes of 32 bits in places that take a decoder to find. */
async function describeSides(bytes: Uint8Array, format: PictureFormat, options: SharpOptions): Promise<string | null> {
  if (format !== 'TIFF' && format !== 'AVIF') return null;
  const sharp = await loadSharp();
  const { width, height } = await sharp(bytes, options).metadata();
  return describeExcessiveSide(width, height);
}

/**
 * Decodes a picture to 8-bit sRGB: EXIF orientation applied, grayscale, palette, CMYK and 16-bit
 * converted, alpha dropped, the first frame of an animation.
 *
 * @param source a path or a file's bytes (JPEG, PNG, WebP, GIF, TIFF, AVIF)
 * @throws BneckError 'image' with the name, what is wrong and what to do
 */
export async function decodePicture(source: string | Uint8Array, options: DecodeOptions = {}): Promise<Picture> {
  const name = options.name ?? (typeof source === 'string' ? source : 'picture');
  const pixelLimit = options.pixelLimit ?? DEFAULT_PIXEL_LIMIT;
  const bytes = typeof source === 'string' ? await readBytes(source, name) : source;
  const format = requireFormat(bytes, name);
  const sharpInput = sharpOptions(pixelLimit);
  const excess = describeExcess(bytes, format);
  if (excess !== null) throw unreadable(name, excess);
  const sharp = await loadSharp();
  try {
    const side = await describeSides(bytes, format, sharpInput);
    if (side !== null) throw unreadable(name, side);
    const { data, info } = await sharp(bytes, sharpInput)
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return makePicture(info.width, info.height, new Uint8Array(data.buffer, data.byteOffset, data.length));
  } catch (error) {
    if (error instanceof BneckError) throw error;
    throw unreadable(name, reasonOf(error, format, pixelLimit), error);
  }
}

/**
 * A picture's size in pixels, orientation applied, from its header alone.
 * @param source a path or a file's bytes
 * @throws BneckError 'image' as `decodePicture` does
 */
export async function readPictureSize(source: string | Uint8Array, options: DecodeOptions = {}): Promise<PictureSize> {
  const pixelLimit = options.pixelLimit ?? DEFAULT_PIXEL_LIMIT;
  const name = options.name ?? (typeof source === 'string' ? source : 'picture');
  const sharpInput = sharpOptions(pixelLimit);
  const format = requireFormat(typeof source === 'string' ? await readHead(source, name) : source, name);
  const sharp = await loadSharp();
  try {
    const { autoOrient } = await sharp(source, sharpInput).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch (error) {
    throw unreadable(name, reasonOf(error, format, pixelLimit), error);
  }
}
