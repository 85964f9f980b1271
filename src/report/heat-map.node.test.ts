/** Heat maps: colours in order of brightness, enlarging that keeps values in place, tiles in their places. */
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { drawHeat, drawHeatOver, drawMapSheet, encodePng, enlarge, heatColour } from './heat-map.node.ts';

test('colours get brighter from end to end', () => {
  expect([heatColour(0), heatColour(1)]).toEqual([
    [0, 0, 4],
    [252, 255, 164],
  ]);
  expect([heatColour(-3), heatColour(7)]).toEqual([heatColour(0), heatColour(1)]);
  const luminances = Array.from({ length: 101 }, (_, step) => {
    const [red, green, blue] = heatColour(step / 100).map((level) => (level / 255) ** 2.2) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  for (let step = 1; step <= 100; step++) expect(luminances[step]).toBeGreaterThan(luminances[step - 1] as number);
});

test('enlarging goes from value to value and stays within them', () => {
  const { values } = enlarge({ width: 2, height: 1, values: [0, 8] }, 8, 2);
  expect(Array.from(values)).toEqual([0, 0, 1, 3, 5, 7, 8, 8, 0, 0, 1, 3, 5, 7, 8, 8]);
  const one = enlarge({ width: 1, height: 1, values: [5] }, 3, 3).values[0];
  expect(one).toBe(5);
});

test('the hottest place is the brightest, and a cold map leaves a picture alone', () => {
  const heat = { width: 4, height: 4, values: Float64Array.from({ length: 16 }, (_, at) => (at === 6 ? 2 : 0)) };
  const { data } = drawHeat(heat, 40, 40);
  expect([...data.subarray(3 * (15 * 40 + 25), 3 * (15 * 40 + 25) + 3)]).not.toEqual([0, 0, 4]);
  expect([...data.subarray(0, 3)]).toEqual([0, 0, 4]);
  const grey = { width: 40, height: 40, channels: 3, data: new Uint8Array(4800).fill(128) } as const;
  const over = drawHeatOver(grey, heat);
  const brightness = (x: number, y: number) => over.data[3 * (y * 40 + x)] as number;
  expect(brightness(25, 15)).toBeGreaterThan(200);
  expect(brightness(5, 35)).toBeLessThan(128);
  expect(drawHeatOver(grey, { ...heat, values: new Float64Array(16) })).toBe(grey);
});

test('a sheet has a tile a map, each in its own range, and a PNG has its pixels', async () => {
  const planes = [0, 1, 2].map((shift) => ({ width: 2, height: 2, values: [shift, shift, shift, shift + 1] }));
  const sheet = drawMapSheet([...planes, { width: 2, height: 2, values: [7, 7, 7, 7] }], 3);
  expect([sheet.width, sheet.height]).toEqual([3 * 96 + 8, 2 * 96 + 4]);
  const at = (x: number, y: number) => [
    ...sheet.data.subarray(4 * (y * sheet.width + x), 4 * (y * sheet.width + x) + 4),
  ];
  for (const column of [0, 100, 200]) {
    expect(at(column, 0)).toEqual([0, 0, 4, 255]);
    expect(at(column + 95, 95)).toEqual([252, 255, 164, 255]);
  }
  expect(at(97, 5)).toEqual([0, 0, 0, 0]);
  expect(at(10, 110)).toEqual([0, 0, 4, 255]); // the same everywhere: cold
  expect(at(150, 150)).toEqual([0, 0, 0, 0]);
  const { data, info } = await sharp(await encodePng(sheet))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([sheet.width, sheet.height, 4]);
  expect(Buffer.compare(data, Buffer.from(sheet.data))).toBe(0);
  const large = drawMapSheet([{ width: 500, height: 250, values: new Float64Array(125_000) }], 8);
  expect([large.width, large.height]).toEqual([128, 64]);
});
