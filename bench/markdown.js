/**
 * The last run of all kinds of work in bench/history.ndjson as Markdown tables, for docs/performance.md: one table a kind of work, a
 * row a workload and number of threads, a column an engine. Medians, and in brackets how many times better bneck is, how many times its own on one thread, or how
 * much longer it takes than the bare step or call: the medians of all rounds.
 *
 *   node bench/markdown.js [--quick]      # the last full run, or the last quick one
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nameOf } from './workloads.js';

/** @typedef {import('./results.js').Result} Result */
/** @typedef {{ date: string, commit: string, cpu: string, cores: number, node: string, quick: boolean, results: Result[] }} Line */

/** @type {Readonly<Record<import('./workloads.js').Work, string>>} */
const TITLES = {
  train: 'training, images/s',
  infer: 'inference, ms a call',
  memory: 'peak memory of training, MB',
  start: 'process start to first logits, ms',
  loading: 'training from JPEG files, images/s',
  classify: 'a picture to its likeliest classes, ms',
};

/** @param {readonly string[]} cells */
function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** A result's row. @param {Result} result */
function placeOf(result) {
  return `${nameOf(result)} ${result.threads}`;
}

/** A median, and how it compares; older lines know less. @param {Result} result */
function cellOf({ work, median, ratio, scaling = null, added = null }) {
  const text = median.toFixed(median < 10 ? 2 : median < 100 ? 1 : 0);
  if (ratio !== null) return `${text} (${ratio.toFixed(2)})`;
  if (added !== null) return `${text} (${added < 0 ? '' : '+'}${(100 * added).toFixed(1)} %)`;
  return scaling !== null && (work === 'train' || work === 'infer') ? `${text} (×${scaling.toFixed(2)})` : text;
}

/** The table of one kind of work. @param {string} title @param {readonly Result[]} results of that kind */
function tableOf(title, results) {
  const places = new Set(results.map((result) => `${placeOf(result)} ${result.engine}`));
  // Where an engine stands in a row more than once, its variants get columns of their own.
  const severalVariants = places.size < results.length;
  const columnOf = (/** @type {Result} */ { engine, variant }) =>
    severalVariants && variant ? `${engine}, ${variant}` : engine;
  const columns = [...new Set(results.map(columnOf))];
  const rows = [...new Set(results.map(placeOf))].map((place) => {
    const here = results.filter((result) => placeOf(result) === place);
    const cells = columns.map((column) => {
      const result = here.find((candidate) => columnOf(candidate) === column);
      return result === undefined ? '' : cellOf(result);
    });
    const [first] = /** @type {[Result]} */ (here);
    return row([nameOf(first).replace(`${first.work} `, ''), String(first.threads), ...cells]);
  });
  return [row([title, 'threads', ...columns]), row(['---', ...columns.map(() => '---:'), '---:']), ...rows].join('\n');
}

/** @param {boolean} quick @returns {Line} */
function lastLine(quick) {
  const text = readFileSync(new URL('./history.ndjson', import.meta.url), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => /** @type {Line} */ (JSON.parse(line)));
  // runs of a part, and those of the time before there was a kind of work, are none of all
  const isFull = (/** @type {Line} */ { results }) =>
    Object.keys(TITLES).every((kind) => results.some(({ work }) => work === kind));
  const last = lines.filter((line) => line.quick === quick && isFull(line)).at(-1);
  if (last === undefined) {
    const [kind, flag] = quick ? ['quick', ' -- --quick'] : ['full', ''];
    throw new Error(`bench/history.ndjson has no ${kind} run of all kinds of work. Make one: npm run bench${flag}`);
  }
  return last;
}

try {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  const { date, commit, cpu, cores, node, results } = lastLine(values.quick);
  const tables = Object.entries(TITLES).flatMap(([work, title]) => {
    const ofWork = results.filter((result) => result.work === work);
    return ofWork.length > 0 ? [tableOf(title, ofWork)] : [];
  });
  const head = `${date.slice(0, 10)}, commit ${commit}, ${cpu}, ${cores} cores, Node ${node}.`;
  console.log([head, ...tables].join('\n\n'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
