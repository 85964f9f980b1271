/**
 * The features of all training pictures, which the head is trained on: computed once by a backbone that
 * stays as it is, from pictures without random changes, and kept as rows in memory or in a file. Invariant:
 * a row depends on the picture and the weights alone, so a run that is resumed computes the same again.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { BatchLoader } from '../data/loader.ts';
import type { Session } from './session.ts';

/** Numbers kept by row. */
export interface FeatureRows {
  /** Rows of features after those that were appended before. */
  append(values: Float32Array): Promise<void>;
  /** Copies a row. */
  read(row: number, target: Float32Array): Promise<void>;
  /** Lets go of them. */
  close(): Promise<void>;
}

/** Makes room for so many rows of so many numbers. */
export type OpenRows = (rows: number, width: number) => Promise<FeatureRows>;

export interface FeatureBatch {
  /** [N, features] */
  readonly features: Float32Array;
  readonly labels: Int32Array;
}

export class HeadFeatures {
  readonly #dataset: Dataset;
  readonly #rows: FeatureRows;
  readonly #width: number;
  /** A picture's row; -1 for one that cannot be read. */
  readonly #rowOf: Int32Array;

  private constructor(dataset: Dataset, rows: FeatureRows, width: number, rowOf: Int32Array) {
    this.#dataset = dataset;
    this.#rows = rows;
    this.#width = width;
    this.#rowOf = rowOf;
  }

  /**
   * @param loader of evaluation, over the training pictures
   * @param onBatch called after each batch with the pictures done so far
   * @returns null if `signal` was aborted before the end
   * @throws BneckError as the loader and the rows do; 'data' where not one picture can be read
   */
  static async compute(
    session: Session,
    loader: BatchLoader,
    open: OpenRows,
    signal?: AbortSignal,
    onBatch?: (pictures: number) => void,
  ): Promise<HeadFeatures | null> {
    const { dataset } = loader;
    const rowOf = new Int32Array(dataset.length).fill(-1);
    const width = session.featureCount;
    const rows = await open(dataset.length, width);
    let done = 0;
    try {
      for await (const batch of loader.epoch(0)) {
        if (signal?.aborted) {
          await rows.close();
          return null;
        }
        await rows.append(await session.features(batch.pictures, batch.count));
        for (const index of batch.indices) rowOf[index] = done++;
        onBatch?.(done);
      }
      if (done === 0) throw new BneckError('data', `not one of the ${dataset.length} pictures can be read`);
    } catch (error) {
      await rows.close();
      throw error;
    }
    return new HeadFeatures(dataset, rows, width, rowOf);
  }

  /**
   * The features of `count` places of an order, from `first` on; a picture without features gives its place
   * to the next one that has some, around the end.
   * @param order as BatchLoader's `order`
   */
  async batch(order: ArrayLike<number>, first: number, count: number): Promise<FeatureBatch> {
    const { length } = order;
    const features = new Float32Array(count * this.#width);
    const labels = new Int32Array(count);
    for (let place = 0; place < count; place++) {
      let at = first + place;
      const indexAt = () => (order[at % length] as number) % length;
      while (this.#rowOf[indexAt()] === -1) {
        at += 1;
        assert(at < first + place + length, 'some picture has features');
      }
      const index = indexAt();
      const target = features.subarray(place * this.#width, (place + 1) * this.#width);
      await this.#rows.read(this.#rowOf[index] as number, target);
      labels[place] = this.#dataset.labels[index] as number;
    }
    return { features, labels };
  }

  close(): Promise<void> {
    return this.#rows.close();
  }
}
