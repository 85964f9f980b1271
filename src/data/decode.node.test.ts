/** Decoding against pictures made here with sharp: orientation, colour kinds, depth, formats. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { decodePicture, isPictureName, readPictureSize } from './decode.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'bneck-decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

const WIDTH = 13;
const HEIGHT = 9;
const rgb = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => (i * 7) % 256);
const raw = (data: Uint8Array, channels: 1 | 2 | 3 | 4) =>
  sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } });

test('lossless formats give the pixels back, from bytes and from a path', async () => {
  for (const bytes of [
    await raw(rgb, 3).png().toBuffer(),
    await raw(rgb, 3).webp({ lossless: true }).toBuffer(),
    await raw(rgb, 3).tiff({ compression: 'lzw' }).toBuffer(),
  ]) {
    const path = join(folder, 'lossless');
    writeFileSync(path, bytes);
    for (const source of [bytes, path]) {
      const picture = await decodePicture(source);
      expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
      expect([...picture.data]).toEqual([...rgb]);
    }
  }
});

test('lossy formats decode', async () => {
  for (const bytes of [
    await raw(rgb, 3).jpeg().toBuffer(),
    await raw(rgb, 3).jpeg({ progressive: true }).toBuffer(),
    await raw(rgb, 3).gif().toBuffer(),
    await raw(rgb, 3).avif().toBuffer(),
    await raw(rgb, 3).jpeg().toColourspace('cmyk').toBuffer(),
  ]) {
    const picture = await decodePicture(bytes);
    expect(picture.data.length).toBe(WIDTH * HEIGHT * 3);
  }
});

test('alpha is dropped, not blended', async () => {
  const rgba = Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) => (i % 4 === 3 ? (i * 5) % 256 : i % 256));
  const picture = await decodePicture(await raw(rgba, 4).png().toBuffer());
  expect([...picture.data]).toEqual([...rgba].filter((_, i) => i % 4 !== 3));
});

test('grayscale, with alpha too, and 16 bits become 8-bit RGB', async () => {
  const gray = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i * 2) % 256);
  const expected = [...gray].flatMap((value) => [value, value, value]);
  expect([...(await decodePicture(await raw(gray, 1).toColourspace('b-w').png().toBuffer())).data]).toEqual(expected);
  const grayAlpha = Uint8Array.from([...gray].flatMap((value) => [value, 17]));
  expect([...(await decodePicture(await raw(grayAlpha, 2).toColourspace('b-w').png().toBuffer())).data]).toEqual(
    expected,
  );

  const deep = Uint16Array.from(rgb, (value) => value * 256 + 200);
  const deepFile = await sharp(deep, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  expect((await sharp(deepFile).metadata()).depth).toBe('ushort');
  expect([...(await decodePicture(deepFile)).data]).toEqual([...rgb]);
  const deepGray = Uint16Array.from(gray, (value) => value * 256 + 3);
  const deepGrayFile = await sharp(deepGray, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  expect((await sharp(deepGrayFile).metadata()).depth).toBe('ushort');
  expect([...(await decodePicture(deepGrayFile)).data]).toEqual(expected);
});

test('EXIF orientation is applied, also to the size from the header', async () => {
  const turned = await sharp(rgb, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  const path = join(folder, 'turned.png');
  writeFileSync(path, turned);
  const picture = await decodePicture(path);
  expect([picture.width, picture.height]).toEqual([HEIGHT, WIDTH]);
  expect(await readPictureSize(path)).toEqual({ width: HEIGHT, height: WIDTH });
  // Orientation 6: the first row is shown as the rightmost column.
  const topRight = (HEIGHT - 1) * 3;
  expect([...picture.data.subarray(topRight, topRight + 3)]).toEqual([...rgb.subarray(0, 3)]);
});

test('an animation gives its first frame', async () => {
  const frames = new Uint8Array(WIDTH * HEIGHT * 3 * 2).fill(200);
  frames.fill(40, 0, WIDTH * HEIGHT * 3);
  const gif = await sharp(frames, { raw: { width: WIDTH, height: HEIGHT * 2, channels: 3, pageHeight: HEIGHT } })
    .gif()
    .toBuffer();
  expect((await sharp(gif).metadata()).pages).toBe(2);
  const picture = await decodePicture(gif);
  expect([picture.width, picture.height, picture.data[0]]).toEqual([WIDTH, HEIGHT, 40]);
});

test('picture names', () => {
  expect(['a.JPG', 'b.jpeg', 'c.x.png', 'd.webp'].every(isPictureName)).toBe(true);
  expect(['.png', 'a.txt', 'png', 'a.svg', 'a.png.part'].some(isPictureName)).toBe(false);
});
