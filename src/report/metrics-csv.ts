/**
 * metrics.csv, the diary of a run: one row an epoch, for people, spreadsheets and the plots of
 * `report`. A number is written in the shortest decimal form that reads back as the same double, so
 * resuming from the file loses nothing. Reading is strict: a row that was cut off or edited is
 * refused with its line, never guessed.
 */
import { assert, BneckError } from '../base/errors.ts';

/** One epoch of training. A number that was not measured, or diverged, is NaN. */
export interface EpochMetrics {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean over the epoch's samples, as optimised (with label smoothing). */
  readonly trainLoss: number;
  /** Fraction of samples, 0 to 1. */
  readonly trainAccuracy: number;
  readonly validationLoss: number;
  /** Fraction of samples, 0 to 1. */
  readonly validationAccuracy: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** Training images only. */
  readonly imagesPerSecond: number;
  /** Wall time of the epoch, validation included. */
  readonly seconds: number;
}

/** Column names in their order, each with the field it holds. */
const COLUMNS = [
  ['epoch', 'epoch'],
  ['train_loss', 'trainLoss'],
  ['train_accuracy', 'trainAccuracy'],
  ['validation_loss', 'validationLoss'],
  ['validation_accuracy', 'validationAccuracy'],
  ['learning_rate', 'learningRate'],
  ['images_per_second', 'imagesPerSecond'],
  ['seconds', 'seconds'],
] as const satisfies readonly (readonly [string, keyof EpochMetrics])[];

/** The first line of metrics.csv, with its line feed. */
export const METRICS_HEADER = `${COLUMNS.map(([column]) => column).join(',')}\n`;

const NUMBER = /^(-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]+)?|NaN|-?Infinity)$/;

/** Shortest text that `Number` reads back as the same double; NaN and Infinity as pandas reads them. */
function formatNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** One line of metrics.csv, with its line feed. */
export function formatMetricsRow(metrics: EpochMetrics): string {
  assert(Number.isSafeInteger(metrics.epoch) && metrics.epoch >= 1, `epoch ${metrics.epoch}`);
  return `${COLUMNS.map(([, field]) => formatNumber(metrics[field])).join(',')}\n`;
}

/** A whole metrics.csv. */
export function formatMetrics(rows: readonly EpochMetrics[]): string {
  return METRICS_HEADER + rows.map(formatMetricsRow).join('');
}

/**
 * Reads a whole metrics.csv. Lines end in a line feed, or carriage return and line feed; epochs
 * count up one by one.
 * @param name what to call the file in errors
 * @throws BneckError `file` with the line that cannot be read
 */
export function parseMetrics(text: string, name: string): EpochMetrics[] {
  const fail = (line: number, problem: string): never => {
    const remedy = 'Restore the file as bneck wrote it, or start a new run.';
    throw new BneckError('file', `${name}, line ${line}: ${problem}. ${remedy}`);
  };
  const lines = text.split(/\r?\n/);
  if (lines[0] !== METRICS_HEADER.trimEnd()) fail(1, `expected the columns ${METRICS_HEADER.trimEnd()}`);
  // Without the last line feed, 0.123 cut to 0.1 would pass for a number.
  if (lines.pop() !== '') fail(lines.length + 1, 'the line does not end, so the file is cut off');

  const rows: EpochMetrics[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const cells = line.split(',');
    if (cells.length !== COLUMNS.length) fail(index + 1, `${cells.length} cells for ${COLUMNS.length} columns`);
    const values = COLUMNS.map(([column, field], cell) => {
      const value = cells[cell] as string;
      return NUMBER.test(value) ? ([field, Number(value)] as const) : fail(index + 1, `${column} is not a number`);
    });
    const row = Object.fromEntries(values) as unknown as EpochMetrics;
    const expected = (rows.at(-1)?.epoch ?? row.epoch - 1) + 1;
    if (!Number.isSafeInteger(row.epoch) || row.epoch < 1) fail(index + 1, 'epoch is not a positive integer');
    if (row.epoch !== expected) fail(index + 1, `epoch ${row.epoch} where ${expected} was expected`);
    rows.push(row);
  }
  return rows;
}
