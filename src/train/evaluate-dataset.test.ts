import { expect, test } from 'vitest';
import { memoryDataset } from '../data/dataset.ts';
import { BatchLoader } from '../data/loader.ts';
import { defaultPreprocessing } from '../data/preprocess.ts';
import { crossEntropy } from '../report/logits.ts';
import { evaluateDataset } from './evaluate-dataset.ts';

const CLASSES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const pictures = Array.from({ length: 10 }, (_, index) => ({
  width: 4,
  height: 4,
  data: new Uint8Array(48).fill(index),
}));
const dataset = memoryDataset(
  CLASSES,
  pictures,
  pictures.map((_, index) => index % 7),
);
const loader = new BatchLoader(dataset, {
  batchSize: 4,
  preprocessing: defaultPreprocessing(4),
  augmentation: null,
});
/** Answers class (number of the picture) modulo 7, the classes after it less and less. */
const predict = async (bytes: Uint8Array, count: number) =>
  Float32Array.from({ length: count * 7 }, (_, at) => {
    const picture = bytes[Math.floor(at / 7) * 48] as number;
    return picture < 7 ? -(((at % 7) - picture + 7) % 7) : at % 7;
  });

test('all pictures are judged once, the last batch too', async () => {
  const seen: number[] = [];
  const result = await evaluateDataset(predict, loader, undefined, (count) => seen.push(count));
  // Pictures 7, 8 and 9 have labels 0, 1 and 2, which come 7th, 6th and 5th.
  expect(result).toMatchObject({ pictures: 10, top1: 0.7, top5: 0.8 });
  expect(seen).toEqual([4, 8, 10]);
  const logits = await predict(loaderBytes(), 10);
  let sum = 0;
  for (let i = 0; i < 10; i++) sum += crossEntropy(logits.subarray(7 * i, 7 * i + 7), i % 7);
  expect(result?.loss).toBe(sum / 10);
});

function loaderBytes(): Uint8Array {
  return Uint8Array.from({ length: 480 }, (_, at) => Math.floor(at / 48));
}

test('an aborted evaluation has no outcome', async () => {
  expect(await evaluateDataset(predict, loader, AbortSignal.abort())).toBeNull();
});
