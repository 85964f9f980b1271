/**
 * The comparison as a Markdown table, ready for docs/training.md: accuracies in percent for each
 * seed and their mean, differences in points. A difference is bneck less PyTorch.
 */

/**
 * Accuracies are shares of 1. Best ones are null where epochs can only be chosen by the test pictures.
 * @typedef {{
 *   seed: number,
 *   bneck: {
 *     last: number, best: number | null, trainLoss: number, seconds: number,
 *     lastJudgedByPyTorch: number, bestJudgedByPyTorch: number | null
 *   },
 *   pytorch: { last: number, best: number | null, trainLoss: number, seconds: number, version: string }
 * }} SeedResult
 */

const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(2)}%`;
const points = (/** @type {number} */ share) => `${share < 0 ? '' : '+'}${(100 * share).toFixed(2)}`;
const loss = (/** @type {number} */ value) => value.toFixed(4);
const seconds = (/** @type {number} */ value) => `${value.toFixed(0)} s`;

/** @param {number | null} value @param {number | null} other */
const less = (value, other) => (value === null || other === null ? null : value - other);

/** @type {readonly (readonly [string, (result: SeedResult) => number | null, (value: number) => string])[]} */
const ROWS = [
  ['**last epoch**, bneck', ({ bneck }) => bneck.last, percent],
  ['**last epoch**, PyTorch', ({ pytorch }) => pytorch.last, percent],
  ['**last epoch**, difference in points', ({ bneck, pytorch }) => bneck.last - pytorch.last, points],
  ['best epoch by validation, bneck', ({ bneck }) => bneck.best, percent],
  ['best epoch by validation, PyTorch', ({ pytorch }) => pytorch.best, percent],
  ['best epoch by validation, difference in points', ({ bneck, pytorch }) => less(bneck.best, pytorch.best), points],
  ["bneck's last weights judged by PyTorch", ({ bneck }) => bneck.lastJudgedByPyTorch, percent],
  ["bneck's best weights judged by PyTorch", ({ bneck }) => bneck.bestJudgedByPyTorch, percent],
  ['training loss of the last epoch, bneck', ({ bneck }) => bneck.trainLoss, loss],
  ['training loss of the last epoch, PyTorch', ({ pytorch }) => pytorch.trainLoss, loss],
  ['wall time, bneck', ({ bneck }) => bneck.seconds, seconds],
  ['wall time, PyTorch', ({ pytorch }) => pytorch.seconds, seconds],
];

/** @param {readonly SeedResult[]} results at least one */
export function markdownTable(results) {
  const titles = ['', ...results.map(({ seed }) => `seed ${seed}`), 'mean'];
  const rows = ROWS.flatMap(([title, read, format]) => {
    const values = results.map(read).filter((value) => value !== null);
    if (values.length < results.length) return [];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [[title, ...[...values, mean].map(format)]];
  });
  const rule = titles.map((_, index) => (index === 0 ? '---' : '---:'));
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return `${[titles, rule, ...rows].map(line).join('\n')}\n`;
}
