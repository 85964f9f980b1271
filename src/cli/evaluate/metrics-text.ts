/** Metrics for a terminal: the main figures, a table of the classes, and what is taken for what. */
import type { ClassificationMetrics } from '../../report/classification-metrics.ts';
import { mostConfused, rowSums } from '../../report/confusion.ts';
import { formatCount, formatPercent, formatRate } from '../../report/format.ts';
import { formatTable } from '../../report/table.ts';

/** Up to so many classes the whole matrix is shown. */
const MOST_MATRIX_CLASSES = 12;
/** Up to so many, each has its line. */
const MOST_LISTED_CLASSES = 50;
const WORST_CLASSES = 20;
const CONFUSED_PAIRS = 10;

export function mainFigures(metrics: ClassificationMetrics, seconds: number): string {
  const { top1, top5, loss, macroF1, ece, pictures } = metrics;
  return [
    `top-1 accuracy     ${formatPercent(top1, 2)}`,
    `top-5 accuracy     ${formatPercent(top5, 2)}`,
    `loss               ${loss.toFixed(4)}`,
    `macro F1           ${formatPercent(macroF1, 2)}`,
    `calibration error  ${formatPercent(ece, 2)}`,
    `speed              ${formatRate(pictures / seconds)}`,
  ].join('\n');
}

/** Precision, recall and F1 of each class, or of the worst where there are many. */
export function classTable({ perClass }: ClassificationMetrics, names: readonly string[]): string {
  let listed = perClass.map((metrics, index) => ({ name: names[index] as string, ...metrics }));
  let title = '';
  if (listed.length > MOST_LISTED_CLASSES) {
    title = `The ${WORST_CLASSES} classes with the lowest F1 (--json has all ${formatCount(listed.length)}):\n`;
    listed = listed
      .filter(({ f1 }) => !Number.isNaN(f1))
      .sort((a, b) => a.f1 - b.f1)
      .slice(0, WORST_CLASSES);
  }
  const rows = listed.map(({ name, precision, recall, f1, support }) => [
    name,
    formatPercent(precision),
    formatPercent(recall),
    formatPercent(f1),
    formatCount(support),
  ]);
  const columns = ['precision', 'recall', 'F1', 'pictures'].map((word) => ({ title: word, align: 'right' }) as const);
  return title + formatTable([{ title: 'class', align: 'left' }, ...columns], rows);
}

function matrixText({ confusion }: ClassificationMetrics, names: readonly string[]): string {
  const classes = names.length;
  const rows = names.map((name, label) => [
    `${label} ${name}`,
    ...names.map((_, guess) => {
      const count = confusion[label * classes + guess] as number;
      return count === 0 ? '.' : formatCount(count);
    }),
  ]);
  const columns = names.map((_, index) => ({ title: String(index), align: 'right' }) as const);
  const table = formatTable([{ title: 'shown', align: 'left' }, ...columns], rows);
  return `What is shown (rows), and what it is taken for (columns), pictures:\n${table}`;
}

function pairsText({ confusion }: ClassificationMetrics, names: readonly string[]): string {
  const pairs = mostConfused(confusion, names.length, CONFUSED_PAIRS);
  if (pairs.length === 0) return 'No class is taken for another.';
  const sums = rowSums(confusion, names.length);
  const rows = pairs.map(({ label, guess, count, share }) => [
    names[label] as string,
    names[guess] as string,
    `${formatCount(count)} of ${formatCount(sums[label] as number)}`,
    formatPercent(share),
  ]);
  const columns = [
    { title: 'shown', align: 'left' },
    { title: 'taken for', align: 'left' },
    { title: 'pictures', align: 'right' },
    { title: 'share', align: 'right' },
  ] as const;
  return `What is most often taken for something else:\n${formatTable(columns, rows)}`;
}

/** The confusion matrix of few classes, or the most confused pairs of many. */
export function confusionText(metrics: ClassificationMetrics, names: readonly string[]): string {
  return names.length <= MOST_MATRIX_CLASSES ? matrixText(metrics, names) : pairsText(metrics, names);
}
