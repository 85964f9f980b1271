/**
 * Batches from a data set: the last step before the engine. Reads, augments or preprocesses
 * pictures a few batches ahead of the one in use, a few at a time, without holding the event loop.
 * Invariant: batch b of epoch e depends on (data, options, seed, e, b) alone. Prefetching,
 * concurrency and starting in the middle of an epoch change no byte.
 */
import { assert, BneckError } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import { augmentPicture } from './augment/augment-picture.ts';
import type { Augmentation } from './augment/augmentation.ts';
import { parseAugmentation } from './augment/parse-augmentation.ts';
import { giveOthersATurn, Limiter, nextTurn } from './concurrency.ts';
import type { Dataset } from './dataset.ts';
import { checkPreprocessing, evaluationPicture, type Preprocessing } from './preprocess.ts';

export interface Batch {
  /** [N, R, R, 3] bytes, N the batch size and R the resolution; zeros from picture `count` on. Of another batch once the next one is asked for. */
  readonly pictures: Uint8Array;
  /** [N] class indices; -1 from place `count` on */
  readonly labels: Int32Array;
  /** pictures in the batch: N, but fewer in an evaluation's last batch or a data set smaller than a batch */
  readonly count: number;
  /** [count] the pictures' numbers in the data set */
  readonly indices: Uint32Array;
}

export interface BadPicture {
  readonly index: number;
  readonly name: string;
  readonly reason: string;
}

export interface LoaderOptions {
  readonly batchSize: number;
  /** resolution of the batches; resize and crop in evaluation */
  readonly preprocessing: Preprocessing;
  /** given: training, in random order, whole batches only. null: evaluation, in order, to the last picture */
  readonly augmentation: Augmentation | null;
  /**
   * of an epoch's training pictures, as many as there are: numbers, where number + r * length stands for
   * repetition r of a picture, with random changes of its own; by default each once, in random order
   */
  readonly order?: ((epoch: number) => ArrayLike<number>) | undefined;
  /** of order and augmentation, in [0, 2^32); 0 by default */
  readonly seed?: number | undefined;
  /** batches made ahead of the one in use; 2 by default */
  readonly prefetch?: number | undefined;
  /** pictures in work at a time; 4 by default */
  readonly concurrency?: number | undefined;
  /** pass over unreadable pictures and list them in `bad`, rather than stop */
  readonly skipBad?: boolean | undefined;
}

export interface EpochOptions {
  /** batch to start with, to go on in the middle of an epoch; 0 by default */
  readonly firstBatch?: number | undefined;
}

/** One walk through an epoch; `stopped` tells work under way that nobody waits any more. */
interface Walk {
  readonly epoch: number;
  readonly order: ArrayLike<number>;
  /** pictures of batches that are used up, to be filled again: a new array for each batch costs a collection of all garbage every other step */
  readonly rooms: Uint8Array[];
  stopped: boolean;
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 65536) {
    throw new BneckError('option', `${name} ${value}: give a whole number from ${least} to 65536`);
  }
}

export class BatchLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  /** pixels a side */
  readonly resolution: number;
  /** batches in a whole epoch */
  readonly batchesPerEpoch: number;
  readonly #preprocessing: Preprocessing;
  readonly #augmentation: Augmentation | null;
  readonly #seed: number;
  readonly #givenOrder: LoaderOptions['order'];
  readonly #prefetch: number;
  readonly #skipBad: boolean;
  readonly #limiter: Limiter;
  readonly #bad = new Map<number, BadPicture>();

  /** @throws BneckError 'option' for numbers that cannot be, 'data' for an empty data set */
  constructor(dataset: Dataset, options: LoaderOptions) {
    const { batchSize, augmentation, seed = 0, prefetch = 2, concurrency = 4, skipBad = false } = options;
    checkCount('batchSize', batchSize, 1);
    checkCount('prefetch', prefetch, 0);
    checkCount('concurrency', concurrency, 1);
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
      throw new BneckError('option', `seed ${seed}: give a whole number from 0 to 4294967295`);
    }
    if (augmentation !== null) parseAugmentation(augmentation);
    if (dataset.length === 0) throw new BneckError('data', 'the data set has no pictures to make batches of');
    checkPreprocessing(options.preprocessing);
    this.#preprocessing = options.preprocessing;
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.resolution = this.#preprocessing.resolution;
    this.#augmentation = augmentation;
    this.#seed = seed;
    this.#givenOrder = options.order;
    this.#prefetch = prefetch;
    this.#skipBad = skipBad;
    this.#limiter = new Limiter(concurrency);
    const batches = dataset.length / batchSize;
    this.batchesPerEpoch = augmentation === null ? Math.ceil(batches) : Math.max(1, Math.floor(batches));
  }

  /** Pictures that could not be read so far, by number; stays empty without `skipBad`. */
  get bad(): BadPicture[] {
    return [...this.#bad.values()].sort((a, b) => a.index - b.index);
  }

  /**
   * The batches of an epoch. Work starts with the first `next()`; leaving the loop early stops it,
   * and once the loop is left nothing runs on.
   *
   * @param epoch counted from 0; chooses order and augmentation in training, nothing in evaluation
   * @throws BneckError 'image' for an unreadable picture (unless `skipBad`), once, at its batch
   */
  async *epoch(epoch: number, options: EpochOptions = {}): AsyncGenerator<Batch, void, undefined> {
    const { firstBatch = 0 } = options;
    assert(Number.isInteger(epoch) && epoch >= 0, `epoch ${epoch}`);
    assert(Number.isInteger(firstBatch) && firstBatch >= 0, `first batch ${firstBatch}`);
    const walk: Walk = { epoch, order: this.#order(epoch), rooms: [], stopped: false };
    const ahead: Promise<Batch | null>[] = [];
    let next = firstBatch;
    try {
      for (;;) {
        while (next < this.batchesPerEpoch && ahead.length <= this.#prefetch) {
          const batch = this.#makeBatch(walk, next);
          // It is awaited later, or dropped when the walk stops; either way it's not unhandled.
          batch.catch(() => {});
          ahead.push(batch);
          next += 1;
        }
        const first = ahead.shift();
        if (first === undefined) return;
        const batch = await first;
        if (batch === null) continue;
        yield batch;
        walk.rooms.push(batch.pictures);
      }
    } finally {
      walk.stopped = true;
      await Promise.allSettled(ahead);
    }
  }

  #order(epoch: number): ArrayLike<number> {
    const { length } = this.dataset;
    if (this.#augmentation === null) return Uint32Array.from({ length }, (_, index) => index);
    return this.#givenOrder?.(epoch) ?? new RandomStream(this.#seed, 'order', epoch).permutation(length);
  }

  /** Null where every picture of an evaluation batch is bad. */
  async #makeBatch(walk: Walk, batch: number): Promise<Batch | null> {
    // The batch that is asked for goes out first, so that its step does not wait for pictures of later ones.
    await nextTurn();
    const start = batch * this.batchSize;
    const places = Math.min(this.batchSize, this.dataset.length - start);
    const bytes = this.resolution * this.resolution * 3;
    const pictures = walk.rooms.pop() ?? new Uint8Array(this.batchSize * bytes);
    const work = Array.from({ length: places }, (_, place) =>
      this.#limiter.run(() => this.#fill(walk, start + place, pictures.subarray(place * bytes, (place + 1) * bytes))),
    );
    // All are waited for, and the first place's error is thrown: which one doesn't hang on timing.
    const results = await Promise.allSettled(work);
    const labels = new Int32Array(this.batchSize).fill(-1);
    const indices: number[] = [];
    for (const [place, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason;
      if (result.value === null) continue;
      const count = indices.length;
      if (count < place) pictures.copyWithin(count * bytes, place * bytes, (place + 1) * bytes);
      labels[count] = this.dataset.labels[result.value] as number;
      indices.push(result.value);
    }
    if (indices.length === 0) return null;
    pictures.fill(0, indices.length * bytes);
    return { pictures, labels, count: indices.length, indices: Uint32Array.from(indices) };
  }

  /**
   * Makes the picture at a place of the order. A bad one's place is left empty in evaluation; in
   * training it goes to the next good picture in the order, around the end.
   * Returns the number of the picture, null for none.
   */
  async #fill(walk: Walk, place: number, target: Uint8Array): Promise<number | null> {
    const { length } = this.dataset;
    const tries = this.#augmentation === null ? 1 : length;
    for (let attempt = 0; attempt < tries; attempt++) {
      if (walk.stopped) return null;
      const drawn = walk.order[(place + attempt) % length] as number;
      const index = drawn % length;
      if (this.#bad.has(index)) continue;
      try {
        await this.#prepare(walk.epoch, index, drawn, target);
        await giveOthersATurn();
        return index;
      } catch (error) {
        if (!(this.#skipBad && error instanceof BneckError && error.code === 'image')) throw error;
        this.#bad.set(index, { index, name: this.dataset.name(index), reason: error.message });
      }
    }
    if (this.#augmentation === null) return null;
    throw new BneckError(
      'data',
      `not one of the ${length} pictures can be read; check the first: ${this.dataset.name(0)}`,
    );
  }

  async #prepare(epoch: number, index: number, drawn: number, target: Uint8Array): Promise<void> {
    const picture = await this.dataset.read(index);
    if (this.#augmentation === null) {
      evaluationPicture(picture, this.#preprocessing, target);
      return;
    }
    const stream = new RandomStream(this.#seed, 'augment', epoch, drawn);
    augmentPicture(picture, this.#preprocessing, this.#augmentation, stream, target);
  }
}
