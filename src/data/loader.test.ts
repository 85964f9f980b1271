/** Batches are the same whatever the timing: prefetch, concurrency, resume, slow and bad pictures. */
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { namedAugmentation } from './augment/presets.ts';
import { cached } from './cache.ts';
import { type Dataset, memoryDataset } from './dataset.ts';
import { type Batch, BatchLoader, type LoaderOptions } from './loader.ts';
import { makePicture } from './picture.ts';
import { defaultPreprocessing } from './preprocess.ts';

const LENGTH = 23;
const pictures = Array.from({ length: LENGTH }, (_, n) =>
  makePicture(
    9 + (n % 3),
    8,
    Uint8Array.from({ length: (9 + (n % 3)) * 24 }, (_, i) => (i * 13 + n * 29) % 256),
  ),
);
const base = memoryDataset(
  ['a', 'b', 'c'],
  pictures,
  pictures.map((_, n) => n % 3),
);

/** Reads take different times, and the pictures in `bad` can't be read. */
function slow(bad: number[] = [], reads: number[] = []): Dataset {
  return {
    ...base,
    read: async (index) => {
      reads.push(index);
      await new Promise((resolve) => setTimeout(resolve, (index * 7) % 5));
      if (bad.includes(index)) throw new BneckError('image', `picture ${index}: damaged`);
      return base.read(index);
    },
  };
}

const training: LoaderOptions = {
  batchSize: 4,
  preprocessing: defaultPreprocessing(6),
  augmentation: namedAugmentation('strong', 6),
  seed: 5,
};
const evaluation: LoaderOptions = { ...training, augmentation: null };

async function all(loader: BatchLoader, epoch = 0, firstBatch = 0): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.epoch(epoch, { firstBatch })) {
    batches.push({ ...batch, pictures: batch.pictures.slice() });
  }
  return batches;
}

test('training: whole batches, each picture at most once, another order each epoch', async () => {
  const loader = new BatchLoader(base, training);
  const batches = await all(loader);
  expect([loader.batchesPerEpoch, batches.length]).toEqual([5, 5]);
  const seen = batches.flatMap((batch) => [...batch.indices]);
  expect(new Set(seen).size).toBe(20);
  for (const batch of batches) {
    expect([batch.count, batch.pictures.length]).toEqual([4, 4 * 6 * 6 * 3]);
    expect([...batch.labels]).toEqual([...batch.indices].map((index) => index % 3));
  }
  expect((await all(loader, 1)).flatMap((batch) => [...batch.indices])).not.toEqual(seen);
  expect(await all(loader)).toEqual(batches);
});

test('any prefetch depth, concurrency and speed gives the same batches; so does a resumed epoch', async () => {
  const expected = await all(new BatchLoader(base, training), 3);
  for (const prefetch of [0, 1, 7]) {
    for (const concurrency of [1, 3, 16]) {
      expect(await all(new BatchLoader(slow(), { ...training, prefetch, concurrency }), 3)).toEqual(expected);
    }
  }
  expect(await all(new BatchLoader(slow(), training), 3, 2)).toEqual(expected.slice(2));
  expect(await all(new BatchLoader(base, training), 3, 5)).toEqual([]);
});

test('evaluation: in order, to the last picture; the rest of the last batch is empty', async () => {
  const batches = await all(new BatchLoader(slow(), evaluation));
  expect(batches.map((batch) => batch.count)).toEqual([4, 4, 4, 4, 4, 3]);
  expect(batches.flatMap((batch) => [...batch.indices])).toEqual([...Array(LENGTH).keys()]);
  const last = batches[5] as Batch;
  expect(last.labels[3]).toBe(-1);
  expect(last.pictures.subarray(3 * 108).every((value) => value === 0)).toBe(true);
});

test('a data set smaller than a batch still trains, in one batch', async () => {
  const batches = await all(new BatchLoader(base, { ...training, batchSize: 50 }));
  expect(batches.map((batch) => batch.count)).toEqual([LENGTH]);
});

test('a bad picture stops once, at its batch, with its error', async () => {
  const loader = new BatchLoader(slow([9, 10]), { ...evaluation, prefetch: 4 });
  const got: number[] = [];
  await expect(async () => {
    for await (const batch of loader.epoch(0)) got.push(batch.count);
  }).rejects.toThrow('picture 9: damaged');
  expect(got).toEqual([4, 4]);
  expect(loader.bad).toEqual([]);
});

test('skipBad: places go to the next good picture in training, stay out in evaluation', async () => {
  const bad = [2, 9, 10, 22];
  const clean = await all(new BatchLoader(base, training), 2);
  const fullOrder = (await all(new BatchLoader(base, { ...training, batchSize: 1 }), 2)).map(
    (b) => b.indices[0] as number,
  );
  const loader = new BatchLoader(slow(bad), { ...training, skipBad: true });
  const batches = await all(loader, 2);
  batches.forEach((batch, b) => {
    batch.indices.forEach((index, place) => {
      let at = b * 4 + place;
      expect(clean[b]?.indices[place]).toBe(fullOrder[at]);
      while (bad.includes(fullOrder[at % LENGTH] as number)) at += 1;
      expect(index).toBe(fullOrder[at % LENGTH]);
    });
  });
  expect(await all(new BatchLoader(slow(bad), { ...training, skipBad: true, concurrency: 1, prefetch: 0 }), 2)).toEqual(
    batches,
  );
  await all(loader, 3);
  await all(loader, 4);
  expect(loader.bad.map(({ index }) => index)).toEqual(bad);
  expect(loader.bad[0]).toEqual({ index: 2, name: 'picture 2', reason: 'picture 2: damaged' });

  const kept = await all(new BatchLoader(slow(bad), { ...evaluation, skipBad: true }));
  expect(kept.flatMap((batch) => [...batch.indices])).toEqual(
    [...Array(LENGTH).keys()].filter((i) => !bad.includes(i)),
  );
  const reference = await all(new BatchLoader(base, evaluation));
  // Batch 2 holds 8, 11 of 8..11: 11 moved up to the place after 8.
  expect(kept[2]?.count).toBe(2);
  expect(kept[2]?.pictures.subarray(108, 216)).toEqual(reference[2]?.pictures.subarray(3 * 108, 4 * 108));
  expect(kept[2]?.pictures.subarray(216).every((value) => value === 0)).toBe(true);
});

test('skipBad with nothing but bad pictures says so', async () => {
  const everything = [...Array(LENGTH).keys()];
  await expect(all(new BatchLoader(slow(everything), { ...training, skipBad: true }))).rejects.toThrow(
    /not one of the 23/,
  );
  expect(await all(new BatchLoader(slow(everything), { ...evaluation, skipBad: true }))).toEqual([]);
});

test('leaving early stops the work', async () => {
  const reads: number[] = [];
  const loader = new BatchLoader(slow([], reads), { ...evaluation, batchSize: 2, prefetch: 3, concurrency: 2 });
  for await (const _ of loader.epoch(0)) break;
  const after = reads.length;
  expect(after).toBeLessThan(10);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(reads.length).toBe(after);
  expect((await all(loader)).length).toBe(12);
});

test('the event loop gets its turns while batches are made from memory', async () => {
  const big = makePicture(600, 600, new Uint8Array(600 * 600 * 3));
  const many = memoryDataset(['a'], Array(64).fill(big), new Int32Array(64));
  let turns = 0;
  let done = false;
  const takeTurn = () => {
    turns += 1;
    if (!done) setImmediate(takeTurn);
  };
  setImmediate(takeTurn);
  await all(new BatchLoader(many, { ...evaluation, batchSize: 64, preprocessing: defaultPreprocessing(96) }));
  done = true;
  // without giving way there would be no turn at all before the batch is made
  expect(turns).toBeGreaterThan(0);
});

test('a batch that is ready goes out before work on later ones', async () => {
  let reads = 0;
  const read = (index: number) => {
    reads += 1;
    return base.read(index);
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  const batches = new BatchLoader({ ...base, read }, training).epoch(0);
  await batches.next();
  await pause();
  const before = reads;
  await batches.next();
  expect(reads).toBe(before);
  await pause();
  expect(reads).toBe(before + 4);
});

test('options that cannot be are refused', () => {
  const make = (options: Partial<LoaderOptions>) => () => new BatchLoader(base, { ...training, ...options });
  expect(make({ batchSize: 0 })).toThrow(/batchSize 0/);
  expect(make({ batchSize: 2.5 })).toThrow(/batchSize 2.5/);
  expect(make({ prefetch: -1 })).toThrow(/prefetch -1/);
  expect(make({ concurrency: 0 })).toThrow(/concurrency 0/);
  expect(make({ seed: -1 })).toThrow(/seed -1/);
  expect(() => new BatchLoader(memoryDataset(['a'], [], []), training)).toThrow(/no pictures/);
});

test('a cache reads each picture once and changes no byte', async () => {
  const reads: number[] = [];
  const source: Dataset = { ...slow([], reads), inMemory: false };
  const expected = await all(new BatchLoader(base, training));
  const kept = await cached(source, { mode: 'auto' });
  expect(kept.keeps).toBe(true);
  const loader = new BatchLoader(kept, training);
  expect(await all(loader)).toEqual(expected);
  for (let epoch = 1; epoch < 8; epoch++) await all(loader, epoch);
  expect(new Set(reads).size).toBe(reads.length);
  expect(kept.keptBytes).toBe(pictures.reduce((sum, picture) => sum + picture.data.length, 0));

  const none = await cached(source, { mode: 'auto', limitBytes: 1000 });
  expect([none.keeps, none.fingerprint === base.fingerprint]).toEqual([false, true]);
  expect(await all(new BatchLoader(none, training))).toEqual(expected);
  expect(none.keptBytes).toBe(0);
  expect((await cached(base)).keeps).toBe(false);
});

test('a cache may reduce pictures, the same in every mode', async () => {
  const modes = ['auto', 'memory', 'none'] as const;
  const reduced = await Promise.all(modes.map((mode) => cached(base, { mode, shortSide: 5 })));
  expect(reduced.map(({ keeps }) => keeps)).toEqual([true, true, false]);
  expect(new Set(reduced.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  expect(reduced[0]?.fingerprint).not.toBe(base.fingerprint);
  const [auto, memory, none] = await Promise.all(reduced.map((dataset) => dataset.read(1)));
  expect(auto).toEqual(none);
  expect(memory).toEqual(none);
  expect([none?.width, none?.height]).toEqual([6, 5]);
  await expect(cached(base, { shortSide: 0 })).rejects.toThrow(/shortSide 0/);
});
