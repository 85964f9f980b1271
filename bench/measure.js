/**
 * Takes times. The contestants of a workload run in turns, round after round, the order reversed
 * each time, so that whatever slows the machine for a while slows all of them; only ratios within a
 * run are fair to compare. A sample is the mean of as many repetitions as fill a least duration.
 */

/** @typedef {import('./workloads.js').Contestant} Contestant */
/** @typedef {{ median: number, min: number, max: number, spread: number, repeats: number }} Summary */

/**
 * One warm-up, then repetitions enough to last `seconds`.
 * @param {Contestant} contestant @param {number} seconds
 * @returns {Promise<number>} how often to repeat
 */
async function calibrate(contestant, seconds) {
  await contestant.run(1);
  const once = await contestant.run(1);
  return Math.max(1, Math.ceil(seconds / once));
}

/**
 * @param {readonly Contestant[]} contestants
 * @param {{ rounds: number, seconds: number }} amount
 * @returns {Promise<Map<Contestant, number[]>>} seconds of one repetition, a sample a round
 */
export async function takeTurns(contestants, { rounds, seconds }) {
  /** @type {Map<Contestant, number[]>} */
  const samples = new Map(contestants.map((contestant) => [contestant, []]));
  const times = new Map();
  for (const contestant of contestants) times.set(contestant, await calibrate(contestant, seconds));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const contestant of order) {
      const repetitions = times.get(contestant);
      samples.get(contestant)?.push((await contestant.run(repetitions)) / repetitions);
    }
  }
  return samples;
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
