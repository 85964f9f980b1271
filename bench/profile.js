/**
 * Where a training step's time goes: milliseconds, GFLOP/s and GB/s of each kernel, and the calls
 * that take the most. The engine takes the times itself, on its first thread, from the start of a
 * call to the barrier after it. Flops and bytes are those of the kernel table: bytes count each
 * operand once, so what a kernel rereads from cache is not in them.
 */
import { formatTable, kernelNamed, stepBytes } from './built-package.js';
import { nameOf, trainingSession, trainingSteps } from './workloads.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {{ name: string, calls: number, milliseconds: number, flops: number, bytes: number }} Cost */

const WARM_UP_STEPS = 2;
const SLOWEST_CALLS = 15;

/** @param {Cost} cost @param {number} total milliseconds */
function cells({ name, calls, milliseconds, flops, bytes }, total) {
  const perSecond = (/** @type {number} */ amount) =>
    milliseconds > 0 ? (amount / milliseconds / 1e6).toFixed(1) : '-';
  const share = `${((100 * milliseconds) / total).toFixed(1)}%`;
  return [name, String(calls), milliseconds.toFixed(2), share, perSecond(flops), perSecond(bytes)];
}

/** @param {string} title @param {readonly Cost[]} costs @param {number} total */
function table(title, costs, total) {
  const headings = [title, 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s'];
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
  };
}

/**
 * @param {Workload} workload a training one
 * @param {{ threads: number, steps: number }} options
 * @returns {Promise<string>} tables for people; times are those of one step
 */
export async function profileTraining(workload, { threads, steps }) {
  const session = await trainingSession(workload, threads);
  try {
    const run = trainingSteps(workload, session);
    await run(WARM_UP_STEPS);
    session.program.startProfile();
    const seconds = await run(steps);
    const times = session.program.profile();
    const calls = session.program.program.steps.map((step, index) => {
      const { kernel } = kernelNamed(step.kernel);
      const milliseconds = /** @type {number} */ (times[index]) / steps;
      const cost = { calls: 1, milliseconds, flops: kernel.flops(step.sizes), bytes: stepBytes(step) };
      return { kernel: step.kernel, ...cost, name: `${step.label}  ${step.kernel}` };
    });
    const names = [...new Set(calls.map(({ kernel }) => kernel))];
    const kernels = names.map((name) =>
      sumOf(
        calls.filter(({ kernel }) => kernel === name),
        name,
      ),
    );
    const slowest = (/** @type {readonly Cost[]} */ costs) =>
      [...costs].sort((a, b) => b.milliseconds - a.milliseconds);
    const all = sumOf(calls, 'all kernels');
    const step = (1000 * seconds) / steps;
    const head = `${nameOf(workload)}, ${threads} threads: ${step.toFixed(1)} ms a step (${steps} steps), ${((workload.batch / step) * 1000).toFixed(1)} img/s, ${(session.memoryBytes / 1e6).toFixed(0)} MB`;
    return [
      head,
      '',
      table('kernel', [...slowest(kernels), all], all.milliseconds),
      '',
      table('slowest calls', slowest(calls).slice(0, SLOWEST_CALLS), all.milliseconds),
    ].join('\n');
  } finally {
    await session.dispose();
  }
}
