import { expect, test } from 'vitest';
import { memoryDataset } from '../../data/dataset.ts';
import { BatchLoader } from '../../data/loader.ts';
import { defaultPreprocessing } from '../../data/preprocess.ts';
import { collectLogits, meanProbabilityLogits } from './collect-logits.ts';

const CLASSES = ['a', 'b', 'c'];
/** Ten pictures whose left column holds their number and whose right column its double. */
const pictures = Array.from({ length: 10 }, (_, index) => ({
  width: 4,
  height: 4,
  data: Uint8Array.from({ length: 48 }, (_, at) => [1, 0, 0, 2][Math.floor(at / 3) % 4] as number).map(
    (v) => v * index,
  ),
}));
const dataset = memoryDataset(
  CLASSES,
  pictures,
  pictures.map((_, index) => index % 3),
);
const loader = new BatchLoader(dataset, { batchSize: 4, preprocessing: defaultPreprocessing(4), augmentation: null });
/** Logits: the upper left byte, half of it, 0. */
const predict = async (bytes: Uint8Array, count: number) =>
  Float32Array.from({ length: count * 3 }, (_, at) => [1, 0.5, 0][at % 3] as number).map(
    (factor, at) => factor * (bytes[Math.floor(at / 3) * 48] as number),
  );

const softmax = (logits: readonly number[]) => {
  const powers = logits.map(Math.exp);
  return powers.map((power) => power / powers.reduce((sum, other) => sum + other, 0));
};

test('every picture once, in order, the last batch too', async () => {
  const seen: number[] = [];
  const { labels, logits } = await collectLogits(predict, loader, false, (count) => seen.push(count));
  expect(seen).toEqual([4, 8, 10]);
  expect([...labels]).toEqual([...dataset.labels]);
  expect([...logits]).toEqual(pictures.flatMap((_, index) => [index, index / 2, 0]));
});

test('with flip, probabilities are the mean of those of a picture and its mirror image', async () => {
  const { logits } = await collectLogits(predict, loader, true);
  for (let index = 0; index < 10; index++) {
    const [straight, mirrored] = [index, 2 * index].map((level) => softmax([level, level / 2, 0]));
    const found = softmax([...logits.subarray(3 * index, 3 * index + 3)]);
    found.forEach((probability, at) => {
      expect(probability).toBeCloseTo(((straight?.[at] as number) + (mirrored?.[at] as number)) / 2, 6);
    });
  }
});

test('a mean stays finite where probabilities vanish', () => {
  const some = meanProbabilityLogits(Float32Array.of(3e38, 0), Float32Array.of(2e4, 0), 2);
  expect(some[0]).toBe(0);
  expect(some[1]).toBeCloseTo(-2e4 - Math.log(2), 1);
  const sure = meanProbabilityLogits(Float32Array.of(900, 0), Float32Array.of(0, 900), 2);
  expect([...sure]).toEqual([Math.fround(-Math.log(2)), Math.fround(-Math.log(2))]);
});
