/** Goldens made with torchvision 0.14 on Pillow pictures of the same formula. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { makePicture, type Picture } from './picture.ts';
import { checkPreprocessing, defaultPreprocessing, evaluationPicture } from './preprocess.ts';
import {
  centerCrop,
  crop,
  flipHorizontal,
  flipVertical,
  resizeCenter,
  resizeShortSide,
  roundHalfToEven,
  shortSideSize,
} from './transform.ts';

function formulaPicture(width: number, height: number): Picture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  return makePicture(width, height, data);
}

const hash = (data: Uint8Array | Uint8ClampedArray) => createHash('sha256').update(data).digest('hex').slice(0, 16);

test.each([
  [50, 40, 32, 28, '8f3eac1a9c8de0c1'],
  [40, 50, 33, 28, '6b2a9c7559f34ccb'],
  [31, 67, 24, 24, '5567ffc8e6533368'],
  [20, 20, 20, 31, 'ee927fef6678224f'],
  [33, 20, 15, 24, '7ccc27733196061d'],
  [97, 131, 256, 224, '3e77a46e9b068bc0'],
])('%dx%d: Resize(%d), CenterCrop(%d) as torchvision', (width, height, size, side, golden) => {
  const picture = formulaPicture(width, height);
  expect(hash(centerCrop(resizeShortSide(picture, size), side).data)).toBe(golden);
  expect(hash(resizeCenter(picture, size, side).data)).toBe(golden);
});

test.each([
  [5, 4, '9a640f85aea9246e'],
  [4, 5, 'c84d99611838d822'],
  [8, 8, '0084ac93b4ae5d87'],
  [7, 7, '5bf77fe63b9e63d8'],
  [3, 12, '3c9f529b6f49bc22'],
])('center crop of 9x7 to %dx%d rounds and pads as torchvision', (width, height, golden) => {
  expect(hash(centerCrop(formulaPicture(9, 7), width, height).data)).toBe(golden);
});

test('rounding, sizes, flips', () => {
  expect([0.5, 1.5, 2.5, 2.4, 2.6, 3.5].map(roundHalfToEven)).toEqual([0, 2, 2, 2, 3, 4]);
  expect(shortSideSize({ width: 500, height: 375 }, 256)).toEqual({ width: 341, height: 256 });
  expect(shortSideSize({ width: 375, height: 500 }, 256)).toEqual({ width: 256, height: 341 });
  const picture = formulaPicture(5, 3);
  expect(flipHorizontal(flipHorizontal(picture)).data).toEqual(picture.data);
  expect([...flipHorizontal(makePicture(2, 1, Uint8Array.of(1, 2, 3, 4, 5, 6))).data]).toEqual([4, 5, 6, 1, 2, 3]);
  expect(flipVertical(flipVertical(picture)).data).toEqual(picture.data);
  expect([...flipVertical(makePicture(1, 2, Uint8Array.of(1, 2, 3, 4, 5, 6))).data]).toEqual([4, 5, 6, 1, 2, 3]);
  expect(() => crop(picture, { x: 3, y: 0, width: 3, height: 1 })).toThrow();
});

test('preprocessing: defaults, size, and options that cannot be', () => {
  expect(defaultPreprocessing(224).resize).toBe(256);
  expect(defaultPreprocessing(96).resize).toBe(110);
  expect(defaultPreprocessing(32).resize).toBe(32);
  expect(evaluationPicture(formulaPicture(60, 41), defaultPreprocessing(28)).length).toBe(28 * 28 * 3);
  const preprocessing = defaultPreprocessing(32);
  expect(() => checkPreprocessing({ ...preprocessing, resolution: 0 })).toThrow(/resolution 0/);
  expect(() => checkPreprocessing({ ...preprocessing, resize: 31 })).toThrow(/at least the resolution/);
  expect(() => checkPreprocessing({ ...preprocessing, std: [1, 0, 1] })).toThrow(/std above 0/);
});

test.each([
  ['resized', 60, 41, 28, 32],
  ['cropped', 40, 32, 28, 32],
  ['smaller than the network wants', 5, 5, 28, 28],
  ['as it is', 28, 28, 28, 28],
])('preprocessing into given room: a picture %s', (_, width, height, resolution, resize) => {
  const picture = formulaPicture(width, height);
  const preprocessing = { ...defaultPreprocessing(resolution), resize };
  const before = [...picture.data];
  const room = new Uint8Array(resolution ** 2 * 3).fill(77);
  expect(evaluationPicture(picture, preprocessing, room)).toBe(room);
  expect(room).toEqual(evaluationPicture(picture, preprocessing));
  expect([...picture.data]).toEqual(before);
  for (const length of [room.length - 1, room.length + 1]) {
    expect(() => evaluationPicture(picture, preprocessing, new Uint8Array(length))).toThrow(`the target has ${length}`);
  }
});
