/**
 * Files and bytes to pictures, in Node, with sharp (libvips), off the main thread. Gives what
 * Pillow's `Image.open` + `exif_transpose` + `convert('RGB')` gives: alpha is dropped, not blended,
 * and colour profiles are ignored. It differs on purpose for 16-bit grayscale (scaled to 8 bits,
 * Pillow clips) and CMYK (converted by profile).
 * Invariant: a file is hostile until decoded. Its first bytes must name a known format, its header
 * must keep to the pixel limit before any pixel is decoded, and half a picture is an error.
 */
import { readFile, stat } from 'node:fs/promises';
import sharp, { type SharpOptions } from 'sharp';
import { BneckError } from '../base/errors.ts';
import { makePicture, type Picture, type PictureSize } from './picture.ts';

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
  return new BneckError('image', `${name}: ${reason}; replace or remove it, or have bad pictures skipped`, { cause });
}

/** What the first bytes say the file is, or null. Keeps libvips away from formats nobody asked for. */
function pictureFormat(bytes: Uint8Array): string | null {
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  if (text.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'WebP';
  if (text.startsWith('GIF8')) return 'GIF';
  if (/^(II[*+]\0|MM\0[*+])/.test(text)) return 'TIFF';
  if (/^ftyp(avif|avis|mif1|miaf)$/.test(text.slice(4, 12))) return 'AVIF';
  return null;
}

/** Names files that are no pictures in words that tell what to do. */
function describeUnknown(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  const head = bytes.subarray(0, 64);
  const text = String.fromCharCode(...head);
  if (/^ftyphe[iv]/.test(text.slice(4))) return 'HEIC is not supported, convert it to JPEG';
  if (text.startsWith('BM')) return 'BMP is not supported, convert it to PNG';
  const isText = head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
  return `not a picture (${isText ? 'it holds text' : 'its first bytes are of no known format'})`;
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

async function readBytes(path: string, name: string): Promise<Uint8Array> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw unreadable(name, 'not a file');
    if (status.size > FILE_LIMIT_BYTES) throw unreadable(name, `${status.size} bytes are too many for a picture`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof BneckError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw unreadable(name, code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`, error);
  }
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
  const format = pictureFormat(bytes);
  if (format === null) throw unreadable(name, describeUnknown(bytes));
  const sharpInput = sharpOptions(pixelLimit);
  try {
    const { data, info } = await sharp(bytes, sharpInput)
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return makePicture(info.width, info.height, new Uint8Array(data.buffer, data.byteOffset, data.length));
  } catch (error) {
    throw unreadable(name, reasonOf(error, format, pixelLimit), error);
  }
}

/**
 * A picture's size in pixels, orientation applied, from its header alone.
 * @throws BneckError 'image' as `decodePicture` does
 */
export async function readPictureSize(path: string, options: DecodeOptions = {}): Promise<PictureSize> {
  const pixelLimit = options.pixelLimit ?? DEFAULT_PIXEL_LIMIT;
  const sharpInput = sharpOptions(pixelLimit);
  try {
    const { autoOrient } = await sharp(path, sharpInput).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch (error) {
    throw unreadable(options.name ?? path, reasonOf(error, 'header', pixelLimit), error);
  }
}
