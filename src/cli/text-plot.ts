/**
 * A curve in a terminal: columns of characters, a dot a column, an axis with a few labels. Plain text,
 * the same in a pipe.
 */
import { assert } from '../base/errors.ts';

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

export interface PlotOptions {
  /** Characters, axis not counted. */
  readonly width: number;
  readonly height: number;
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
  /** A place on the x axis that is marked. */
  readonly mark: number | null;
}

/** The mean of the points that fall into each column; null where none does. */
function columnsOf(points: readonly PlotPoint[], width: number, place: (x: number) => number): (number | null)[] {
  const sums = Array.from({ length: width }, () => ({ sum: 0, count: 0 }));
  for (const { x, y } of points) {
    const column = sums[place(x)];
    assert(column, 'the point has a column');
    column.sum += y;
    column.count += 1;
  }
  return sums.map(({ sum, count }) => (count === 0 ? null : sum / count));
}

/** @returns lines, without line feeds and spaces at their ends */
export function plotCurve(points: readonly PlotPoint[], options: PlotOptions): string[] {
  const { width, height, formatX, formatY, mark } = options;
  assert(points.length >= 2, 'a curve has two points');
  const [low, high] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const column = (x: number) => Math.round(((x - low) / (high - low)) * (width - 1));
  const values = columnsOf(points, width, column);
  const known = values.filter((value) => value !== null);
  const [bottom, top] = [Math.min(...known), Math.max(...known)];
  const row = (y: number) => Math.round(((top - y) / (top - bottom || 1)) * (height - 1));
  const grid = Array.from({ length: height }, () => Array.from({ length: width }, () => ' '));
  const marked = mark === null ? -1 : column(mark);
  for (const line of grid) if (marked >= 0) line[marked] = '┊';
  values.forEach((value, at) => {
    const line = value === null ? undefined : grid[row(value)];
    if (line) line[at] = '•';
  });
  const labels = grid.map((_, at) => (at === 0 ? formatY(top) : at === height - 1 ? formatY(bottom) : ''));
  const margin = Math.max(...labels.map((label) => label.length));
  const lines = grid.map((line, at) => `${(labels[at] as string).padStart(margin)} │${line.join('')}`.trimEnd());
  const axis = Array.from({ length: width }, (_, at) => (at === marked ? '┴' : '─')).join('');
  const [first, last] = [formatX(low), formatX(high)];
  const ticks = `${first}${last.padStart(width - first.length)}`;
  return [...lines, `${' '.repeat(margin)} └${axis}`, `${' '.repeat(margin + 2)}${ticks}`];
}
