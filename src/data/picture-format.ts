/**
 * What a picture file is, told from its bytes before any decoder sees them, and what in it would cost a
 * decoder far more than the pixel limit allows. Pure. Stands in front of `decodePicture`.
 */

export type PictureFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF';

/** Bytes that the functions here need of a file's beginning. */
export const PICTURE_HEAD_BYTES = 64;

/** Pixels; the greatest that JPEG can have. Decoders work on whole rows, and one of 50 million pixels takes a gigabyte. */
const GREATEST_SIDE = 65_535;

/** A progressive JPEG has some ten. Each is a walk over all pixels, and thousands fit into a small file. */
const MOST_SCANS = 100;

/** What the first bytes say the file is, or null. Keeps decoders away from formats nobody asked for. */
export function pictureFormat(bytes: Uint8Array): PictureFormat | null {
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
export function describeUnknownFormat(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  const head = bytes.subarray(0, PICTURE_HEAD_BYTES);
  const text = String.fromCharCode(...head);
  if (/^ftyphe[iv]/.test(text.slice(4))) return 'HEIC is not supported, convert it to JPEG';
  if (text.startsWith('BM')) return 'BMP is not supported, convert it to PNG';
  const isText = head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
  return `not a picture (${isText ? 'it holds text' : 'its first bytes are of no known format'})`;
}

/** What is wrong with a size, or null. */
export function describeExcessiveSide(width: number, height: number): string | null {
  if (Math.max(width, height) <= GREATEST_SIDE) return null;
  return `its header claims ${width} x ${height} pixels, and a side may have ${GREATEST_SIDE}`;
}

/** The scans of a JPEG, counted until there are too many: its segments one by one, and between them coded data. */
function countScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = 2;
  while (scans <= MOST_SCANS) {
    at = bytes.indexOf(0xff, at);
    const marker = bytes[at + 1];
    if (at < 0 || marker === undefined || marker === 0xd9) break;
    if (marker === 0xff) at += 1;
    else if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else {
      if (marker === 0xda) scans += 1;
      at += 2 + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0);
    }
  }
  return scans;
}

/** What makes a file too costly to decode, as far as a look at its bytes shows, or null. */
export function describeExcess(bytes: Uint8Array, format: PictureFormat): string | null {
  if (format === 'PNG' && bytes.length >= 24) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return describeExcessiveSide(view.getUint32(16), view.getUint32(20));
  }
  if (format === 'JPEG' && countScans(bytes) > MOST_SCANS) return `it has more than ${MOST_SCANS} scans`;
  return null;
}
