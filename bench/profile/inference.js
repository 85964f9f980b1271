/** Where the time of a call of inference goes. */
import { buildGraph, createThreadPool, initialWeights, kernelNamed, Predictor } from '../built-package.js';
import { MEAN, randomPictures, STD } from '../pictures.js';
import { architectureOf } from '../training.js';
import { nameOf } from '../workloads.js';
import { callCosts, sumOf, tables } from './costs.js';
import { measureRoofs } from './roofs.js';

/** @typedef {import('../../src/program/program.ts').Program} Program */
/** @typedef {import('../../src/program/program.ts').Step} Step */

const SECONDS = 10;

/**
 * Bytes of weights that a step is the first of its program to read: packed ones, and those that are read where they stand.
 * @param {Program} program @returns {(step: Step) => number}
 */
function weightBytes({ buffers }) {
  const read = new Set();
  return ({ kernel, operands, sizes }) => {
    let bytes = 0;
    for (const [name, { length }] of Object.entries(kernelNamed(kernel).kernel.pointers)) {
      const operand = operands[name];
      const region = operand && buffers[operand.buffer]?.region;
      const place = operand && `${operand.buffer}+${operand.offsetBytes}`;
      if ((region !== 'parameters' && region !== 'program') || read.has(place)) continue;
      read.add(place);
      bytes += 4 * length(sizes);
    }
    return bytes;
  };
}

/**
 * @param {import('../workloads.js').Workload} workload one of inference
 * @param {number} threads
 * @returns {Promise<string>} tables for people; times are the least of many calls, step by step
 */
export async function profileInference(workload, threads) {
  const roofs = await measureRoofs(threads);
  const architecture = architectureOf(workload);
  const pool = await createThreadPool(threads === 1 ? 0 : threads);
  const predictor = new Predictor(architecture, initialWeights(buildGraph(architecture), 0), pool);
  try {
    const { batch, resolution } = workload;
    const loaded = await predictor.compile('bytes', [batch, 3, resolution, resolution]);
    const pictures = randomPictures({ batch, resolution });
    const preprocessing = { resolution, resize: resolution, mean: MEAN, std: STD };
    const least = new Float64Array(loaded.program.steps.length).fill(Number.POSITIVE_INFINITY);
    for (const end = performance.now() + 1000 * SECONDS; performance.now() < end; ) {
      loaded.startProfile();
      await predictor.forwardBytes(pictures, batch, preprocessing);
      loaded.profile().forEach((time, step) => {
        least[step] = Math.min(/** @type {number} */ (least[step]), time);
      });
    }
    const { flopsPerSecond, readBytesPerSecond } = roofs;
    const weights = loaded.program.steps.map(weightBytes(loaded.program));
    const calls = callCosts(
      loaded.program,
      least,
      (flops, _, index) => flops / flopsPerSecond + /** @type {number} */ (weights[index]) / readBytesPerSecond,
    );
    const all = sumOf(calls, 'all kernels');
    const bytes = weights.reduce((sum, some) => sum + some, 0);
    const [arithmetic, reading] = [all.flops / flopsPerSecond, bytes / readBytesPerSecond].map((seconds) =>
      (1000 * seconds).toFixed(2),
    );
    return [
      `${nameOf(workload)}, ${threads} thread${threads === 1 ? '' : 's'}: ${all.milliseconds.toFixed(2)} ms in the least times of all steps`,
      `roofs, measured now: ${(flopsPerSecond / 1e9).toFixed(1)} GFLOP/s, ${(readBytesPerSecond / 1e9).toFixed(1)} GB/s read`,
      `at least: ${(all.flops / 1e6).toFixed(0)} MFLOP ${arithmetic} ms, ${(bytes / 1e6).toFixed(1)} MB of weights, which no cache keeps from call to call, ${reading} ms`,
      '',
      ...tables(calls),
      '',
      'Of roof: the time that arithmetic and weights from memory take, one after the other, over the time taken. Above 100% weights came from a cache, or were read ahead while another step computed.',
    ].join('\n');
  } finally {
    await predictor.dispose();
  }
}
