/**
 * What a report needs the data for: the best model's answers to the validation pictures, small copies
 * of those worth looking at, and some pictures as training sees them. All within bounds of memory, size
 * and time, whatever the data are.
 */
import { relative } from 'node:path';
import { BneckError } from '../../base/errors.ts';
import { cached } from '../../data/cache.ts';
import type { DataSource, Dataset } from '../../data/dataset.ts';
import { BatchLoader } from '../../data/loader.ts';
import type { Model } from '../../model/model.ts';
import { type ClassificationMetrics, classificationMetrics } from '../../report/classification-metrics.ts';
import { formatPercent } from '../../report/format.ts';
import type { JudgedPictures, SampleBatch, ShownPicture } from '../../report/run-report.ts';
import { makeThumbnail } from '../../report/thumbnail.node.ts';
import type { RunRecord } from './run-record.ts';

/** Numbers a model gives to all pictures; a gigabyte. */
const MOST_LOGITS = 2 ** 28;
const TOP_LOSSES = 24;
/** Pictures of a cell of the confusion matrix, and of its diagonal. */
const CELL_PICTURES = 12;
const RIGHT_CELL_PICTURES = 6;
const MOST_PICTURES = 800;
/** Of all small copies, as text in the page. */
const MOST_CHARACTERS = 2_400_000;
/** Large photographs take long to read. */
const MOST_SECONDS = 20;
const AT_A_TIME = 4;
const THUMBNAIL_SIDE = 96;
const SAMPLES = 12;
const SAMPLE_EPOCHS = 2;

interface Answers {
  readonly labels: Int32Array;
  /** [N, K] */
  readonly logits: Float32Array;
  /** Numbers in the data set; pictures that could not be read are not among them. */
  readonly indices: Uint32Array;
}

async function ask(model: Model, dataset: Dataset, { config }: RunRecord): Promise<Answers> {
  const classes = model.file.classNames.length;
  if (dataset.length * classes > MOST_LOGITS) {
    throw new BneckError('memory', `${dataset.length} pictures of ${classes} classes are too many for a report.`);
  }
  const { preprocessing } = model.file;
  // As training validated, whole batches of the same size: equal shapes give equal bits.
  const { skipBad, batch: batchSize } = config.recipe;
  const loader = new BatchLoader(dataset, { batchSize, preprocessing, augmentation: null, skipBad });
  const labels = new Int32Array(dataset.length);
  const logits = new Float32Array(dataset.length * classes);
  const indices = new Uint32Array(dataset.length);
  let done = 0;
  for await (const batch of loader.epoch(0)) {
    const answers = await model.forwardBytes(batch.pictures, batchSize);
    logits.set(answers.subarray(0, batch.count * classes), done * classes);
    labels.set(batch.labels.subarray(0, batch.count), done);
    indices.set(batch.indices, done);
    done += batch.count;
  }
  return {
    labels: labels.subarray(0, done),
    logits: logits.subarray(0, done * classes),
    indices: indices.subarray(0, done),
  };
}

/** Numbers sorted by a value, the greatest first. */
function greatestFirst(numbers: Iterable<number>, value: (number: number) => number): number[] {
  return [...numbers].sort((a, b) => value(b) - value(a) || a - b);
}

/** By entry of the confusion matrix, the pictures it shows: the furthest off first. */
function picturesOfCells({ predicted, losses }: ClassificationMetrics, labels: Int32Array, classes: number) {
  const members = new Map<number, number[]>();
  labels.forEach((label, number) => {
    const entry = label * classes + (predicted[number] as number);
    const list = members.get(entry);
    if (list === undefined) members.set(entry, [number]);
    else list.push(number);
  });
  const cells = new Map<number, number[]>();
  for (const [entry, numbers] of members) {
    const right = Math.floor(entry / classes) === entry % classes;
    const worst = greatestFirst(numbers, (number) => losses[number] as number);
    cells.set(entry, worst.slice(0, right ? RIGHT_CELL_PICTURES : CELL_PICTURES));
  }
  return cells;
}

/** One of each cell, then a second of each, and so on: a limit cuts evenly. */
function inTurns(cells: ReadonlyMap<number, readonly number[]>): number[] {
  const lists = [...cells.values()].sort((a, b) => b.length - a.length);
  return Array.from({ length: CELL_PICTURES }, (_, turn) => lists.flatMap((list) => list[turn] ?? [])).flat();
}

/** Small copies, in the order of `numbers`, until a limit is reached. Pictures that cannot be read have none. */
async function copyPictures(
  numbers: readonly number[],
  make: (number: number) => Promise<ShownPicture>,
): Promise<Map<number, ShownPicture>> {
  const made = new Map<number, ShownPicture>();
  const wanted = [...new Set(numbers)].slice(0, MOST_PICTURES);
  const end = performance.now() + 1000 * MOST_SECONDS;
  let characters = 0;
  for (let at = 0; at < wanted.length; at += AT_A_TIME) {
    if (performance.now() > end || characters > MOST_CHARACTERS) break;
    const some = wanted.slice(at, at + AT_A_TIME);
    const pictures = await Promise.all(
      some.map((number) =>
        make(number).catch((error: unknown) => {
          if (error instanceof BneckError && error.code === 'image') return null;
          throw error;
        }),
      ),
    );
    for (const [place, picture] of pictures.entries()) {
      if (picture === null) continue;
      made.set(some[place] as number, picture);
      characters += picture.thumbnail.source.length;
    }
  }
  return made;
}

/** The best model on the validation pictures. @throws BneckError 'image' for pictures that cannot be read */
export async function judgeRun(model: Model, source: DataSource, run: RunRecord): Promise<JudgedPictures> {
  const { validation: dataset, path } = source;
  const { classNames } = run.config.data;
  const { labels, logits, indices } = await ask(model, dataset, run);
  const metrics = classificationMetrics(labels, logits, classNames.length);
  const cells = picturesOfCells(metrics, labels, classNames.length);
  const topLosses = greatestFirst(labels.keys(), (number) => metrics.losses[number] as number).slice(0, TOP_LOSSES);
  const show = async (number: number): Promise<ShownPicture> => {
    const index = indices[number] as number;
    const [truth, guess] = [labels[number], metrics.predicted[number]].map((label) => classNames[label as number]);
    const sure = formatPercent(metrics.confidences[number] as number, 0);
    return {
      thumbnail: await makeThumbnail(await dataset.read(index), THUMBNAIL_SIDE),
      caption: truth === guess ? `${truth}, ${sure} sure` : `${truth}, taken for ${guess}, ${sure} sure`,
      name: relative(path, dataset.name(index)),
    };
  };
  const pictures = await copyPictures([...topLosses, ...inTurns(cells)], show);
  for (const [entry, numbers] of cells) {
    cells.set(
      entry,
      numbers.filter((number) => pictures.has(number)),
    );
  }
  return { metrics, labels, pictures, topLosses, cells };
}

/** The first pictures of the first batches, as training saw them. */
export async function sampleBatches(source: DataSource, run: RunRecord): Promise<SampleBatch[]> {
  const { seed, preprocessing, trainShortSide, skipBad } = run.config.recipe;
  // Of the cache only the size matters that larger pictures are reduced to.
  const dataset = await cached(source.train, { mode: 'none', shortSide: trainShortSide ?? undefined });
  const loader = new BatchLoader(dataset, {
    batchSize: Math.min(SAMPLES, dataset.length),
    preprocessing,
    augmentation: run.augmentation,
    seed,
    prefetch: 0,
    skipBad,
  });
  const { resolution } = preprocessing;
  const bytes = 3 * resolution ** 2;
  const batches: SampleBatch[] = [];
  for (let epoch = 0; epoch < SAMPLE_EPOCHS; epoch++) {
    for await (const { pictures, labels, indices, count } of loader.epoch(epoch)) {
      const shown: ShownPicture[] = [];
      for (let place = 0; place < count; place++) {
        const data = pictures.subarray(place * bytes, (place + 1) * bytes);
        shown.push({
          thumbnail: await makeThumbnail({ width: resolution, height: resolution, data }, THUMBNAIL_SIDE),
          caption: dataset.classes[labels[place] as number] as string,
          name: relative(source.path, dataset.name(indices[place] as number)),
        });
      }
      batches.push({ title: `Epoch ${epoch + 1}`, pictures: shown });
      break;
    }
  }
  return batches;
}
