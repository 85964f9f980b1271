/**
 * What the calls of a program cost, in tables: by kind of work, by kernel, and those that take the most, each with its share of the
 * machine's roof. The engine takes the times itself, on its first thread, from the start of a call to the barrier after it. Flops and
 * bytes are those of the kernel table: bytes count each operand once, so what a kernel rereads from cache is not in them.
 */
import { formatTable, kernelNamed, stepBytes } from '../built-package.js';

/** @typedef {import('../../src/program/program.ts').Program} Program */
/**
 * `leastMilliseconds` is what the roofs allow: of each call, the larger of flops and bytes over theirs.
 * @typedef {{
 *   name: string, calls: number, milliseconds: number, flops: number, bytes: number, leastMilliseconds: number
 * }} Cost
 */
/** One call of a kernel in a step. @typedef {Cost & { kernel: string, kind: string }} CallCost */

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
export function sumOf(costs, name) {
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
 * @param {(flops: number, bytes: number, index: number) => number} leastSeconds what the roofs allow the call at this place
 * @returns {CallCost[]}
 */
export function callCosts(program, milliseconds, leastSeconds) {
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
      leastMilliseconds: 1000 * leastSeconds(flops, bytes, index),
    };
  });
}

/** By kind of work, by kernel, and the slowest calls. @param {readonly CallCost[]} calls */
export function tables(calls) {
  const all = sumOf(calls, 'all kernels');
  return [
    table('kind of work', [...grouped(calls, ({ kind }) => kind), all], all.milliseconds),
    '',
    table('kernel', [...grouped(calls, ({ kernel }) => kernel), all], all.milliseconds),
    '',
    table('slowest calls', slowestFirst(calls).slice(0, SLOWEST_CALLS), all.milliseconds),
  ];
}
