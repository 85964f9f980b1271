/**
 * bneck's training step, as several benchmarks make it: a session with Adam, and steps on one batch in
 * memory, again and again.
 */
import { buildGraph, initialWeights, mobilenetV3, TrainingSession } from './built-package.js';
import { MEAN, randomPictures, STD } from './pictures.js';

/** @typedef {import('./workloads.js').Workload} Workload */

/** Small enough that the weights stay finite however long is measured. */
export const LEARNING_RATE = 1e-4;

/** @param {Workload} workload */
export function architectureOf({ model, classes, reduction }) {
  return mobilenetV3(model, { classes, reduction });
}

/**
 * @param {Workload} workload @param {number} threads
 * @param {{ batchNormMomentum?: number }} [more]
 */
export function trainingSession(workload, threads, more = {}) {
  const architecture = architectureOf(workload);
  return TrainingSession.create({
    architecture,
    weights: initialWeights(buildGraph(architecture), 0),
    batch: workload.batch,
    resolution: workload.resolution,
    mean: MEAN,
    std: STD,
    optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-5 },
    labelSmoothing: 0.1,
    seed: 0,
    threads,
    ...more,
  });
}

/**
 * @param {Workload} workload
 * @param {import('../src/train/session.ts').Session} session
 * @param {number} [learningRate]
 * @returns {() => Promise<unknown>} makes one step
 */
export function trainingStep(workload, session, learningRate = LEARNING_RATE) {
  const pictures = randomPictures(workload);
  const labels = Int32Array.from({ length: workload.batch }, (_, index) => (index * 37) % workload.classes);
  return () => session.step(pictures, labels, learningRate);
}
