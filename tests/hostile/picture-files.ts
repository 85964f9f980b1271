/**
 * Builds picture files byte by byte for the hostile tests: PNG, JPEG, GIF, WebP and TIFF with headers that
 * claim anything. Nothing is checked, so anything can be built.
 */
import { crc32 } from 'node:zlib';

/** A natural number, the highest byte first. */
export function big(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** A natural number, the lowest byte first. */
export function little(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

export const PNG_SIGNATURE = latin('\x89PNG\r\n\x1a\n');

/** A chunk: length, type, body, checksum. */
export function chunk(type: string, body: Uint8Array): Buffer {
  const content = Buffer.concat([latin(type), body]);
  return Buffer.concat([big(body.length, 4), content, big(crc32(content), 4)]);
}

/** A PNG of any size with any chunks between header and end; by default 8 bits of RGB. */
export function png(width: number, height: number, chunks: readonly Buffer[], [depth, colour] = [8, 2]): Buffer {
  const header = Buffer.concat([
    big(width, 4),
    big(height, 4),
    Buffer.from([depth as number, colour as number, 0, 0, 0]),
  ]);
  return Buffer.concat([PNG_SIGNATURE, chunk('IHDR', header), ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

/** The bytes of a JPEG with another size in its frame header. */
export function jpegClaiming(jpeg: Buffer, width: number, height: number): Buffer {
  const bytes = Buffer.from(jpeg);
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

/** A progressive gray JPEG, side x side, whose many scans each say "all zeros" in a few bytes. */
export function jpegOfScans(side: number, scans: number): Buffer {
  const segment = (marker: number, ...body: number[]) => Buffer.from([0xff, marker, 0, body.length + 2, ...body]);
  const table = (kind: number, symbol: number) => segment(0xc4, kind, 1, ...Array<number>(15).fill(0), symbol);
  const blocks = Math.ceil(side / 8) ** 2;
  // A code of one bit for a run of 2^14 blocks and more, and 14 bits of 0: no more.
  const runs = '0'.repeat(15 * Math.ceil(blocks / 2 ** 14));
  const bits = runs.padEnd(Math.ceil(runs.length / 8) * 8, '1').match(/.{8}/g) ?? [];
  const scan = Buffer.concat([
    segment(0xda, 1, 1, 0, 1, 63, 0),
    Buffer.from(bits.map((byte) => Number.parseInt(byte, 2))),
  ]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, 0, ...Array<number>(64).fill(1)),
    segment(0xc2, 8, side >> 8, side & 255, side >> 8, side & 255, 1, 1, 0x11, 0),
    table(0x00, 0),
    table(0x10, 0xe0),
    Buffer.concat([segment(0xda, 1, 1, 0, 0, 0, 0), Buffer.alloc(Math.ceil(blocks / 8))]),
    ...Array<Buffer>(scans).fill(scan),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** A GIF of one frame, whose screen and frame claim sizes of their own. */
export function gif(screen: [number, number], frame: [number, number], place: [number, number] = [0, 0]): Buffer {
  const sizes = (pair: [number, number]) => Buffer.concat(pair.map((size) => little(size, 2)));
  const palette = Buffer.from([0, 0, 0, 255, 255, 255]);
  const head = Buffer.concat([latin('GIF89a'), sizes(screen), Buffer.from([0x80, 0, 0]), palette]);
  const pixels = Buffer.from([2, 2, 0x44, 1, 0, 0x3b]);
  return Buffer.concat([head, latin(','), sizes(place), sizes(frame), Buffer.from([0]), pixels]);
}

/** A WebP of the extended kind that is all header. */
export function webpClaiming(width: number, height: number): Buffer {
  const size = Buffer.concat([little(width - 1, 3), little(height - 1, 3)]);
  const body = Buffer.concat([latin('WEBPVP8X'), little(10, 4), Buffer.alloc(4), size]);
  return Buffer.concat([latin('RIFF'), little(body.length, 4), body]);
}

type TiffEntry = readonly [type: 3 | 4, count: number, value: number];

/** Where the strip of `tiff` begins, in a file that has all of its entries. */
export const TIFF_STRIP = 8 + 2 + 9 * 12 + 4;

/** A gray TIFF of 64 x 48, one strip, with entries of its directory changed. */
export function tiff(changed: Readonly<Record<number, TiffEntry>>, strip: Uint8Array = Buffer.alloc(64 * 48)): Buffer {
  const entries: Record<number, TiffEntry> = {
    ...{ 256: [3, 1, 64], 257: [3, 1, 48], 258: [3, 1, 8], 259: [3, 1, 1], 262: [3, 1, 1] },
    ...{ 273: [4, 1, TIFF_STRIP], 277: [3, 1, 1], 278: [3, 1, 48], 279: [4, 1, 64 * 48] },
    ...changed,
  };
  const written = Object.entries(entries).map(([tag, [type, count, value]]) =>
    Buffer.concat([little(Number(tag), 2), little(type, 2), little(count, 4), little(value, 4)]),
  );
  return Buffer.concat([latin('II*\0'), little(8, 4), little(written.length, 2), ...written, Buffer.alloc(4), strip]);
}
