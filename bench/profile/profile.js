/**
 * Where the time of a training step, or of a call of inference, goes: by kind of work, by kernel, and the calls that take the most, each
 * with its share of the machine's roof. The engine takes the times itself, on its first thread, from the
 * start of a call to the barrier after it. Flops and bytes are those of the kernel table: bytes count
 * each operand once, so what a kernel rereads from cache is not in them.
 */
import {
  buildGraph,
  createThreadPool,
  formatTable,
  initialWeights,
  kernelNamed,
  Predictor,
  stepBytes,
} from '../built-package.js';
import { MEAN, randomPictures, STD } from '../pictures.js';
import { architectureOf, trainingSession, trainingStep } from '../training.js';
import { nameOf } from '../workloads.js';
import { measureRoofs } from './roofs.js';

/** @typedef {import('../workloads.js').Workload} Workload */
/** @typedef {import('./roofs.js').Roofs} Roofs */
/** @typedef {import('../../src/program/program.ts').Program} Program */
/** @typedef {import('../../src/program/program.ts').Step} Step */
/**
 * `leastMilliseconds` is what the roofs allow: of each call, the larger of flops and bytes over theirs.
 * @typedef {{
 *   name: string, calls: number, milliseconds: number, flops: number, bytes: number, leastMilliseconds: number
 * }} Cost
 */
/** One call of a kernel in a step. @typedef {Cost & { kernel: string, kind: string }} CallCost */

const WARM_UP_STEPS = 2;
const MEASURED_STEPS = 5;
const SLOWEST_CALLS = 15;
const INFERENCE_SECONDS = 10;

/** A family of kernels, forward or backward: `depthwise-conv gradients`. @param {string} name of a kernel */
function kindOf(name) {
  const { file } = kernelNamed(name).kernel;
  return name.includes('_grad_') ? `${file} gradients` : file;
}

/** @param {Cost} cost @param {number} total milliseconds */
function cells({ name, calls, milliseconds, flops, bytes, leastMilliseconds }, total) {
  const perSecond = (/** @type {number} */ amount) =>
    milliseconds > 0 ? (amount / milliseconds / 1e6).toFixed(1) : '-';
  const percent = (/** @type {number} */ part, /** @type {number} */ whole) => `${((100 * part) / whole).toFixed(1)}%`;
  return [
    name,
    String(calls),
    milliseconds.toFixed(2),
    percent(milliseconds, total),
    perSecond(flops),
    perSecond(bytes),
    milliseconds > 0 ? percent(leastMilliseconds, milliseconds) : '-',
  ];
}

/** @param {string} title @param {readonly Cost[]} costs @param {number} total */
function table(title, costs, total) {
  const headings = [title, 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s', 'of roof'];
  const columns = headings.map((heading, index) => ({
    title: heading,
    align: index === 0 ? /** @type {const} */ ('left') : /** @type {const} */ ('right'),
  }));
  return formatTable(
    columns,
    costs.map((cost) => cells(cost, total)),
  );
}

/** @param {readonly Cost[]} costs @param {string} name @returns {Cost} */
function sumOf(costs, name) {
  const sum = (/** @type {(cost: Cost) => number} */ of) => costs.reduce((total, cost) => total + of(cost), 0);
  return {
    name,
    calls: sum((cost) => cost.calls),
    milliseconds: sum((cost) => cost.milliseconds),
    flops: sum((cost) => cost.flops),
    bytes: sum((cost) => cost.bytes),
    leastMilliseconds: sum((cost) => cost.leastMilliseconds),
  };
}

/** @param {readonly Cost[]} costs */
function slowestFirst(costs) {
  return [...costs].sort((a, b) => b.milliseconds - a.milliseconds);
}

/**
 * Sums over calls that are alike, the slowest first.
 * @param {readonly CallCost[]} calls @param {(call: CallCost) => string} by
 */
function grouped(calls, by) {
  const names = [...new Set(calls.map(by))];
  return slowestFirst(
    names.map((name) =>
      sumOf(
        calls.filter((call) => by(call) === name),
        name,
      ),
    ),
  );
}

/**
 * The cost of each call of a program.
 * @param {Program} program @param {Float64Array} milliseconds of each
 * @param {(step: Step, flops: number, bytes: number) => number} leastSeconds what the roofs allow
 * @returns {CallCost[]}
 */
function callCosts(program, milliseconds, leastSeconds) {
  return program.steps.map((step, index) => {
    const flops = kernelNamed(step.kernel).kernel.flops(step.sizes);
    const bytes = stepBytes(step);
    return {
      name: `${step.label}  ${step.kernel}`,
      kernel: step.kernel,
      kind: kindOf(step.kernel),
      calls: 1,
      milliseconds: /** @type {number} */ (milliseconds[index]),
      flops,
      bytes,
      leastMilliseconds: 1000 * leastSeconds(step, flops, bytes),
    };
  });
}

/** @param {readonly CallCost[]} calls */
function tables(calls) {
  const all = sumOf(calls, 'all kernels');
  return [
    table('kind of work', [...grouped(calls, ({ kind }) => kind), all], all.milliseconds),
    '',
    table('kernel', [...grouped(calls, ({ kernel }) => kernel), all], all.milliseconds),
    '',
    table('slowest calls', slowestFirst(calls).slice(0, SLOWEST_CALLS), all.milliseconds),
  ];
}

/**
 * @param {Workload} workload a training one
 * @param {number} threads
 * @returns {Promise<string>} tables for people; times are those of one step
 */
export async function profileTraining(workload, threads) {
  const roofs = await measureRoofs(threads);
  const session = await trainingSession(workload, threads);
  try {
    const step = trainingStep(workload, session);
    for (let count = 0; count < WARM_UP_STEPS; count++) await step();
    session.program.startProfile();
    const start = performance.now();
    for (let count = 0; count < MEASURED_STEPS; count++) await step();
    const milliseconds = (performance.now() - start) / MEASURED_STEPS;
    const times = session.program.profile().map((sum) => sum / MEASURED_STEPS);
    const { flopsPerSecond, bytesPerSecond } = roofs;
    const calls = callCosts(session.program.program, times, (_, flops, bytes) =>
      Math.max(flops / flopsPerSecond, bytes / bytesPerSecond),
    );
    const rate = ((workload.batch / milliseconds) * 1000).toFixed(1);
    const memory = (session.memoryBytes / 1e6).toFixed(0);
    return [
      `${nameOf(workload)}, ${threads} threads: ${milliseconds.toFixed(1)} ms a step, ${rate} img/s, ${memory} MB of engine memory`,
      `roofs, measured now: ${(roofs.flopsPerSecond / 1e9).toFixed(1)} GFLOP/s, ${(roofs.bytesPerSecond / 1e9).toFixed(1)} GB/s read and written`,
      '',
      ...tables(calls),
      '',
      'Of roof: the time that the roofs allow, over the time taken. Above 100% the operands came from cache.',
    ].join('\n');
  } finally {
    await session.dispose();
  }
}

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
 * @param {Workload} workload one of inference
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
    for (const end = performance.now() + 1000 * INFERENCE_SECONDS; performance.now() < end; ) {
      loaded.startProfile();
      await predictor.forwardBytes(pictures, batch, preprocessing);
      loaded.profile().forEach((time, step) => {
        least[step] = Math.min(/** @type {number} */ (least[step]), time);
      });
    }
    const { flopsPerSecond, readBytesPerSecond } = roofs;
    const weightsOf = weightBytes(loaded.program);
    const weights = loaded.program.steps.map(weightsOf);
    let index = 0;
    const calls = callCosts(
      loaded.program,
      least,
      (_, flops) => flops / flopsPerSecond + /** @type {number} */ (weights[index++]) / readBytesPerSecond,
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
      'Of roof: the time that arithmetic and weights from memory take, one after the other, over the time taken. Above 100% weights came from cache.',
    ].join('\n');
  } finally {
    await predictor.dispose();
  }
}
