/**
 * Takes times. The contestants of a workload run in turns, round after round, the order reversed
 * each time, so that whatever slows the machine for a while slows all of them; only ratios within a
 * run are fair to compare.
 */

/** @typedef {import('./amounts.js').Amount} Amount */
/**
 * Something that does a workload. `run` does it `times` times and resolves to what that took in all:
 * seconds, or bytes for memory. `variant` tells apart contestants of one engine.
 * @typedef {{
 *   engine: string, variant: string | null, threads: number,
 *   run: (times: number) => Promise<number>, dispose: () => Promise<void>
 * }} Contestant
 */
/** @typedef {{ median: number, min: number, max: number, spread: number, repeats: number }} Summary */

/**
 * Warms up, and finds how many repetitions last as long as is asked for.
 * @param {Contestant} contestant @param {Amount} amount
 * @returns {Promise<{ sample: number, wake: number }>} how often to repeat in a sample, and before it
 */
async function calibrate(contestant, { seconds, warmUp, wake }) {
  let [spent, took, times] = [0, 0, 1];
  while (spent < warmUp) {
    if (took > 0) times *= 2;
    took = await contestant.run(times);
    spent += took;
  }
  const repetitions = (/** @type {number} */ duration) => (took > 0 ? Math.ceil((duration * times) / took) : 0);
  return { sample: Math.max(1, repetitions(seconds)), wake: repetitions(wake) };
}

/**
 * @param {readonly Contestant[]} contestants
 * @param {Amount} amount
 * @returns {Promise<Map<Contestant, number[]>>} what one repetition took, a sample a round
 */
export async function takeTurns(contestants, amount) {
  /** @type {{ contestant: Contestant, sample: number, wake: number, samples: number[] }[]} */
  const entrants = [];
  for (const contestant of contestants) {
    entrants.push({ contestant, ...(await calibrate(contestant, amount)), samples: [] });
  }
  for (let round = 0; round < amount.rounds; round++) {
    for (const { contestant, sample, wake, samples } of round % 2 === 0 ? entrants : [...entrants].reverse()) {
      if (wake > 0) await contestant.run(wake);
      samples.push((await contestant.run(sample)) / sample);
    }
  }
  return new Map(entrants.map(({ contestant, samples }) => [contestant, samples]));
}

/**
 * Median, extremes and spread, which is (max - min) / median.
 * @param {readonly number[]} values at least one
 * @returns {Summary}
 */
export function summarize(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (/** @type {number} */ index) => /** @type {number} */ (sorted[index]);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2;
  const [min, max] = [at(0), at(sorted.length - 1)];
  return { median, min, max, spread: (max - min) / median, repeats: sorted.length };
}
