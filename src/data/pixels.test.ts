import { describe, expect, test } from 'vitest';
import { pictureFromPixels } from './pixels.ts';

describe('pictureFromPixels', () => {
  test('drops alpha', () => {
    const data = Uint8ClampedArray.of(1, 2, 3, 0, 4, 5, 6, 255);
    expect(pictureFromPixels({ width: 2, height: 1, data })).toEqual({
      width: 2,
      height: 1,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
  });

  test('takes RGB as it is', () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect(pictureFromPixels({ width: 1, height: 2, data }).data).toBe(data);
  });

  test.each([
    [2, 2, 11],
    [2, 2, 8],
    [0, 4, 0],
    [1.5, 2, 9],
    [-1, -3, 9],
    [Number.NaN, 1, 3],
  ])('refuses %dx%d in %d bytes', (width, height, length) => {
    const pixels = { width, height, data: new Uint8Array(length) };
    expect(() => pictureFromPixels(pixels)).toThrow(expect.objectContaining({ code: 'image' }));
  });
});
