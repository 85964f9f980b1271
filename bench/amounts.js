/**
 * How much is measured of each kind of work. The workloads are walked through `walks` times; in a
 * walk every contestant of a workload is warmed up for `warmUp` seconds (at least once, if at all), and then gives a sample in each of
 * `rounds` rounds. A sample is the mean of as many repetitions as fill `seconds`, or of one. Short samples and many rounds: what is
 * compared then lies close together in time. Before each sample the contestant works for `wake` seconds that do not count: it has slept while the
 * others had their turns, and systems take some 50 ms to spread its threads over the processors again.
 */

/** @typedef {{ walks: number, rounds: number, seconds: number, warmUp: number, wake: number }} Amount */

/** @type {Readonly<Record<import('./workloads.js').Work, Amount>>} */
export const FULL = {
  train: { walks: 2, rounds: 10, seconds: 0.8, warmUp: 1.5, wake: 0 },
  infer: { walks: 2, rounds: 24, seconds: 0.12, warmUp: 0.8, wake: 0.1 },
  memory: { walks: 1, rounds: 1, seconds: 0, warmUp: 0, wake: 0 },
  start: { walks: 2, rounds: 6, seconds: 0, warmUp: 0.001, wake: 0 },
  loading: { walks: 1, rounds: 16, seconds: 0, warmUp: 0.001, wake: 0 },
  classify: { walks: 2, rounds: 60, seconds: 0.05, warmUp: 0.5, wake: 0.02 },
};

/** @type {typeof FULL} */
export const QUICK = {
  train: { walks: 1, rounds: 2, seconds: 0.3, warmUp: 0.3, wake: 0 },
  infer: { walks: 1, rounds: 3, seconds: 0.1, warmUp: 0.2, wake: 0.1 },
  memory: { walks: 1, rounds: 1, seconds: 0, warmUp: 0, wake: 0 },
  start: { walks: 1, rounds: 3, seconds: 0, warmUp: 0.001, wake: 0 },
  loading: { walks: 1, rounds: 2, seconds: 0, warmUp: 0.001, wake: 0 },
  classify: { walks: 1, rounds: 4, seconds: 0.05, warmUp: 0.2, wake: 0.02 },
};
