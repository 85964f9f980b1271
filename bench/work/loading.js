/**
 * What loading costs: an epoch of training steps fed by the loader from a folder of JPEG files, against
 * as many steps on a batch in memory. Files are decoded anew each time, as in a first epoch or with data
 * larger than the cache; or kept decoded in memory, as in later epochs.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { BatchLoader, cached, imageFolder, namedAugmentation, RandomStream } from '../built-package.js';
import { MEAN, STD } from '../pictures.js';
import { LEARNING_RATE, trainingSession, trainingStep } from '../training.js';
import { LOADING } from '../workloads.js';

/** @typedef {import('../workloads.js').Workload} Workload */

const [FULL_PICTURES, QUICK_PICTURES] = [256, 128];
const CLASSES = 8;
const PICTURE_SIDE = 256;
/** Random colours so far apart, blown up: files of some 20 KB, as photographs of this size have. */
const GRAIN_SIDE = 64;
const JPEG_QUALITY = 90;
/** The crops and flips that training does by default. */
const AUGMENTATION = 'basic';

/** Writes JPEG files into class folders. @param {string} folder @param {number} count */
async function writePictures(folder, count) {
  for (let index = 0; index < count; index++) {
    const name = join(folder, `class-${index % CLASSES}`);
    await mkdir(name, { recursive: true });
    const stream = new RandomStream(2, 'augment', 0, index);
    const colours = Uint8Array.from({ length: GRAIN_SIDE * GRAIN_SIDE * 3 }, () => stream.integer(256));
    await sharp(colours, { raw: { width: GRAIN_SIDE, height: GRAIN_SIDE, channels: 3 } })
      .resize(PICTURE_SIDE, PICTURE_SIDE, { kernel: 'cubic' })
      .jpeg({ quality: JPEG_QUALITY })
      .toFile(join(name, `${index}.jpg`));
  }
}

/**
 * One repetition is an epoch; its seconds are given a step.
 * @param {Workload} workload @param {import('./bench-run.js').BenchRun} run
 * @returns {Promise<import('../measure.js').Contestant[]>}
 */
export async function loadingContestants(workload, run) {
  const folder = join(run.folder, 'pictures');
  await writePictures(folder, run.quick ? QUICK_PICTURES : FULL_PICTURES);
  const { train: dataset } = await imageFolder(folder, { validation: 0 });
  const preprocessing = { resolution: workload.resolution, resize: PICTURE_SIDE, mean: MEAN, std: STD };
  const options = {
    batchSize: workload.batch,
    preprocessing,
    augmentation: namedAugmentation(AUGMENTATION, workload.resolution),
  };
  const loaders = {
    [LOADING.decoding]: new BatchLoader(await cached(dataset, { mode: 'none' }), options),
    [LOADING.kept]: new BatchLoader(await cached(dataset, { mode: 'memory' }), options),
  };
  const threads = Math.max(...run.threads);
  const session = await trainingSession(workload, threads);
  const step = trainingStep(workload, session);
  const stepsPerEpoch = loaders[LOADING.kept].batchesPerEpoch;
  let epochs = 0;

  /** @param {(epoch: number) => Promise<void>} epoch @returns {(times: number) => Promise<number>} */
  const timed = (epoch) => async (times) => {
    const start = performance.now();
    for (let time = 0; time < times; time++) await epoch(epochs++);
    return (performance.now() - start) / 1000 / stepsPerEpoch;
  };
  const alone = timed(async () => {
    for (let count = 0; count < stepsPerEpoch; count++) await step();
  });
  const contestants = Object.entries(loaders).map(([variant, loader]) => ({
    engine: 'bneck',
    variant,
    threads,
    run: timed(async (epoch) => {
      for await (const { pictures, labels } of loader.epoch(epoch)) await session.step(pictures, labels, LEARNING_RATE);
    }),
    dispose: async () => {},
  }));
  const first = { engine: 'bneck', variant: LOADING.alone, threads, run: alone, dispose: () => session.dispose() };
  return [first, ...contestants];
}
