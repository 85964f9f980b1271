/**
 * Results as rows: what was measured, by whom, and how it compares with bneck in the same run. One table
 * holds every kind of work.
 */
import { formatTable } from './built-package.js';
import { summarize } from './measure.js';
import { CLASSIFY, inUnits, LOADING, nameOf, UNITS } from './workloads.js';

/** @typedef {import('./workloads.js').Workload} Workload */
/** @typedef {import('./measure.js').Contestant} Contestant */
/**
 * `ratio`: how many times better bneck is than this peer on as many threads, `scaling`: than bneck on one thread, and `added`: what share of the
 * time of the bare step or call this takes more; null where there is nothing to compare. More images a second, or fewer milliseconds or megabytes.
 * @typedef {Workload & { engine: string, variant: string | null, threads: number, unit: string, ratio: number | null, scaling: number | null, added: number | null }
 *   & import('./measure.js').Summary} Result
 */

/** The bare step or call, where others do more around it. @type {Partial<Record<import('./workloads.js').Work, string>>} */
const BARE = { loading: LOADING.alone, classify: CLASSIFY.alone };
const WIDE_SPREAD = 0.25;
/** From here on others take so much of the machine that times say little, those on several threads least. */
const BUSY_LOAD = 0.5;

/** Collects samples over several walks. */
export class Samples {
  /** @type {Map<string, { workload: Workload, contestant: Contestant, values: number[] }>} */
  #all = new Map();

  /** @param {Workload} workload @param {string} engine @param {string | null} variant @param {number} threads */
  #key(workload, engine, variant, threads) {
    return `${nameOf(workload)} ${engine} ${variant} ${threads}`;
  }

  /** @param {Workload} workload @param {Contestant} contestant @param {readonly number[]} amounts of one repetition */
  add(workload, contestant, amounts) {
    const { engine, variant, threads } = contestant;
    const key = this.#key(workload, engine, variant, threads);
    const entry = this.#all.get(key) ?? { workload, contestant, values: [] };
    entry.values.push(...amounts.map((amount) => inUnits(workload, amount)));
    this.#all.set(key, entry);
  }

  /**
   * How many times better `values` are than those of another contestant: the median over rounds of the ratio within a round, since
   * what a round's samples have in common is the state of the machine.
   * @param {Workload} workload @param {readonly number[]} values @param {readonly number[]} others
   */
  #timesBetter(workload, values, others) {
    const more = UNITS[workload.work] === 'img/s';
    const ratios = values.map((value, round) => {
      const other = /** @type {number} */ (others[round]);
      return more ? value / other : other / value;
    });
    return summarize(ratios).median;
  }

  /** @returns {Result[]} */
  results() {
    return [...this.#all.values()].map(({ workload, contestant: { engine, variant, threads }, values }) => {
      const own = this.#all.get(this.#key(workload, 'bneck', null, threads));
      const alone = this.#all.get(this.#key(workload, 'bneck', null, 1));
      const bareVariant = BARE[workload.work];
      const bare = bareVariant && this.#all.get(this.#key(workload, engine, bareVariant, threads));
      const isBneck = engine === 'bneck';
      return {
        ...workload,
        engine,
        variant,
        threads,
        unit: UNITS[workload.work],
        ...summarize(values),
        ratio: own && !isBneck ? this.#timesBetter(workload, own.values, values) : null,
        scaling: alone && isBneck && threads > 1 ? this.#timesBetter(workload, values, alone.values) : null,
        added: bare && variant !== bareVariant ? this.#timesBetter(workload, bare.values, values) - 1 : null,
      };
    });
  }
}

/** @param {readonly Result[]} results */
export function tableOf(results) {
  const number = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : 1);
  const rows = results.map((result) => [
    nameOf(result),
    result.variant === null ? result.engine : `${result.engine}, ${result.variant}`,
    String(result.threads),
    number(result.median),
    number(result.min),
    number(result.max),
    result.unit,
    result.repeats > 1 ? `${(100 * result.spread).toFixed(0)}%` : '',
    result.ratio?.toFixed(2) ?? '',
  ]);
  const titles = ['work', 'engine', 'threads', 'median', 'min', 'max', 'unit', 'spread', 'bneck/peer'];
  const left = new Set(['work', 'engine', 'unit']);
  const columns = titles.map((title) => ({
    title,
    align: left.has(title) ? /** @type {const} */ ('left') : /** @type {const} */ ('right'),
  }));
  return formatTable(columns, rows);
}

/** What is done around a training step, or around a call, adds to it, in words. @param {readonly Result[]} results */
export function addedLines(results) {
  return results.flatMap((result) => {
    const { work, variant, threads, added } = result;
    if (added === null) return [];
    const percent = `${(100 * added).toFixed(1)} %`;
    if (work === 'loading') return [`Loading adds ${percent} to a training step (${variant}).`];
    return [`${nameOf(result)}, ${threads} thread${threads > 1 ? 's' : ''}: adds ${percent} to ${CLASSIFY.alone}.`];
  });
}

/** What bneck's threads bring, in words. @param {readonly Result[]} results */
export function scalingLines(results) {
  return results.flatMap((result) => {
    if (result.scaling === null || (result.work !== 'train' && result.work !== 'infer')) return [];
    return [
      `bneck, ${nameOf(result)}: ${result.threads} threads do ${result.scaling.toFixed(2)} times the work of one.`,
    ];
  });
}

/**
 * Says where the figures are not to be relied on.
 * @param {number} loadBefore @param {readonly Result[]} results
 */
export function doubts(loadBefore, results) {
  const wide = results.filter(({ spread }) => spread > WIDE_SPREAD).length;
  const busy = `The machine was busy before (load ${loadBefore.toFixed(1)}): repeat when it is quiet.`;
  const unsteady = `${wide} of ${results.length} figures spread by more than ${100 * WIDE_SPREAD}%: repeat before quoting.`;
  return [...(loadBefore > BUSY_LOAD ? [busy] : []), ...(wide > 0 ? [unsteady] : [])];
}
