/** Boxes against those that torchvision drew from the same uniform numbers, and how they are spread. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RandomStream } from '../../base/random.ts';
import { type BoxRanges, randomCropBox, randomErasedBox } from './random-box.ts';

/** A stream that gives these uniform numbers, and integers from them; an empty list gives 1 for ever. */
function streamOf(drawn: readonly number[]): RandomStream {
  let next = 0;
  const uniform = () => (drawn.length === 0 ? 1 : (drawn[next++] as number));
  return { uniform, integer: (bound: number) => Math.floor(uniform() * bound) } as unknown as RandomStream;
}

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
  // ten draws that all miss: the full area at the greatest ratio
  [244, 607, [0.5, 1], [0.9, 1.1], [], [0, 168, 244, 271]],
  [60, 1000, [0.08, 1], [3 / 4, 4 / 3], [], [0, 460, 60, 80]],
  [1000, 100, [0.9, 1], [1, 1], [], [450, 0, 100, 100]],
];

test.each(BOXES)('random resized crop of %dx%d as torchvision', (width, height, scale, ratio, drawn, box) => {
  const got = randomCropBox(streamOf(drawn), { width, height }, { scale, ratio });
  expect([got.x, got.y, got.width, got.height]).toEqual(box);
});

const goldens = JSON.parse(
  readFileSync(new URL('../../../tests/golden/augment/policies.json', import.meta.url), 'utf8'),
);

test('erased boxes as torchvision', () => {
  expect(goldens.erasedBoxes.length).toBeGreaterThan(3);
  for (const { size, scale, ratio, uniform, box } of goldens.erasedBoxes) {
    expect(randomErasedBox(streamOf(uniform), size, { scale, ratio })).toEqual(box);
  }
});

const CROP: BoxRanges = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] };
const ERASE: BoxRanges = { scale: [0.02, 0.33], ratio: [0.3, 3.3] };

test('boxes keep to the picture, for pictures of any shape', () => {
  for (let i = 0; i < 500; i++) {
    const shape = new RandomStream(5, 'split', i);
    const size = { width: 1 + shape.integer(90), height: 1 + shape.integer(90) };
    const stream = new RandomStream(3, 'augment', 0, i);
    for (const box of [randomCropBox(stream, size, CROP), randomErasedBox(stream, size, ERASE)]) {
      if (box === null) continue;
      expect(box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1).toBe(true);
      expect(box.x + box.width <= size.width && box.y + box.height <= size.height).toBe(true);
    }
  }
});

test.each([
  ['crops', randomCropBox, { scale: [0.2, 0.5], ratio: [0.5, 2] }],
  ['erased boxes', randomErasedBox, ERASE],
] as const)('%s: areas and ratios within their ranges, areas spread evenly', (_, draw, ranges) => {
  const size = { width: 500, height: 500 };
  const areas: number[] = [];
  let wide = 0;
  for (let i = 0; i < 3000; i++) {
    const box = draw(new RandomStream(9, 'augment', 0, i), size, ranges);
    if (box === null) continue;
    const area = (box.width * box.height) / (500 * 500);
    const ratio = box.width / box.height;
    expect(area).toBeGreaterThan(ranges.scale[0] - 0.01);
    expect(area).toBeLessThan(ranges.scale[1] + 0.01);
    expect(ratio).toBeGreaterThan(1 / ranges.ratio[1] - 0.05);
    expect(ratio).toBeLessThan(ranges.ratio[1] + 0.05);
    areas.push(area);
    if (ratio > 1) wide += 1;
  }
  expect(areas.length).toBeGreaterThan(2900);
  // Ratios are log-uniform around 1, so as many boxes are wide as are high.
  expect(Math.abs(wide / areas.length - 0.5)).toBeLessThan(0.06);
  const middle = (ranges.scale[0] + ranges.scale[1]) / 2;
  expect(Math.abs(areas.filter((area) => area < middle).length / areas.length - 0.5)).toBeLessThan(0.06);
});
