/**
 * What is measured: training steps and inference of MobileNetV3 Large and Small at two resolutions,
 * as runnable contestants of one interface. A training step is the whole of it, from bytes to
 * updated weights (normalisation, forward, loss, backward, Adam); decoding pictures is not in it.
 * Inference goes from bytes to logits. Pictures are random bytes: the time does not depend on them.
 */
import {
  buildGraph,
  createThreadPool,
  initialWeights,
  mobilenetV3,
  Predictor,
  RandomStream,
  TrainingSession,
} from './built-package.js';

/**
 * @typedef {{ work: 'train' | 'infer', model: 'large' | 'small', resolution: number, batch: number }} Workload
 *
 * Something that does a workload: `run` does it `times` times and resolves to the seconds it took.
 * @typedef {{
 *   workload: Workload, engine: string, threads: number,
 *   run: (times: number) => Promise<number>, dispose: () => Promise<void>
 * }} Contestant
 */

const CLASSES = 1000;
const MEAN = /** @type {const} */ ([0.485, 0.456, 0.406]);
const STD = /** @type {const} */ ([0.229, 0.224, 0.225]);
/** Small enough that the weights stay finite however long is measured. */
const LEARNING_RATE = 1e-4;

/** @type {readonly Workload[]} */
export const WORKLOADS = [
  ...trainingOf('large'),
  ...trainingOf('small'),
  ...inferenceOf('large'),
  ...inferenceOf('small'),
];

/** @param {Workload['model']} model @returns {Workload[]} */
function trainingOf(model) {
  return [
    { work: 'train', model, resolution: 224, batch: 32 },
    { work: 'train', model, resolution: 96, batch: 64 },
  ];
}

/** @param {Workload['model']} model @returns {Workload[]} */
function inferenceOf(model) {
  return [224, 96].flatMap((resolution) =>
    [1, 8].map((batch) => ({ work: /** @type {const} */ ('infer'), model, resolution, batch })),
  );
}

/** @param {Workload} workload */
export function nameOf({ work, model, resolution, batch }) {
  return `${work} ${model}@${resolution} batch ${batch}`;
}

/** @param {Workload} workload */
function randomPictures({ batch, resolution }) {
  const stream = new RandomStream(1, 'augment');
  return Uint8Array.from({ length: batch * resolution * resolution * 3 }, () => stream.integer(256));
}

/** @param {Workload} workload @param {number} threads */
export function trainingSession({ model, resolution, batch }, threads) {
  const architecture = mobilenetV3(model, { classes: CLASSES });
  return TrainingSession.create({
    architecture,
    weights: initialWeights(buildGraph(architecture), 0),
    batch,
    resolution,
    mean: MEAN,
    std: STD,
    optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-5 },
    labelSmoothing: 0.1,
    seed: 0,
    threads,
  });
}

/**
 * Makes training steps on one batch, again and again.
 * @param {Workload} workload
 * @param {import('../src/train/session.ts').Session} session
 * @returns {(times: number) => Promise<number>}
 */
export function trainingSteps(workload, session) {
  const pictures = randomPictures(workload);
  const labels = Int32Array.from({ length: workload.batch }, (_, index) => (index * 37) % CLASSES);
  return async (times) => {
    const start = performance.now();
    for (let step = 0; step < times; step++) await session.step(pictures, labels, LEARNING_RATE);
    return (performance.now() - start) / 1000;
  };
}

/** @param {Workload} workload @param {number} threads @returns {Promise<Contestant>} */
async function trainer(workload, threads) {
  const session = await trainingSession(workload, threads);
  const run = trainingSteps(workload, session);
  return { workload, engine: 'bneck', threads, run, dispose: () => session.dispose() };
}

/** @param {Workload} workload @param {number} threads @returns {Promise<Contestant>} */
async function predictor(workload, threads) {
  const { model, resolution, batch } = workload;
  const architecture = mobilenetV3(model, { classes: CLASSES });
  const weights = initialWeights(buildGraph(architecture), 0);
  const asked = new Predictor(architecture, weights, await createThreadPool(threads));
  const pictures = randomPictures(workload);
  const preprocessing = { resolution, resize: resolution, mean: MEAN, std: STD };
  return {
    workload,
    engine: 'bneck',
    threads,
    async run(times) {
      const start = performance.now();
      for (let call = 0; call < times; call++) await asked.forwardBytes(pictures, batch, preprocessing);
      return (performance.now() - start) / 1000;
    },
    dispose: () => asked.dispose(),
  };
}

/** bneck on a workload. @param {Workload} workload @param {number} threads */
export function bneckContestant(workload, threads) {
  return workload.work === 'train' ? trainer(workload, threads) : predictor(workload, threads);
}
