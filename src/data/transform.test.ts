/** Goldens made with torchvision 0.14 on Pillow pictures of the same formula. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { RandomStream } from '../base/random.ts';
import {
  type Augmentation,
  augmentPicture,
  checkAugmentation,
  DEFAULT_AUGMENTATION,
  randomResizedCropBox,
} from './augment.ts';
import { makePicture, type Picture } from './picture.ts';
import { checkPreprocessing, defaultPreprocessing, evaluationPicture } from './preprocess.ts';
import { centerCrop, crop, flipHorizontal, resizeShortSide, roundHalfToEven, shortSideSize } from './transform.ts';

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
  expect(hash(centerCrop(resizeShortSide(formulaPicture(width, height), size), side).data)).toBe(golden);
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
  expect(() => crop(picture, { x: 3, y: 0, width: 3, height: 1 })).toThrow();
});

// [width, height, scale, ratio, uniform numbers as torch drew them, box]
const BOXES: [number, number, [number, number], [number, number], number[], number[]][] = [
  [3, 2, [0.9, 1], [1, 1], [0.8422970175743103, 0.7717325091362, 0.701820969581604, 0.8151516914367676], [1, 0, 2, 2]],
  [
    500,
    375,
    [0.25, 0.5],
    [0.5, 2],
    [0.6619082689285278, 0.5581469535827637, 0.47190308570861816, 0.07202565670013428],
    [15, 50, 291, 268],
  ],
  [
    375,
    500,
    [0.08, 1],
    [3 / 4, 4 / 3],
    [0.06275546550750732, 0.39476966857910156, 0.8158722519874573, 0.5832247734069824],
    [128, 273, 156, 166],
  ],
  [
    32,
    32,
    [0.08, 1],
    [3 / 4, 4 / 3],
    [0.6796275973320007, 0.6276609897613525, 0.7203931212425232, 0.2766520380973816],
    [1, 5, 28, 26],
  ],
  [244, 607, [0.5, 1], [0.9, 1.1], [], [0, 168, 244, 271]],
  [60, 1000, [0.08, 1], [3 / 4, 4 / 3], [], [0, 460, 60, 80]],
  [1000, 100, [0.9, 1], [1, 1], [], [450, 0, 100, 100]],
];

test.each(BOXES)('random resized crop of %dx%d as torchvision', (width, height, scale, ratio, drawn, box) => {
  let next = 0;
  // An empty list stands for ten draws that all miss: the full area at the greatest ratio.
  const uniform = () => (drawn.length === 0 ? 1 : (drawn[next++] as number));
  const stream = { uniform, integer: (bound: number) => Math.floor(uniform() * bound) } as unknown as RandomStream;
  const got = randomResizedCropBox(stream, width, height, { scale, ratio });
  expect([got.x, got.y, got.width, got.height]).toEqual(box);
});

test('augmentation hangs on the key alone and flips as often as asked', () => {
  const picture = formulaPicture(50, 40);
  const draw = (epoch: number, sample: number) =>
    hash(augmentPicture(picture, 32, DEFAULT_AUGMENTATION, new RandomStream(1, 'augment', epoch, sample)).data);
  expect(draw(0, 3)).toBe(draw(0, 3));
  // A golden of our own: these bytes must never change, or a resumed run would not be the same run.
  expect([draw(0, 0), draw(1, 0), draw(0, 1)]).toEqual(AUGMENTED);
  const whole: Augmentation = { randomResizedCrop: null, flip: 0.25 };
  const straight = hash(centerCrop(resizeShortSide(picture, 32), 32).data);
  let flips = 0;
  for (let i = 0; i < 400; i++) {
    if (hash(augmentPicture(picture, 32, whole, new RandomStream(2, 'augment', 0, i)).data) !== straight) flips += 1;
  }
  expect(flips).toBeGreaterThan(70);
  expect(flips).toBeLessThan(130);
});
const AUGMENTED = ['ce965c20e0fa99f2', '79467b73eaf3400f', '6f19d26e0c9fa42b'];

test('crops keep to the picture, for pictures of any shape', () => {
  for (let i = 0; i < 500; i++) {
    const shape = new RandomStream(5, 'split', i);
    const width = 1 + shape.integer(90);
    const height = 1 + shape.integer(90);
    const stream = new RandomStream(3, 'augment', 0, i);
    const box = randomResizedCropBox(stream, width, height, { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] });
    expect(box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1).toBe(true);
    expect(box.x + box.width <= width && box.y + box.height <= height).toBe(true);
  }
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
  expect(() => checkAugmentation({ randomResizedCrop: null, flip: 1.5 })).toThrow(/probability/);
  expect(() => checkAugmentation({ randomResizedCrop: { scale: [0, 1], ratio: [1, 1] }, flip: 0 })).toThrow(/scale/);
  expect(() => checkAugmentation({ randomResizedCrop: { scale: [0.5, 1], ratio: [2, 1] }, flip: 0 })).toThrow(/ratio/);
});
