/**
 * Picture files that are cut off, lie in their headers, or would cost a decoder far more than they weigh:
 * each must end in a BneckError, soon and in little memory.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { decodePicture, readPictureSize } from '../../src/data/decode.node.ts';
import { expectLittle } from './expect-little.ts';
import {
  big,
  chunk,
  gif,
  jpegClaiming,
  jpegOfScans,
  little,
  PNG_SIGNATURE,
  png,
  TIFF_STRIP,
  tiff,
  webpClaiming,
} from './picture-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const pixels = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 0xff);
const source = () => sharp(pixels, { raw: { width: 64, height: 48, channels: 3 } });
const SOUND = {
  jpg: await source().jpeg().toBuffer(),
  progressive: await source().jpeg({ progressive: true }).toBuffer(),
  png: await source().png().toBuffer(),
  webp: await source().webp().toBuffer(),
  gif: await source().gif().toBuffer(),
  tif: await source().tiff({ compression: 'lzw' }).toBuffer(),
  avif: await source().avif().toBuffer(),
};

/** Bytes at a place of a sound file replaced; the place is where some text stands. */
function changed(kind: keyof typeof SOUND, text: string, offset: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(SOUND[kind]);
  copy.set(bytes, (text === '' ? 0 : copy.indexOf(text, 0, 'latin1')) + offset);
  return copy;
}

const DATA = chunk('IDAT', deflateSync(Buffer.alloc(99)));
const SIDES = [60_000, 60_000] as const;
const zeros = deflateSync(Buffer.alloc(300_000_000));
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

type Crafted = readonly [title: string, bytes: Buffer, message: RegExp];

const CUT: Crafted[] = Object.entries(SOUND).flatMap(([kind, bytes]) =>
  [0.02, 0.3, 0.6, 0.9].map((share): Crafted => {
    return [`${kind} cut to ${share}`, bytes.subarray(0, Math.ceil(bytes.length * share)), /damaged|no known format/];
  }),
);

const NO_PICTURES: Crafted[] = [
  ['empty', Buffer.alloc(0), /the file is empty/],
  ['text', latin('this is not a picture at all'), /it holds text/],
  ['SVG', latin('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /it holds text/],
  ['PDF', latin('%PDF-1.7 '), /it holds text/],
  ['noise', Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]), /no known format/],
  ['BMP', Buffer.concat([latin('BM'), Buffer.alloc(60)]), /BMP is not supported/],
  ['HEIC', Buffer.concat([big(24, 4), latin('ftypheic'), Buffer.alloc(60)]), /HEIC is not supported/],
  ['a PNG signature alone', PNG_SIGNATURE, /PNG/],
];

const HUGE: Crafted[] = [
  ['PNG of 60,000 x 60,000', png(...SIDES, [DATA]), /more than the 50 megapixels/],
  ['PNG of (2^31 - 1)^2', png(2 ** 31 - 1, 2 ** 31 - 1, [DATA]), /a side may have 65535/],
  ['PNG of 65,536 x 65,537, 65,536 in 32 bits', png(65_536, 65_537, [DATA]), /a side may have 65535/],
  ['PNG of one row of 50 million', png(50_000_000, 1, [DATA]), /a side may have 65535/],
  ['PNG without width', png(0, 5, [DATA]), /damaged/],
  ['JPEG of 60,000 x 60,000', jpegClaiming(SOUND.jpg, ...SIDES), /more than the 50 megapixels/],
  ['JPEG without height', jpegClaiming(SOUND.jpg, 64, 0), /damaged/],
  ['GIF with a frame of 65,535 x 65,535', gif([65_535, 10], [65_535, 65_535]), /more than the 50 megapixels/],
  ['GIF with a frame far outside', gif([4, 4], [4, 4], [60_000, 60_000]), /more than the 50 megapixels/],
  ['WebP of 2^24 x 2^24', webpClaiming(2 ** 24, 2 ** 24), /damaged/],
  ['WebP of 7,000 x 7,000 without pixels', webpClaiming(7000, 7000), /damaged/],
  [
    'WebP whose frame says 16,383 x 16,383',
    changed('webp', 'VP8 ', 14, Buffer.from([0xff, 0x3f, 0xff, 0x3f])),
    /megapixels/,
  ],
  ['TIFF of (2^32 - 1)^2', tiff({ 256: [4, 1, 0xffffffff], 257: [4, 1, 0xffffffff] }), /damaged/],
  ['TIFF of 65,536 x 65,537', tiff({ 256: [4, 1, 65_536], 257: [4, 1, 65_537] }), /megapixels|a side may/],
  ['TIFF of one row of 50 million', tiff({ 256: [4, 1, 50_000_000], 257: [4, 1, 1] }), /a side may have 65535/],
  [
    'AVIF of 60,000 x 60,000',
    changed('avif', 'ispe', 8, Buffer.concat([big(60_000, 4), big(60_000, 4)])),
    /megapixels/,
  ],
  [
    'AVIF of one row of 50 million',
    changed('avif', 'ispe', 8, Buffer.concat([big(50_000_000, 4), big(1, 4)])),
    /a side may/,
  ],
];

const LIARS: Crafted[] = [
  ['PNG of 7,000 x 7,000 with a few pixels', png(7000, 7000, [DATA]), /damaged/],
  ['PNG without pixels', png(64, 48, []), /damaged/],
  ['PNG of 3 bits', png(64, 48, [DATA], [3, 2]), /damaged/],
  ['PNG without its palette', png(64, 48, [DATA], [8, 3]), /damaged/],
  ['PNG with a chunk of 2^31 bytes', Buffer.concat([PNG_SIGNATURE, big(2 ** 31, 4), latin('IHDR')]), /damaged/],
  ['PNG with a wrong checksum', changed('png', 'IHDR', 17, Buffer.from([1])), /damaged/],
  ['WebP with a length of 2^32', changed('webp', 'RIFF', 4, Buffer.alloc(4, 0xff)), /damaged/],
  ['TIFF whose directory lies far away', Buffer.concat([latin('II*\0'), little(0xffffffff, 4)]), /damaged/],
  ['TIFF without entries', Buffer.concat([latin('II*\0'), little(8, 4), Buffer.alloc(6)]), /damaged/],
  ['TIFF whose strip lies far away', tiff({ 273: [4, 1, 0xfffffff0] }), /damaged/],
  ['TIFF with a strip cut off', tiff({ 279: [4, 1, 0xffffffff] }, Buffer.alloc(99)), /damaged/],
  ['TIFF with 2^31 strips', tiff({ 273: [4, 0x7fffffff, 8], 279: [4, 0x7fffffff, 8] }), /damaged/],
  ['TIFF of 65,535 samples', tiff({ 277: [3, 1, 65_535] }), /damaged/],
  ['TIFF of 64 bits', tiff({ 258: [3, 1, 64] }), /damaged/],
  [
    'TIFF with tiles of 2^32',
    tiff({ 322: [4, 1, 0xfffffff0], 323: [4, 1, 0xfffffff0], 324: [4, 1, TIFF_STRIP], 325: [4, 1, 9] }),
    /damaged/,
  ],
  [
    'TIFF around a JPEG that is larger',
    tiff({ 259: [3, 1, 7], 279: [4, 1, SOUND.jpg.length] }, jpegClaiming(SOUND.jpg, ...SIDES)),
    /damaged/,
  ],
];

const BOMBS: Crafted[] = [
  ['JPEG of 1,000 scans, 49 megapixels in 200 KB', jpegOfScans(7000, 1000), /more than 100 scans/],
  ['JPEG of 101 scans', jpegOfScans(64, 100), /more than 100 scans/],
];

test.each([...CUT, ...NO_PICTURES, ...HUGE, ...LIARS, ...BOMBS])('picture, %s: refused', async (_, bytes, message) => {
  const path = join(folder, 'crafted.png');
  writeFileSync(path, bytes);
  await expectLittle(() => readPictureSize(path).catch((error) => expect(error).toBeInstanceOf(BneckError)));
  await expectLittle(async () => {
    const error = await decodePicture(path).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(BneckError);
    expect(error.code).toBe('image');
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^\S*crafted\.png: [^\n]*; replace or remove it, or have bad pictures skipped$/);
  });
});

const rows = chunk('IDAT', deflateSync(Buffer.alloc(48 * (64 * 3 + 1))));
/** A sound JPEG with a segment of metadata and a tail, as previews and motion photos are kept. */
function jpegAmong(extra: Buffer): Buffer {
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1]), big(extra.length + 2, 2), extra]);
  return Buffer.concat([SOUND.jpg.subarray(0, 2), segment, SOUND.jpg.subarray(2), extra]);
}

const CHEAP: [string, Buffer, width: number][] = [
  ['PNG whose pixels go on for 300 MB', png(64, 48, [chunk('IDAT', zeros)]), 64],
  ['PNG with a text of 300 MB', png(64, 48, [chunk('zTXt', Buffer.concat([latin('a\0\0'), zeros])), rows]), 64],
  ['PNG with a profile of 300 MB', png(64, 48, [chunk('iCCP', Buffer.concat([latin('a\0\0'), zeros])), rows]), 64],
  ['PNG with 20,000 texts', png(64, 48, [...Array(20_000).fill(chunk('zTXt', latin('a\0\0'))), rows]), 64],
  ['TIFF whose strip goes on for 300 MB', tiff({ 259: [3, 1, 8], 279: [4, 1, zeros.length] }, zeros), 64],
  ['GIF with a screen of 65,535 x 65,535', gif([65_535, 65_535], [1, 1]), 1],
  ['JPEG of 100 scans', jpegOfScans(64, 99), 64],
  [
    'JPEG with what looks like scans in its metadata and after its end',
    jpegAmong(Buffer.alloc(400, '\xff\xda', 'latin1')),
    64,
  ],
];

test.each(CHEAP)('picture, %s: decoded without what is not needed', async (_, bytes, width) => {
  await expectLittle(async () => expect((await decodePicture(bytes)).width).toBe(width));
});

test('paths that hold no file are refused', async () => {
  for (const [path, reason] of [
    [join(folder, 'missing.png'), /no such file/],
    [folder, /not a file/],
  ] as const) {
    await expect(decodePicture(path)).rejects.toThrow(reason);
    await expect(readPictureSize(path)).rejects.toThrow(reason);
  }
  await expect(decodePicture(new Uint8Array(0), { name: 'upload 3' })).rejects.toThrow(/^upload 3: the file is empty/);
});

test('the pixel limit is the one that was asked for, and there always is one', async () => {
  await expect(decodePicture(SOUND.png, { pixelLimit: 64 * 48 - 1 })).rejects.toThrow(/megapixels/);
  expect((await decodePicture(SOUND.png, { pixelLimit: 64 * 48 })).width).toBe(64);
  await expect(decodePicture(SOUND.png, { pixelLimit: 0 })).rejects.toMatchObject({ code: 'option' });
});

test('pictures with changed bytes decode or are refused, nothing else', async () => {
  const kinds = fc.constantFrom(...(Object.keys(SOUND) as (keyof typeof SOUND)[]).filter((kind) => kind !== 'avif'));
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(kinds, fc.array(change, { minLength: 1, maxLength: 6 }), async (kind, changes) => {
      const bytes = Buffer.from(SOUND[kind]);
      for (const [place, value] of changes) bytes[place % bytes.length] = value;
      try {
        const picture = await decodePicture(bytes, { pixelLimit: 100_000 });
        expect(picture.data.length).toBe(picture.width * picture.height * 3);
      } catch (error) {
        expect(error).toBeInstanceOf(BneckError);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});
