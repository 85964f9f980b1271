/**
 * How long calls take. They are made one after another, as a server under load makes them, and each
 * is timed; what counts are percentiles, since other programs slow some calls down.
 */

export interface Times {
  readonly calls: number;
  readonly min: number;
  /** The median: half of the calls took as long or less. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Calls that are not counted: V8 compiles the kernels anew while they run for the first few times. */
const WARM_UP_CALLS = 10;
const LEAST_CALLS = 5;

/** The value that a share of the sorted values does not exceed (nearest rank). */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] as number;
}

/** @param values at least one, in any order */
export function summarizeTimes(values: readonly number[]): Times {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, p50, p90, p99] = [0, 0.5, 0.9, 0.99].map((share) => percentile(sorted, share)) as [
    number,
    number,
    number,
    number,
  ];
  return { calls: values.length, min, p50, p90, p99 };
}

/** Warms up, then makes calls for some seconds. Gives the milliseconds of each. */
export async function timeCalls(call: () => Promise<unknown>, seconds: number): Promise<number[]> {
  const warm = performance.now() + 500 * seconds;
  for (let made = 0; made < WARM_UP_CALLS && (made < 2 || performance.now() < warm); made++) await call();
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  let last = performance.now();
  while (last < end || times.length < LEAST_CALLS) {
    await call();
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return times;
}
