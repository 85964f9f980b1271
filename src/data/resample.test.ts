/** Pillow goldens: made with Pillow 9.4, `Image.resize(size, BILINEAR, box)`, from the same formula. */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePicture, type Picture } from './picture.ts';
import { type Box, resizeBilinear, resizeCrop, resizePart } from './resample.ts';
import { crop, flipHorizontal } from './transform.ts';

function formulaPicture(width: number, height: number): Picture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  return makePicture(width, height, data);
}

const hash = (picture: Picture) => createHash('sha256').update(picture.data).digest('hex').slice(0, 16);

test('small pictures, byte for byte', () => {
  expect([...resizeBilinear(formulaPicture(3, 2), 2, 3).data]).toEqual([
    82, 144, 46, 195, 97, 159, 106, 88, 118, 139, 121, 151, 129, 32, 190, 83, 145, 143,
  ]);
  expect([...resizeBilinear(formulaPicture(7, 5), 2, 2, [0.5, 0.25, 6.75, 4.5]).data]).toEqual([
    173, 93, 132, 84, 134, 144, 176, 96, 121, 73, 175, 133,
  ]);
});

const GOLDENS: [number, number, number, number, Box | null, string][] = [
  [1, 1, 5, 4, null, '73dc38d73dc8053d'],
  [7, 5, 13, 17, null, '9c18892764126ac1'],
  [13, 17, 7, 5, null, 'de2271ca26eb99ef'],
  [28, 28, 32, 32, null, '9185db3affc574fe'],
  [97, 131, 96, 128, null, '6d449d03010ac11c'],
  [131, 97, 20, 96, null, '1f107d1a6d146745'],
  [300, 200, 299, 1, null, '140e47cace1b487c'],
  [200, 300, 200, 77, null, 'ff55082dc12f37b7'],
  [200, 300, 77, 300, null, 'ed70324429703652'],
  [500, 375, 224, 224, null, '892877380b4fddb7'],
  [97, 131, 31, 33, [3.3, 10.7, 90.9, 120.1], '9213ab728a02233f'],
  [97, 131, 97, 131, [0.5, 0, 97, 131], 'b8276d23cbf41cba'],
  [64, 48, 100, 100, [1 / 3, 1 / 7, 2 / 3, 5 / 7], 'ccf00265135c473a'],
  [28, 28, 224, 224, [5, 6, 23, 27], '474f917203ea946d'],
];

test.each(GOLDENS)('%dx%d to %dx%d, box %j', (width, height, newWidth, newHeight, box, golden) => {
  expect(hash(resizeBilinear(formulaPicture(width, height), newWidth, newHeight, box ?? undefined))).toBe(golden);
});

test('the same size is the same picture; impossible sizes and boxes are refused', () => {
  const picture = formulaPicture(4, 3);
  expect(resizeBilinear(picture, 4, 3)).toBe(picture);
  expect(() => resizeBilinear(picture, 0, 3)).toThrow();
  expect(() => resizeBilinear(picture, 2, 2, [0, 0, 5, 3])).toThrow();
  expect(() => resizeBilinear(picture, 2, 2, [1, 1, 1, 2])).toThrow();
});

/** Weights of one output pixel for each input pixel, as Pillow computes them. */
function plainWeights(inputSize: number, start: number, end: number, outputSize: number, output: number): number[] {
  const scale = Math.fround(end - start) / outputSize;
  const support = Math.max(scale, 1);
  const center = start + (output + 0.5) * scale;
  const low = Math.max(0, Math.trunc(center - support + 0.5));
  const high = Math.min(inputSize, Math.trunc(center + support + 0.5));
  const exact = Array.from({ length: inputSize }, (_, i) =>
    i < low || i >= high ? 0 : Math.max(0, 1 - Math.abs((i - center + 0.5) * (1 / support))),
  );
  const sum = exact.reduce((a, b) => a + b, 0);
  return exact.map((weight) => (sum === 0 ? 0 : Math.trunc(0.5 + (weight / sum) * 2 ** 22)));
}

/** The two passes, written down as they are defined. */
function plainResize({ width, height, data }: Picture, newWidth: number, newHeight: number, box: Box): number[] {
  const round = (weights: number[], value: (i: number) => number) =>
    weights.reduce((sum, weight, i) => sum + weight * value(i), 2 ** 21) >> 22;
  const across = Array.from({ length: newWidth }, (_, x) => plainWeights(width, box[0], box[2], newWidth, x));
  const down = Array.from({ length: newHeight }, (_, y) => plainWeights(height, box[1], box[3], newHeight, y));
  const lines = Array.from({ length: height * newWidth * 3 }, (_, i) => {
    const [row, x, c] = [Math.floor(i / (newWidth * 3)), Math.floor(i / 3) % newWidth, i % 3];
    return round(across[x] as number[], (from) => data[(row * width + from) * 3 + c] as number);
  });
  return Array.from({ length: newHeight * newWidth * 3 }, (_, i) => {
    const [y, rest] = [Math.floor(i / (newWidth * 3)), i % (newWidth * 3)];
    return round(down[y] as number[], (from) => lines[from * newWidth * 3 + rest] as number);
  });
}

test('any picture, any part of it, to any size: what the definition gives', () => {
  const side = fc.integer({ min: 1, max: 24 });
  const part = fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 100 }));
  const run = fc.property(
    side,
    side,
    side,
    side,
    part,
    part,
    fc.integer(),
    (width, height, newWidth, newHeight, h, v, seed) => {
      const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i + seed, 2654435761) >>> 24);
      const picture = makePicture(width, height, data);
      const between = ([from, to]: [number, number], size: number): [number, number] => [
        Math.fround((Math.min(from, to - 1) * size) / 100),
        Math.min(size, Math.fround((Math.max(from + 1, to) * size) / 100)),
      ];
      const [[left, right], [top, bottom]] = [between(h, width), between(v, height)];
      const box: Box = [left, top, right, bottom];
      expect([...resizeBilinear(picture, newWidth, newHeight, box).data]).toEqual(
        plainResize(picture, newWidth, newHeight, box),
      );
    },
  );
  fc.assert(run, { numRuns: 300 });
});

// More rows than are worked on at once, on either side, and weights of few bits, as from 224 to 256 or 512 to 256, among others.
test.each([
  [1500, 61, 4, 64],
  [1500, 64, 4, 32],
  [1500, 61, 4, 7],
  [3, 61, 600, 70],
  [3, 5, 600, 70],
  [224, 56, 256, 64],
  [256, 64, 128, 32],
  [5600, 40, 3, 20],
  [56, 64, 64, 16],
])('%dx%d to %dx%d: what the definition gives', (width, height, newWidth, newHeight) => {
  const picture = formulaPicture(width, height);
  const expected = plainResize(picture, newWidth, newHeight, [0, 0, width, height]);
  expect(Buffer.from(resizeBilinear(picture, newWidth, newHeight).data).equals(Uint8Array.from(expected))).toBe(true);
});

test('pictures of several sizes in turns, and one that no memory holds in between', () => {
  const pictures = [formulaPicture(500, 375), formulaPicture(131, 97), formulaPicture(375, 500)];
  const alone = pictures.map((picture) => resizeBilinear(picture, 100, 90));
  const twice = pictures.flatMap((picture) => [resizeBilinear(picture, 100, 90), resizeBilinear(picture, 100, 90)]);
  expect(() => resizeBilinear(formulaPicture(4, 3000), 1_000_000, 1)).toThrow();
  expect([...twice, resizeBilinear(formulaPicture(375, 500), 100, 90)]).toEqual([
    ...alone.flatMap((one) => [one, one]),
    alone[2],
  ]);
});

test('a part of a resized picture is what resizing and cropping give, at any size', () => {
  const side = fc.integer({ min: 1, max: 40 });
  const axis = fc.tuple(side, side, fc.nat(), fc.nat());
  const run = fc.property(axis, axis, ([width, newWidth, h, right], [height, newHeight, v, below]) => {
    const picture = formulaPicture(width, height);
    const size = { width: newWidth, height: newHeight };
    const [x, y] = [h % newWidth, v % newHeight];
    const part = { x, y, width: 1 + (right % (newWidth - x)), height: 1 + (below % (newHeight - y)) };
    expect(resizePart(picture, size, part)).toEqual(crop(resizeBilinear(picture, newWidth, newHeight), part));
  });
  fc.assert(run, { numRuns: 300 });
  const outside = { x: 1, y: 0, width: 4, height: 4 };
  expect(() => resizePart(formulaPicture(8, 8), { width: 4, height: 4 }, outside)).toThrow();
});

test('a white picture stays white at any size', () => {
  const white = makePicture(301, 7, new Uint8Array(301 * 7 * 3).fill(255));
  for (const [width, height] of [
    [1, 1],
    [300, 6],
    [3, 500],
  ] as const) {
    expect(resizeBilinear(white, width, height).data.every((value) => value === 255)).toBe(true);
  }
});

// Boxes that take one, two, three, four and more taps, on either axis, and those whose size stays.
test.each([
  [1, 1, 5],
  [2, 3, 7],
  [3, 2, 2],
  [9, 20, 20],
  [23, 21, 20],
  [31, 40, 20],
  [20, 20, 20],
  [20, 47, 20],
  [60, 50, 3],
])(
  'a part of %dx%d as a square of %d, mirrored or not, is what cropping, resizing and flipping give',
  (width, height, side) => {
    const picture = formulaPicture(width + 5, height + 3);
    const box = { x: 4, y: 1, width, height };
    const plain = resizeBilinear(crop(picture, box), side, side);
    const output = new Uint8Array(side * side * 3);
    resizeCrop(picture, box, side, false, output);
    expect(output).toEqual(plain.data);
    resizeCrop(picture, box, side, true, output);
    expect(output).toEqual(flipHorizontal(plain).data);
  },
);

test('a part must lie in its picture, and the output be a square of its size', () => {
  const picture = formulaPicture(8, 8);
  const at = { x: 0, y: 0, width: 8, height: 8 };
  expect(() => resizeCrop(picture, { ...at, x: 1 }, 4, false, new Uint8Array(48))).toThrow();
  expect(() => resizeCrop(picture, at, 4, false, new Uint8Array(47))).toThrow();
});

test('memory for a large picture is let go of, and the next one has enough', () => {
  const large = makePicture(5000, 4500, new Uint8Array(5000 * 4500 * 3).fill(255));
  expect(resizeBilinear(large, 7, 5).data.every((value) => value === 255)).toBe(true);
  expect(hash(resizeBilinear(formulaPicture(500, 375), 224, 224))).toBe('892877380b4fddb7');
});

test('a size that no memory holds is refused with what it takes, and the next picture is resized', () => {
  expect(() => resizeBilinear(formulaPicture(4, 3000), 1_000_000, 1)).toThrow(/^Resizing takes 8,\d{3} MB of memory/);
  expect(hash(resizeBilinear(formulaPicture(500, 375), 224, 224))).toBe('892877380b4fddb7');
});
