/**
 * Answers for many pictures, as they come: pictures are decoded some ahead, the network takes a batch
 * at a time, and answers leave in the order of the pictures. One that cannot be read is answered with
 * the reason and takes no place in a batch.
 */
import { BneckError } from '../../base/errors.ts';
import { Limiter } from '../../data/concurrency.ts';
import { decodePicture } from '../../data/decode.node.ts';
import { evaluationPicture } from '../../data/preprocess.ts';
import { withoutRemedy } from '../../data/unreadable.ts';
import { type Classification, likeliestClasses } from '../../model/classification.ts';
import type { Model } from '../../model/model.ts';
import { oneLine } from '../report-error.ts';
import type { FoundPicture } from './find-pictures.ts';

export interface Prediction {
  readonly image: string;
  /** Best first. */
  readonly predictions: readonly Classification[];
  /** The network's time for this picture, milliseconds: its batch's, divided evenly. */
  readonly ms: number;
}

export interface Failure {
  readonly image: string;
  /** What is wrong with the picture, in one line. */
  readonly error: string;
}

export type Answer = Prediction | Failure;

/** What is asked of a `Model`. */
export type PredictingModel = Pick<Model, 'classNames' | 'preprocessing' | 'compile' | 'forwardBytes'>;

export interface PredictOptions {
  /** Classes of each answer. */
  readonly top: number;
  /** Pictures at a time. */
  readonly batch: number;
}

interface Prepared {
  readonly image: string;
  /** [resolution, resolution, 3] bytes, or why there are none. */
  readonly content: Uint8Array | { readonly error: string };
}

/** Pictures in decoding at a time, and batches decoded ahead of the one the network works on. */
const DECODED_AT_ONCE = 4;
const BATCHES_AHEAD = 2;

async function prepare({ image, error }: FoundPicture, model: PredictingModel): Promise<Prepared> {
  if (error !== undefined) return { image, content: { error: oneLine(error) } };
  try {
    return { image, content: evaluationPicture(await decodePicture(image), model.preprocessing) };
  } catch (caught) {
    if (!(caught instanceof BneckError && caught.code === 'image')) throw caught;
    return { image, content: { error: withoutRemedy(oneLine(caught.message)) } };
  }
}

/** Answers of one batch. The network always gets a whole one, so that it is planned for one size only. */
async function answersOf(
  group: readonly Prepared[],
  model: PredictingModel,
  options: PredictOptions,
): Promise<Answer[]> {
  const { classNames, preprocessing } = model;
  const { top, batch } = options;
  const pictureBytes = preprocessing.resolution ** 2 * 3;
  const pixels = new Uint8Array(batch * pictureBytes);
  let count = 0;
  for (const { content } of group) if (content instanceof Uint8Array) pixels.set(content, count++ * pictureBytes);
  const start = performance.now();
  const logits = await model.forwardBytes(pixels, batch);
  const ms = Number(((performance.now() - start) / count).toFixed(3));
  let place = 0;
  return group.map(({ image, content }) => {
    if (!(content instanceof Uint8Array)) return { image, error: content.error };
    const row = logits.subarray(place * classNames.length, (place + 1) * classNames.length);
    place += 1;
    return { image, predictions: likeliestClasses(row, classNames, top), ms };
  });
}

/** One answer for each picture, in their order. */
export async function* predictPictures(
  pictures: readonly FoundPicture[],
  model: PredictingModel,
  options: PredictOptions,
): AsyncGenerator<Answer, void, undefined> {
  const limiter = new Limiter(DECODED_AT_ONCE);
  const ahead: Promise<Prepared>[] = [];
  let next = 0;
  const lookAhead = () => {
    for (; next < pictures.length && ahead.length < BATCHES_AHEAD * options.batch; next++) {
      const picture = pictures[next] as FoundPicture;
      const prepared = limiter.run(() => prepare(picture, model));
      prepared.catch(() => {}); // whoever takes it from the queue tells
      ahead.push(prepared);
    }
  };
  let compiled = false;
  for (;;) {
    const group: Prepared[] = [];
    let good = 0;
    for (lookAhead(); good < options.batch && ahead.length > 0; lookAhead()) {
      const prepared = (await ahead.shift()) as Prepared;
      if (prepared.content instanceof Uint8Array) good += 1;
      else if (good === 0) {
        yield { image: prepared.image, error: prepared.content.error };
        continue;
      }
      group.push(prepared);
    }
    if (good === 0) return;
    if (!compiled) await model.compile({ batch: options.batch });
    compiled = true;
    yield* await answersOf(group, model, options);
  }
}
