/** The curves of a run: loss, accuracy and learning rate over its epochs. */
import type { ChartSize } from './chart.node.ts';
import { type ChartLine, type ChartPoint, type LineChart, renderLineChart } from './line-chart.node.ts';
import type { EpochMetrics } from './metrics-csv.ts';

/** Of one panel: three stand beside each other on a wide page, one fills a phone. */
export const PANEL_SIZE: ChartSize = { width: 310, height: 220 };
/** Longer runs are lines without dots. */
const MOST_DOTS = 30;

/** Points of one column; epochs that have no such number are left out. */
export function columnPoints(rows: readonly EpochMetrics[], field: keyof EpochMetrics, factor = 1): ChartPoint[] {
  return rows
    .filter((row) => Number.isFinite(row[field]))
    .map((row) => ({ x: row.epoch, y: (row[field] as number) * factor }));
}

const EPOCHS = { title: 'epoch', scale: 'linear', whole: true } as const;

function bestPoint(best: EpochMetrics | null, field: 'validationLoss' | 'validationAccuracy', factor = 1): ChartLine[] {
  if (best === null || !Number.isFinite(best[field])) return [];
  const points = [{ x: best.epoch, y: best[field] * factor }];
  return [{ name: `epoch ${best.epoch}, kept`, colour: 'green', points }];
}

/**
 * @param best the row of the epoch whose weights were kept
 * @returns texts of SVG files: loss, accuracy, learning rate; none where no epoch is over
 */
export async function renderCurves(rows: readonly EpochMetrics[], best: EpochMetrics | null): Promise<string[]> {
  if (rows.length === 0) return [];
  const line = (name: string, colour: ChartLine['colour'], points: readonly ChartPoint[]): ChartLine => {
    return { name, colour, points, dots: points.length <= MOST_DOTS };
  };
  const charts: LineChart[] = [
    {
      title: 'Loss',
      x: EPOCHS,
      y: { title: 'cross-entropy' },
      legend: 'row',
      lines: [
        line('training', 'blue', columnPoints(rows, 'trainLoss')),
        line('validation', 'orange', columnPoints(rows, 'validationLoss')),
        ...bestPoint(best, 'validationLoss'),
      ],
    },
    {
      title: 'Accuracy',
      x: EPOCHS,
      y: { title: 'top-1, %' },
      legend: 'row',
      lines: [
        line('training', 'blue', columnPoints(rows, 'trainAccuracy', 100)),
        line('validation', 'orange', columnPoints(rows, 'validationAccuracy', 100)),
        ...bestPoint(best, 'validationAccuracy', 100),
      ],
    },
    {
      title: 'Learning rate',
      x: EPOCHS,
      y: { title: "of the epoch's last step", fromZero: true },
      legend: 'none',
      lines: [line('learning rate', 'purple', columnPoints(rows, 'learningRate'))],
    },
  ];
  return Promise.all(
    charts.map(({ lines, ...chart }) =>
      renderLineChart({ ...chart, size: PANEL_SIZE, lines: lines.filter(({ points }) => points.length > 0) }),
    ),
  );
}
