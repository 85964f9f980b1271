/** Files from outside that are damaged or lie about themselves: each must end in a BneckError, soon. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { decodePicture, readPictureSize } from '../../src/data/decode.node.ts';
import { readIdxFile } from '../../src/data/idx.node.ts';
import { idxDataset, parseIdx } from '../../src/data/idx.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const pictures: Record<string, Buffer> = {};
beforeAll(async () => {
  const data = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 0xff);
  const source = () => sharp(data, { raw: { width: 64, height: 48, channels: 3 } });
  pictures.jpg = await source().jpeg().toBuffer();
  pictures.progressive = await source().jpeg({ progressive: true }).toBuffer();
  pictures.png = await source().png().toBuffer();
  pictures.webp = await source().webp().toBuffer();
  pictures.gif = await source().gif().toBuffer();
  pictures.tif = await source().tiff({ compression: 'lzw' }).toBuffer();
  pictures.avif = await source().avif().toBuffer();
});

const imageError = (pattern: RegExp) =>
  expect.objectContaining({ code: 'image', message: expect.stringMatching(pattern) });

test('pictures that are cut off anywhere are refused', async () => {
  for (const [kind, bytes] of Object.entries(pictures)) {
    for (const share of [0.02, 0.3, 0.6, 0.9]) {
      const path = file(`cut.${kind}`, bytes.subarray(0, Math.ceil(bytes.length * share)));
      await expect(decodePicture(path), `${kind} cut to ${share}`).rejects.toEqual(
        imageError(/^.*cut\..*: .*replace or remove/),
      );
    }
  }
});

test('files that are no pictures are told from pictures', async () => {
  const cases: [string, Uint8Array | string, RegExp][] = [
    ['empty.png', '', /the file is empty/],
    ['text.png', 'this is not a picture at all', /it holds text/],
    ['vector.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', /it holds text/],
    ['noise.jpg', Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7), /no known format/],
    ['bitmap.png', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]), /BMP is not supported/],
    [
      'phone.jpg',
      Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(60)]),
      /HEIC is not supported/,
    ],
    ['header.png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), /PNG/],
  ];
  for (const [name, bytes, pattern] of cases) {
    await expect(decodePicture(file(name, bytes))).rejects.toEqual(imageError(pattern));
  }
  await expect(decodePicture(join(folder, 'missing.png'))).rejects.toEqual(imageError(/no such file/));
  await expect(decodePicture(folder)).rejects.toEqual(imageError(/not a file/));
  await expect(decodePicture(new Uint8Array(0), { name: 'upload 3' })).rejects.toEqual(
    imageError(/^upload 3: the file is empty/),
  );
});

/** A PNG whose header claims any size; its body is a few bytes. */
function pngClaiming(width: number, height: number): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const content = Buffer.concat([Buffer.from(type), body]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    const check = Buffer.alloc(4);
    check.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, check]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(99))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('a header that claims too many pixels is refused before decoding', async () => {
  const huge = file('huge.png', pngClaiming(60000, 60000));
  const before = process.memoryUsage().rss;
  await expect(decodePicture(huge)).rejects.toEqual(imageError(/more than the 50 megapixels/));
  await expect(readPictureSize(huge)).rejects.toEqual(imageError(/more than the 50 megapixels/));
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  // As JPEG: the frame header's height and width, right in the file.
  const jpeg = Buffer.from(pictures.jpg as Buffer);
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(60000, frame + 5);
  jpeg.writeUInt16BE(60000, frame + 7);
  await expect(decodePicture(jpeg)).rejects.toEqual(imageError(/megapixels/));
  await expect(decodePicture(pictures.png as Buffer, { pixelLimit: 64 * 48 - 1 })).rejects.toEqual(
    imageError(/megapixels/),
  );
  expect((await decodePicture(pictures.png as Buffer, { pixelLimit: 64 * 48 })).width).toBe(64);
  await expect(decodePicture(pictures.png as Buffer, { pixelLimit: 0 })).rejects.toMatchObject({ code: 'option' });
});

test('pictures with changed bytes decode or are refused, nothing else', async () => {
  const kinds = fc.constantFrom('jpg', 'progressive', 'png', 'webp', 'gif', 'tif');
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(kinds, fc.array(change, { minLength: 1, maxLength: 6 }), async (kind, changes) => {
      const bytes = Buffer.from(pictures[kind] as Buffer);
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

function idx(magic: number, shape: number[], body: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + shape.length * 4);
  header.writeUInt32BE(magic, 0);
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + i * 4);
  });
  return Buffer.concat([header, body]);
}

const wrongIdx: [string, Buffer, RegExp][] = [
  ['empty', Buffer.alloc(0), /cut off, 0 bytes/],
  [
    'wrong magic',
    Buffer.from('\x89PNG\r\n\x1a\nxxxxxxxxxxxx', 'latin1'),
    /not an IDX file \(it starts with 0x89504e47\)/,
  ],
  ['floats', idx(0x0d01, [1], new Uint8Array(4)), /element type 0xd/],
  ['no dimensions', idx(0x0800, [], new Uint8Array(9)), /not an IDX file/],
  ['too many dimensions', idx(0x0805, [1, 1, 1, 1, 1], new Uint8Array(1)), /not an IDX file/],
  ['cut in the header', idx(0x0803, [1, 1], new Uint8Array(0)), /cut off within the header/],
  ['cut in the body', idx(0x0803, [2, 2, 2], new Uint8Array(7)), /asks for 24 bytes, it has 23/],
  ['too long', idx(0x0803, [2, 2, 2], new Uint8Array(9)), /asks for 24 bytes, it has 25/],
  ['huge', idx(0x0803, [0xffffffff, 0xffffffff, 0xffffffff], new Uint8Array(8)), /claims more than/],
  ['huge behind a zero', idx(0x0803, [0, 0xffffffff, 0xffffffff], new Uint8Array(0)), /claims more than/],
];

test.each(wrongIdx)('IDX, %s: refused from memory, from a file and from gzip', async (name, bytes, pattern) => {
  expect(() => parseIdx(bytes, 'x')).toThrow(pattern);
  expect(() => parseIdx(bytes, 'x')).toThrow(BneckError);
  await expect(readIdxFile(file('wrong-idx', bytes))).rejects.toThrow(BneckError);
  const zipped = file('wrong-idx.gz', gzipSync(bytes));
  await expect(
    readIdxFile(zipped).then((inflated) => parseIdx(inflated, name)),
    name,
  ).rejects.toThrow(BneckError);
});

test('gzip bombs, cut and damaged gzip files are refused without inflating them', async () => {
  const bomb = Buffer.concat([idx(0x0803, [10, 28, 28], new Uint8Array(0)), Buffer.alloc(300_000_000)]);
  const path = file('bomb.gz', gzipSync(bomb, { level: 1 }));
  const before = process.memoryUsage().rss;
  await expect(readIdxFile(path)).rejects.toThrow(/inflates to more than the 7856 bytes/);
  expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  const good = gzipSync(
    idx(
      0x0803,
      [10, 28, 28],
      Uint8Array.from({ length: 7840 }, (_, i) => Math.imul(i, 2654435761) >>> 24),
    ),
  );
  expect((await readIdxFile(file('good.gz', good))).length).toBe(7856);
  await expect(readIdxFile(file('cut.gz', good.subarray(0, good.length - 300)))).rejects.toThrow(/damaged or cut off/);
  const damaged = Buffer.from(good);
  damaged[good.length >> 1] = (damaged[good.length >> 1] as number) ^ 0xff;
  await expect(readIdxFile(file('damaged.gz', damaged))).rejects.toThrow(BneckError);
  await expect(readIdxFile(file('text.gz', 'no gzip'))).rejects.toThrow(/not a gzip file/);
  await expect(readIdxFile(file('empty.gz', ''))).rejects.toThrow(BneckError);
  await expect(readIdxFile(join(folder, 'missing'))).rejects.toThrow(/cannot be opened/);
});

test('IDX files that do not fit together are refused', () => {
  const images = idx(0x0803, [3, 2, 2], new Uint8Array(12));
  const labels = (values: number[]) => idx(0x0801, [values.length], Uint8Array.from(values));
  const open = (imageFile: Uint8Array, labelFile: Uint8Array) =>
    idxDataset({ images: imageFile, imagesName: 'i', labels: labelFile, labelsName: 'l' }, ['a', 'b']);
  expect(open(images, labels([0, 1, 0])).length).toBe(3);
  expect(() => open(images, labels([0, 1]))).toThrow(/3 pictures but l has 2 labels/);
  expect(() => open(images, labels([0, 1, 2]))).toThrow(/l#2: label 2, but there are 2 class names/);
  expect(() => open(labels([0, 1, 0]), labels([0, 1, 0]))).toThrow(/1 dimensions where images have 3/);
  expect(() => open(images, images)).toThrow(/3 dimensions where labels have 1/);
  expect(() => open(idx(0x0803, [0, 28, 28], new Uint8Array(0)), labels([]))).toThrow(/holds no pictures/);
});
