/** What is drawn, how often and within which ranges; and that a picture hangs on its key alone. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { RandomStream } from '../../base/random.ts';
import { makePicture } from '../picture.ts';
import { IMAGENET_MEAN } from '../preprocess.ts';
import { centerCrop, resizeShortSide } from '../transform.ts';
import { augmentPicture, drawOperations } from './augment-picture.ts';
import type { Augmentation } from './augmentation.ts';
import type { PictureOperation } from './picture-operation.ts';
import { namedAugmentation } from './presets.ts';

const picture = makePicture(
  50,
  40,
  Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24),
);
const target = { resolution: 32, mean: IMAGENET_MEAN };
const hash = (data: Uint8Array | Uint8ClampedArray) => createHash('sha256').update(data).digest('hex').slice(0, 16);
const augment = (augmentation: Augmentation, epoch: number, index: number) =>
  hash(augmentPicture(picture, target, augmentation, new RandomStream(1, 'augment', epoch, index)).data);

const DRAWS = 2000;

/** The operations after the crop, for many pictures. */
function drawMany(augmentation: Augmentation, size = picture): PictureOperation[][] {
  return Array.from({ length: DRAWS }, (_, index) =>
    drawOperations(augmentation, size, target, new RandomStream(2, 'augment', 0, index)).slice(1),
  );
}

/** Within the range, its middle in the middle, and reaching near its ends. */
function expectUniform(values: readonly number[], low: number, high: number): void {
  const span = high - low;
  expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
  expect(Math.max(...values)).toBeLessThanOrEqual(high);
  expect(Math.min(...values)).toBeLessThan(low + 0.02 * span);
  expect(Math.max(...values)).toBeGreaterThan(high - 0.02 * span);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((5 * span) / Math.sqrt(12 * values.length));
}

test('a picture hangs on its key alone', () => {
  const crops: Augmentation = [
    { kind: 'random-resized-crop', scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
    { kind: 'flip', probability: 0.5 },
  ];
  // Goldens of our own: these bytes must never change, or a resumed run would not be the same run.
  expect([augment(crops, 0, 0), augment(crops, 1, 0), augment(crops, 0, 1)]).toEqual([
    'ce965c20e0fa99f2',
    '79467b73eaf3400f',
    '6f19d26e0c9fa42b',
  ]);
  expect(augment(crops, 0, 3)).toBe(augment(crops, 0, 3));
  const every = 'random-crop,flip,vertical-flip,affine,color-jitter,randaugment,trivialaugment,autoaugment,erase';
  const drawn = [0, 1, 2, 3, 4, 5].map((index) => augment(namedAugmentation(every, 32), 0, index));
  expect(hash(Buffer.from(drawn.join()))).toBe('846974e7b0948c85');
});

test('without a crop the short side is resized and the middle taken', () => {
  expect(augment([], 0, 0)).toBe(hash(centerCrop(resizeShortSide(picture, 32), 32).data));
});

test.each(['flip', 'vertical-flip'] as const)('%s: as often as asked', (kind) => {
  const flips = drawMany([{ kind, probability: 0.25 }]).filter(([operation]) => operation?.kind === kind);
  expect(Math.abs(flips.length / DRAWS - 0.25)).toBeLessThan(0.05);
  expect(drawMany([{ kind, probability: 0 }]).flat()).toEqual([]);
  expect(drawMany([{ kind, probability: 1 }]).flat()).toHaveLength(DRAWS);
});

test('affine: angles, shifts, sizes and shears within their ranges', () => {
  const op = { kind: 'affine', degrees: 20, translate: [0.25, 0.5], scale: [0.8, 1.1], shear: [5, 10] } as const;
  const drawn = drawMany([op]).flatMap(([operation]) => (operation?.kind === 'affine' ? [operation] : []));
  expect(drawn).toHaveLength(DRAWS);
  const of = (value: (operation: (typeof drawn)[number]) => number) => drawn.map(value);
  expectUniform(
    of(({ degrees }) => degrees),
    -20,
    20,
  );
  expectUniform(
    of(({ translate }) => translate[0]),
    -8,
    8,
  );
  expectUniform(
    of(({ translate }) => translate[1]),
    -16,
    16,
  );
  expect(drawn.every(({ translate }) => translate.every(Number.isInteger))).toBe(true);
  expectUniform(
    of(({ scale }) => scale),
    0.8,
    1.1,
  );
  expectUniform(
    of(({ shear }) => shear[0]),
    -5,
    5,
  );
  expectUniform(
    of(({ shear }) => shear[1]),
    -10,
    10,
  );
});

test('color jitter: factors within their ranges, in every order, and none that does nothing', () => {
  const op = { kind: 'color-jitter', brightness: 0.4, contrast: 1.5, saturation: 0.2, hue: 0.1 } as const;
  const drawn = drawMany([op]);
  const factors = (kind: string) =>
    drawn.flat().flatMap((operation) => (operation.kind === kind && 'factor' in operation ? [operation.factor] : []));
  expectUniform(factors('brightness'), 0.6, 1.4);
  expectUniform(factors('contrast'), 0, 2.5);
  expectUniform(factors('saturation'), 0.8, 1.2);
  const shifts = drawn.flat().flatMap((operation) => (operation.kind === 'hue' ? [operation.shift] : []));
  expectUniform(shifts, -0.1, 0.1);
  const orders = new Map<string, number>();
  for (const operations of drawn) {
    const order = operations.map(({ kind }) => kind).join();
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect(orders.size).toBe(24);
  const usual = DRAWS / 24;
  for (const count of orders.values()) expect(Math.abs(count - usual)).toBeLessThan(5 * Math.sqrt(usual));
  const brightnessAlone = drawMany([{ ...op, contrast: 0, saturation: 0, hue: 0 }]);
  expect(brightnessAlone.every((operations) => operations.length === 1)).toBe(true);
});

test('random crop: anywhere within the border', () => {
  // 50 x 40 becomes 40 x 32, with a border of 4 all round.
  const places = Array.from({ length: DRAWS }, (_, index) => {
    const stream = new RandomStream(2, 'augment', 0, index);
    return drawOperations([{ kind: 'random-crop', padding: 1 / 8 }], picture, target, stream)[0];
  }).flatMap((operation) => (operation?.kind === 'shifted-crop' ? [operation] : []));
  expect(places).toHaveLength(DRAWS);
  expect(new Set(places.map(({ x }) => x)).size).toBe(17);
  expect(new Set(places.map(({ y }) => y)).size).toBe(9);
  expectUniform(
    places.map(({ x }) => x),
    -4,
    12,
  );
  expectUniform(
    places.map(({ y }) => y),
    -4,
    4,
  );
});

test('erasing: as often as asked, in the color that is 0 once normalised', () => {
  const op = { kind: 'erase', probability: 0.4, scale: [0.02, 0.33], ratio: [0.3, 3.3] } as const;
  const erased = drawMany([op]).flatMap(([operation]) => (operation?.kind === 'erase' ? [operation] : []));
  expect(Math.abs(erased.length / DRAWS - 0.4)).toBeLessThan(0.05);
  const std = [0.229, 0.224, 0.225];
  for (const [channel, level] of (erased[0]?.color ?? []).entries()) {
    const normalised = (level / 255 - (IMAGENET_MEAN[channel] as number)) / (std[channel] as number);
    expect(Math.abs(normalised)).toBeLessThan(0.5 / 255 / (std[channel] as number));
  }
});

test('ops work in the order of the list', () => {
  const [operations] = drawMany([
    { kind: 'vertical-flip', probability: 1 },
    { kind: 'flip', probability: 1 },
    { kind: 'erase', probability: 1, scale: [0.1, 0.2], ratio: [1, 1] },
  ]);
  expect(operations?.map(({ kind }) => kind)).toEqual(['vertical-flip', 'flip', 'erase']);
});
