/** The sheet: names that would break its text, and pictures in their places. */
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { makePicture } from '../data/picture.ts';
import { captionOf, drawSheet, escapeXml } from './augmentation-sheet.ts';

test('names are escaped, and what XML cannot hold is replaced', () => {
  expect(escapeXml('a & b </text><script>"x"')).toBe('a &amp; b &lt;/text&gt;&lt;script&gt;&quot;x&quot;');
  expect(escapeXml('\u0000\u001b[1m\ud800\ufffe\u202e')).toBe('\ufffd\ufffd[1m\ufffd\ufffd\ufffd');
  expect(escapeXml('Größe 猫 🐈')).toBe('Größe 猫 🐈');
});

test('captions are broken between operations', () => {
  expect(captionOf([])).toEqual([]);
  expect(captionOf(['crop 40%', 'flip', 'rotate +10°', 'shift +3 -2 px'])).toEqual([
    'crop 40%, flip',
    'rotate +10°',
    'shift +3 -2 px',
  ]);
});

const plain = (width: number, height: number, color: readonly number[]) =>
  makePicture(
    width,
    height,
    Uint8Array.from({ length: width * height * 3 }, (_, i) => color[i % 3] as number),
  );

test('pictures of any shape stand in their cells, whatever the names', async () => {
  const hostile = ['</text>', '&amp;', '\u0000\u0007', ']]>', 'x'.repeat(500)];
  const red = { picture: plain(20, 20, [255, 0, 0]), caption: hostile };
  const row = { original: red, versions: [{ picture: plain(300, 2, [0, 0, 255]), caption: [] }] };
  const long = { original: { picture: plain(1, 5000, [0, 128, 0]), caption: ['a'] }, versions: [red] };
  const png = await drawSheet({ title: hostile.join(), subtitle: hostile, columns: ['<a>', 'b'], rows: [row, long] });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.format, info.channels, info.width]).toEqual(['raw', 3, 24 + 160 + 32 + 160 + 24]);
  const count = (color: readonly number[]) => {
    let pixels = 0;
    for (let i = 0; i < data.length; i += 3) {
      if (color.every((level, channel) => data[i + channel] === level)) pixels += 1;
    }
    return pixels;
  };
  expect(count([255, 0, 0])).toBe(2 * 160 * 160);
  expect(count([0, 0, 255])).toBe(160);
  expect(count([0, 128, 0])).toBe(160);
});
