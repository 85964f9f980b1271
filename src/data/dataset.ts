/**
 * What a data set is: labelled pictures that are read one at a time, by number. Everything that
 * feeds training (files in folders and archives, pictures in memory) takes this shape, and the loader
 * knows no other. Invariant: numbers, labels and names never change while a data set lives, and
 * reading the same number gives the same pixels.
 */
import { assert, BneckError } from '../base/errors.ts';
import { Fingerprint } from './fingerprint.ts';
import type { Picture, PictureSize } from './picture.ts';

/** The file that a picture comes from. */
export interface PictureFile {
  /** size of the file as it is read, not as it may be packed in an archive */
  readonly bytes: number;
  /** when it was last changed, milliseconds since 1970 */
  readonly modifiedMs: number;
  /** where it lies; null within an archive */
  readonly diskPath: string | null;
  /** @throws BneckError 'image' where it cannot be read */
  read(): Promise<Uint8Array>;
}

export interface Dataset {
  /** class names; a label is an index into them */
  readonly classes: readonly string[];
  /** number of pictures */
  readonly length: number;
  /** one class index a picture */
  readonly labels: Int32Array;
  /** changes when the list of pictures or labels does; see fingerprint.ts */
  readonly fingerprint: string;
  /** true where pixels are in memory already, so that caching would only copy them */
  readonly inMemory?: boolean;
  /** for messages: a path, or "train-images-idx3-ubyte#12" */
  name(index: number): string;
  /** @throws BneckError 'image' for a picture that cannot be read */
  read(index: number): Promise<Picture>;
  /** width and height without decoding, where the source can tell them */
  size?(index: number): Promise<PictureSize>;
  /** its file, where each picture has one of its own */
  file?(index: number): PictureFile;
}

export type DataKind = 'class-folders' | 'csv' | 'idx' | 'cifar-10' | 'cifar-100' | 'fer2013';

/** Data opened for training: what `openData` finds at a path. */
export interface DataSource {
  readonly kind: DataKind;
  readonly path: string;
  readonly classes: readonly string[];
  readonly train: Dataset;
  /** shares no file with `train`; of length 0 when none was asked for */
  readonly validation: Dataset;
  /** whether the data brought the validation pictures themselves, so that none were set aside; false by default */
  readonly divided?: boolean;
  /** files that were passed over: hidden, or not pictures */
  readonly ignored: number;
  /** what had to be assumed, a line each */
  readonly notes?: readonly string[];
}

/** Pictures held in memory, e.g. from a canvas. `names` are for messages. */
export function memoryDataset(
  classes: readonly string[],
  pictures: readonly Picture[],
  labels: ArrayLike<number>,
  names?: readonly string[],
): Dataset {
  if (pictures.length !== labels.length) {
    throw new BneckError('data', `${pictures.length} pictures but ${labels.length} labels: give one label a picture`);
  }
  const ownLabels = Int32Array.from(labels);
  const wrong = ownLabels.findIndex((label) => label < 0 || label >= classes.length);
  if (wrong >= 0) {
    throw new BneckError(
      'data',
      `picture ${wrong} has label ${ownLabels[wrong]}: labels run from 0 to ${classes.length - 1}`,
    );
  }
  const fingerprint = new Fingerprint().addText(classes.join('\n')).addIntegers(ownLabels);
  for (const { width, height, data } of pictures) {
    fingerprint.addIntegers([width, height]).addBytes(new Uint8Array(data.buffer, data.byteOffset, data.length));
  }
  const at = (index: number) => {
    const picture = pictures[index];
    assert(picture !== undefined, `picture ${index} of ${pictures.length}`);
    return picture;
  };
  return {
    classes,
    length: pictures.length,
    labels: ownLabels,
    fingerprint: fingerprint.digest(),
    inMemory: true,
    name: (index) => names?.[index] ?? `picture ${index}`,
    read: async (index) => at(index),
    size: async (index) => at(index),
  };
}

/** The pictures of `dataset` at `indices`, in that order, with the same classes. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const chosen = Uint32Array.from(indices);
  const at = (index: number) => {
    const original = chosen[index];
    assert(original !== undefined && original < dataset.length, `picture ${index} of ${chosen.length}`);
    return original;
  };
  const labels = Int32Array.from(chosen, (_, index) => dataset.labels[at(index)] as number);
  const { size, file } = dataset;
  return {
    classes: dataset.classes,
    length: chosen.length,
    labels,
    fingerprint: new Fingerprint().addText(dataset.fingerprint).addIntegers(chosen).digest(),
    ...(dataset.inMemory === undefined ? {} : { inMemory: dataset.inMemory }),
    name: (index) => dataset.name(at(index)),
    read: (index) => dataset.read(at(index)),
    ...(size === undefined ? {} : { size: (index: number) => size.call(dataset, at(index)) }),
    ...(file === undefined ? {} : { file: (index: number) => file.call(dataset, at(index)) }),
  };
}

/** Pictures in each class, in the classes' order. */
export function classCounts(dataset: Dataset): Uint32Array {
  const counts = new Uint32Array(dataset.classes.length);
  for (const label of dataset.labels) counts[label] = (counts[label] as number) + 1;
  return counts;
}

const SAMPLED_SIZES = 64;

/**
 * The sizes of up to 64 evenly spaced pictures, from their headers where the source can tell.
 * Unreadable ones are left out.
 * @throws BneckError when not one of them can be read
 */
export async function sampleSizes(dataset: Dataset): Promise<PictureSize[]> {
  const count = Math.min(SAMPLED_SIZES, dataset.length);
  const sizes: PictureSize[] = [];
  let failure: unknown = new BneckError('data', 'the data set has no pictures');
  for (let sample = 0; sample < count; sample++) {
    const index = Math.floor((sample * dataset.length) / count);
    try {
      sizes.push(await (dataset.size?.(index) ?? dataset.read(index)));
    } catch (error) {
      if (!(error instanceof BneckError)) throw error;
      failure = error;
    }
  }
  if (sizes.length === 0) throw failure;
  return sizes;
}

/** The median short side of up to 64 evenly spaced pictures, pixels: a guide to the resolution to train at. */
export async function pictureSize(dataset: Dataset): Promise<number> {
  const sides = (await sampleSizes(dataset)).map(({ width, height }) => Math.min(width, height));
  sides.sort((a, b) => a - b);
  return sides[sides.length >> 1] as number;
}
