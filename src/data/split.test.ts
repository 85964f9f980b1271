import { expect, test } from 'vitest';
import { memoryDataset, pictureSize, subset } from './dataset.ts';
import { makePicture } from './picture.ts';
import { splitDataset, stratifiedSplit } from './split.ts';

const labels = Int32Array.from({ length: 1000 }, (_, i) => (i % 7 === 0 ? 0 : i % 3 === 0 ? 1 : 2));

test('the parts are disjoint, whole, stratified and stable', () => {
  const { train, validation } = stratifiedSplit(labels, 3, 0.2, 11);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...labels.keys()]);
  for (let label = 0; label < 3; label++) {
    const all = labels.filter((one) => one === label).length;
    const aside = validation.filter((index) => labels[index] === label).length;
    expect(aside).toBe(Math.round(all * 0.2));
  }
  expect(stratifiedSplit(labels, 3, 0.2, 11)).toEqual({ train, validation });
  expect(stratifiedSplit(labels, 3, 0.2, 12).validation).not.toEqual(validation);
  // A class's choice does not hang on the other classes' pictures.
  const fewer = stratifiedSplit(
    labels.filter((label) => label < 2),
    3,
    0.2,
    11,
  ).validation.length;
  expect(fewer).toBe(validation.filter((index) => (labels[index] as number) < 2).length);
});

test('small classes keep a picture on each side', () => {
  const small = Int32Array.of(0, 0, 1, 1, 1, 2);
  const { train, validation } = stratifiedSplit(small, 3, 0.01, 0);
  expect([...validation].map((index) => small[index])).toEqual([0, 1]);
  expect([...stratifiedSplit(small, 3, 0.99, 0).train].map((index) => small[index])).toEqual([0, 1, 2]);
  expect(train.length + validation.length).toBe(6);
  expect(stratifiedSplit(small, 3, 0, 0).validation.length).toBe(0);
  expect(() => stratifiedSplit(small, 3, 1, 0)).toThrow(/validation 1/);
});

const pictures = Array.from({ length: 6 }, (_, i) => makePicture(i + 2, 4, new Uint8Array((i + 2) * 12).fill(i)));
const dataset = memoryDataset(['a', 'b'], pictures, [0, 1, 0, 1, 0, 1]);

test('a subset keeps labels, names and pixels in the order asked for', async () => {
  const part = subset(dataset, [5, 0]);
  expect([part.length, [...part.labels], part.name(0)]).toEqual([2, [1, 0], 'picture 5']);
  expect((await part.read(0)).data[0]).toBe(5);
  expect(part.fingerprint).not.toBe(dataset.fingerprint);
  expect(part.fingerprint).toBe(subset(dataset, [5, 0]).fingerprint);
  expect(part.fingerprint).not.toBe(subset(dataset, [0, 5]).fingerprint);
  expect(dataset.fingerprint).toBe('2e43d27c8959264d');
  expect(() => subset(dataset, [6])).toThrow();
  expect(await pictureSize(dataset)).toBe(4);
});

test('data that cannot be are refused', () => {
  expect(() => memoryDataset(['a'], pictures, [0])).toThrow(/6 pictures but 1 labels/);
  expect(() => memoryDataset(['a'], pictures, [0, 0, 0, 0, 0, 1])).toThrow(/picture 5 has label 1/);
  const lone = memoryDataset(['a', 'b'], pictures, [0, 0, 0, 0, 0, 1]);
  expect(() => splitDataset(lone, 0.2, 0)).toThrow(/only 1 picture in b/);
  expect(splitDataset(lone, 0, 0).train.length).toBe(6);
});
