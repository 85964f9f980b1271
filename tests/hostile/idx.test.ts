/** IDX files that are damaged or lie about themselves: each must end in a BneckError, soon and in little memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import { readIdxFile } from '../../src/data/idx.node.ts';
import { parseIdx, parseIdxPair } from '../../src/data/idx.ts';
import { storedDataset } from '../../src/data/stored-pictures.ts';
import { expectLittle } from './expect-little.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function idx(magic: number, shape: number[], body: Uint8Array = new Uint8Array(0)): Buffer {
  const header = Buffer.alloc(4 + shape.length * 4);
  header.writeUInt32BE(magic, 0);
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + i * 4);
  });
  return Buffer.concat([header, body]);
}

const HUGE = 0xffffffff;
const WRONG: [string, Buffer, RegExp][] = [
  ['empty', Buffer.alloc(0), /cut off, 0 bytes/],
  ['three bytes', Buffer.alloc(3), /cut off, 3 bytes/],
  ['a PNG', Buffer.from('\x89PNG\r\n\x1a\nxxxxxxxxxxxx', 'latin1'), /not an IDX file \(it starts with 0x89504e47\)/],
  ['bytes in the other order', Buffer.from([3, 8, 0, 0, 1, 0, 0, 0]), /not an IDX file/],
  ['floats', idx(0x0d01, [1], new Uint8Array(4)), /element type 0xd/],
  ['an unknown element type', idx(0xff01, [1], new Uint8Array(4)), /element type 0xff/],
  ['no dimensions', idx(0x0800, [], new Uint8Array(9)), /not an IDX file/],
  ['five dimensions', idx(0x0805, [1, 1, 1, 1, 1], new Uint8Array(1)), /not an IDX file/],
  ['255 dimensions', idx(0x08ff, Array(255).fill(2)), /not an IDX file/],
  ['cut in the header', idx(0x0803, [1, 1]), /cut off within the header/],
  ['cut in the body', idx(0x0803, [2, 2, 2], new Uint8Array(7)), /asks for 24 bytes, it has 23/],
  ['too long', idx(0x0803, [2, 2, 2], new Uint8Array(9)), /asks for 24 bytes, it has 25/],
  ['half a gigabyte claimed', idx(0x0803, [2 ** 19, 32, 32], new Uint8Array(9)), /asks for 536870928 bytes, it has 25/],
  ['sizes of 2^96', idx(0x0803, [HUGE, HUGE, HUGE], new Uint8Array(8)), /claims more than/],
  ['a product of 2^32, 0 in 32 bits', idx(0x0802, [65_536, 65_536]), /claims more than/],
  ['a product of 2^64, 0 in 64 bits', idx(0x0804, [65_536, 65_536, 65_536, 65_536]), /claims more than/],
  ['huge sizes behind a zero', idx(0x0803, [0, HUGE, HUGE]), /claims more than/],
];

test.each(WRONG)('IDX, %s: refused from memory, from a file and from gzip', async (_, bytes, pattern) => {
  const attempts = [
    async () => parseIdx(bytes, 'x'),
    () => readIdxFile(file('wrong-idx', bytes)),
    async () => parseIdx(await readIdxFile(file('wrong-idx.gz', gzipSync(bytes))), 'x'),
  ];
  await expectLittle(async () => {
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow(BneckError);
  });
  expect(() => parseIdx(bytes, 'x')).toThrow(pattern);
});

const BODY = Uint8Array.from({ length: 7840 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
const GOOD = gzipSync(idx(0x0803, [10, 28, 28], BODY));
const flipped = Buffer.from(GOOD);
flipped[GOOD.length >> 1] = (flipped[GOOD.length >> 1] as number) ^ 0xff;
const zeros = Buffer.alloc(300_000_000);

const WRONG_GZIP: [string, Uint8Array, RegExp][] = [
  ['empty', new Uint8Array(0), /damaged|cut off/],
  ['text', Buffer.from('no gzip'), /not a gzip file/],
  ['cut', GOOD.subarray(0, GOOD.length - 300), /damaged or cut off/],
  ['cut before its checksum', GOOD.subarray(0, GOOD.length - 8), /damaged or cut off/],
  ['damaged', flipped, /damaged|not a gzip file/],
  ['gzip in gzip', gzipSync(GOOD), /not an IDX file \(it starts with 0x1f8b/],
  ['followed by a second IDX file', Buffer.concat([GOOD, GOOD]), /inflates to more than the 7856 bytes/],
  ['a bomb behind a header', gzipSync(Buffer.concat([idx(0x0803, [10, 28, 28]), zeros])), /more than the 7856 bytes/],
  ['a bomb of zeros', gzipSync(zeros), /not an IDX file/],
];

test.each(WRONG_GZIP)('gzipped IDX, %s: refused', async (_, bytes, pattern) => {
  const path = file('wrong.gz', bytes);
  await expectLittle(() => expect(readIdxFile(path)).rejects.toThrow(pattern));
  await expect(readIdxFile(path)).rejects.toThrow(BneckError);
});

test('a gzip file that claims half a gigabyte and holds little gives what it holds, and takes no more', async () => {
  const path = file('claim.gz', gzipSync(idx(0x0803, [2 ** 19, 32, 32], BODY)));
  await expectLittle(async () => {
    const bytes = await readIdxFile(path);
    expect(bytes.length).toBe(7856);
    expect(() => parseIdx(bytes, 'x')).toThrow(/asks for 536870928 bytes, it has 7856/);
  });
});

test('a sound file is read, plain and gzipped; one that is missing is refused', async () => {
  expect((await readIdxFile(file('good', idx(0x0803, [10, 28, 28], BODY)))).length).toBe(7856);
  expect((await readIdxFile(file('good.gz', GOOD))).length).toBe(7856);
  await expect(readIdxFile(join(folder, 'missing'))).rejects.toThrow(/cannot be opened/);
});

const IMAGES = idx(0x0803, [3, 2, 2], new Uint8Array(12));
const labels = (...values: number[]): Buffer => idx(0x0801, [values.length], Uint8Array.from(values));
const WRONG_PAIRS: [string, Buffer, Buffer, RegExp][] = [
  ['a label too few', IMAGES, labels(0, 1), /3 pictures but l has 2 labels/],
  ['a label too many', IMAGES, labels(0, 1, 0, 1), /3 pictures but l has 4 labels/],
  ['a label without a class', IMAGES, labels(0, 1, 2), /i#2: label 2, but there are 2 class names/],
  ['labels for pictures', labels(0, 1, 0), labels(0, 1, 0), /1 dimensions where images have 3/],
  ['pictures for labels', IMAGES, IMAGES, /3 dimensions where labels have 1/],
  ['no pictures', idx(0x0803, [0, 28, 28]), labels(), /holds no pictures/],
  ['pictures without width', idx(0x0803, [3, 28, 0]), labels(0, 1, 0), /holds no pictures/],
];

test.each(WRONG_PAIRS)('IDX files that do not fit together, %s: refused', (_, images, labelFile, pattern) => {
  const open = (imageFile: Uint8Array, other: Uint8Array) =>
    storedDataset(parseIdxPair({ images: imageFile, imagesName: 'i', labels: other, labelsName: 'l' }), ['a', 'b']);
  expect(open(IMAGES, labels(0, 1, 0)).length).toBe(3);
  expect(() => open(images, labelFile)).toThrow(pattern);
  expect(() => open(images, labelFile)).toThrow(BneckError);
});
