/**
 * Where a training step's time goes: by kind of work, by kernel, and the calls that take the most, each
 * with its share of the machine's roof. The engine takes the times itself, on its first thread, from the
 * start of a call to the barrier after it. Flops and bytes are those of the kernel table: bytes count
 * each operand once, so what a kernel rereads from cache is not in them.
 */
import { formatTable, kernelNamed, stepBytes } from '../built-package.js';
import { trainingSession, trainingStep } from '../training.js';
import { nameOf } from '../workloads.js';
import { measureRoofs } from './roofs.js';

/** @typedef {import('../workloads.js').Workload} Workload */
/** @typedef {import('./roofs.js').Roofs} Roofs */
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
 * The cost of each call of the session's training step.
 * @param {Awaited<ReturnType<typeof trainingSession>>} session @param {Roofs} roofs
 * @returns {CallCost[]}
 */
function callCosts({ program }, { flopsPerSecond, bytesPerSecond }) {
  const times = program.profile();
  return program.program.steps.map((step, index) => {
    const flops = kernelNamed(step.kernel).kernel.flops(step.sizes);
    const bytes = stepBytes(step);
    return {
      name: `${step.label}  ${step.kernel}`,
      kernel: step.kernel,
      kind: kindOf(step.kernel),
      calls: 1,
      milliseconds: /** @type {number} */ (times[index]) / MEASURED_STEPS,
      flops,
      bytes,
      leastMilliseconds: 1000 * Math.max(flops / flopsPerSecond, bytes / bytesPerSecond),
    };
  });
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
    const calls = callCosts(session, roofs);
    const all = sumOf(calls, 'all kernels');
    const rate = ((workload.batch / milliseconds) * 1000).toFixed(1);
    const memory = (session.memoryBytes / 1e6).toFixed(0);
    return [
      `${nameOf(workload)}, ${threads} threads: ${milliseconds.toFixed(1)} ms a step, ${rate} img/s, ${memory} MB of engine memory`,
      `roofs, measured now: ${(roofs.flopsPerSecond / 1e9).toFixed(1)} GFLOP/s, ${(roofs.bytesPerSecond / 1e9).toFixed(1)} GB/s read and written`,
      '',
      table('kind of work', [...grouped(calls, ({ kind }) => kind), all], all.milliseconds),
      '',
      table('kernel', [...grouped(calls, ({ kernel }) => kernel), all], all.milliseconds),
      '',
      table('slowest calls', slowestFirst(calls).slice(0, SLOWEST_CALLS), all.milliseconds),
      '',
      'Of roof: the time that the roofs allow, over the time taken. Above 100% the operands came from cache.',
    ].join('\n');
  } finally {
    await session.dispose();
  }
}
