/**
 * How much is measured of each kind of work. The workloads are walked through `walks` times; in a
 * walk every contestant of a workload is warmed up for `seconds`, and then gives a sample in each of
 * `rounds` rounds. A sample is the mean of as many repetitions as fill `seconds`, or of one.
 */

/** @typedef {{ walks: number, rounds: number, seconds?: number, warmUp: boolean }} Amount */

/** @type {Readonly<Record<import('./workloads.js').Work, Amount>>} */
export const FULL = {
  train: { walks: 2, rounds: 3, seconds: 1.5, warmUp: true },
  infer: { walks: 2, rounds: 3, seconds: 0.5, warmUp: true },
  memory: { walks: 1, rounds: 1, warmUp: false },
  start: { walks: 2, rounds: 6, warmUp: true },
  loading: { walks: 1, rounds: 4, warmUp: true },
};

/** @type {typeof FULL} */
export const QUICK = {
  train: { walks: 1, rounds: 2, seconds: 0.3, warmUp: true },
  infer: { walks: 1, rounds: 3, seconds: 0.15, warmUp: true },
  memory: { walks: 1, rounds: 1, warmUp: false },
  start: { walks: 1, rounds: 3, warmUp: true },
  loading: { walks: 1, rounds: 2, warmUp: true },
};
