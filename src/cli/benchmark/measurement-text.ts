/** Measurements as a terminal shows them: a row a number of threads, then where the time goes. */
import { formatBytes, formatPercent, formatRate } from '../../report/format.ts';
import { formatTable, type TableColumn } from '../../report/table.ts';
import { describeThreads } from './benchmark-report.ts';
import type { MachinePeak } from './machine-peak.ts';
import type { Measurement } from './measurement.ts';
import { type Cost, costsByKernel, perSecond, slowestFirst, totalMilliseconds } from './step-costs.ts';

/** Three digits or so: `2.41 ms`, `24.1 ms`, `241 ms`. */
export function formatMilliseconds(milliseconds: number): string {
  const digits = milliseconds < 9.995 ? 2 : milliseconds < 99.95 ? 1 : 0;
  return `${milliseconds.toFixed(digits)} ms`;
}

function columns(first: string, ...others: readonly string[]): TableColumn[] {
  return [{ title: first, align: 'left' }, ...others.map((title) => ({ title, align: 'right' as const }))];
}

/** Start-up, percentiles, throughput and memory. */
export function formatMeasurements(measurements: readonly Measurement[]): string {
  const titles = ['start-up', 'p50', 'p90', 'p99', 'min', 'calls', 'throughput', 'memory'];
  const rows = measurements.map(({ threads, startMs, latencyMs, imagesPerSecond, engineBytes }) => {
    const { min, p50, p90, p99, calls } = latencyMs;
    const times = [startMs, p50, p90, p99, min].map(formatMilliseconds);
    return [String(threads), ...times, String(calls), formatRate(imagesPerSecond), formatBytes(engineBytes)];
  });
  return formatTable(columns('threads', ...titles), rows);
}

/** GFLOP/s or GB/s; a dash where there is nothing to count. */
function rate(amount: number, milliseconds: number): string {
  const value = perSecond(amount, milliseconds);
  return amount > 0 && Number.isFinite(value) ? value.toFixed(1) : '-';
}

function share(cost: Cost, total: number): string {
  return formatPercent(total > 0 ? cost.milliseconds / total : Number.NaN);
}

/**
 * The layers, each kernel call a row.
 * @param shown how many of the slowest; null for all, in the order of the network
 */
export function formatLayers(costs: readonly Cost[], shown: number | null): string {
  const total = totalMilliseconds(costs);
  const listed = shown === null ? costs : slowestFirst(costs).slice(0, shown);
  const rows = listed.map((cost) => {
    const { name, kernel, milliseconds, flops, bytes } = cost;
    const time = [milliseconds.toFixed(3), share(cost, total)];
    return [name, kernel, ...time, rate(flops, milliseconds), rate(bytes, milliseconds)];
  });
  const titles = columns('layer', 'kernel', 'ms', 'share', 'GFLOP/s', 'GB/s').map((column) =>
    column.title === 'kernel' ? { ...column, align: 'left' as const } : column,
  );
  const rest = costs.length - listed.length;
  const restShare = formatPercent(1 - totalMilliseconds(listed) / total);
  const more = rest > 0 ? [`${rest} more take ${restShare} of the time; --all-layers shows them.`] : [];
  return [formatTable(titles, rows), ...more].join('\n');
}

/** The kernels, slowest first, beside what the machine can do. */
export function formatKernels(costs: readonly Cost[], peak: MachinePeak): string {
  const total = totalMilliseconds(costs);
  const ofPeak = (amount: number, milliseconds: number, most: number) =>
    amount > 0 && milliseconds > 0 ? formatPercent(perSecond(amount, milliseconds) / most, 0) : '-';
  const rows = slowestFirst(costsByKernel(costs)).map((cost) => {
    const { name, calls, milliseconds, flops, bytes } = cost;
    const compute = [rate(flops, milliseconds), ofPeak(flops, milliseconds, peak.gflops)];
    const memory = [rate(bytes, milliseconds), ofPeak(bytes, milliseconds, peak.gigabytesPerSecond)];
    return [name, String(calls), milliseconds.toFixed(3), share(cost, total), ...compute, ...memory];
  });
  const table = formatTable(columns('kernel', 'calls', 'ms', 'share', 'GFLOP/s', 'of peak', 'GB/s', 'of peak'), rows);
  const products = `${peak.gflops.toFixed(0)} GFLOP/s (matrix products in cache)`;
  const copy = `${peak.gigabytesPerSecond.toFixed(0)} GB/s (copy in memory)`;
  const note = 'Bytes count each operand once, so what is still in cache can pass the memory.';
  return [table, `Peak of this machine, ${describeThreads(peak.threads)}: ${products}, ${copy}. ${note}`].join('\n');
}
