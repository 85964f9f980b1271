/** The sweep as the paper's figure: accuracy over latency, a line for each network's widths and resolutions. */
import { renderLineChart } from '../../report/line-chart.node.ts';
import { describeThreads } from './benchmark-report.ts';
import type { Amount } from './measurement.ts';
import { MODEL_TITLES, type SweepPoint } from './sweep.ts';

const LINES = [
  { model: 'large', varied: 'width', colour: 'blue', labels: 'below', named: 'width 0.35 to 1.25' },
  { model: 'large', varied: 'resolution', colour: 'blue', labels: 'above', named: '96 to 256 px' },
  { model: 'small', varied: 'width', colour: 'orange', labels: 'below', named: 'width 0.35 to 1.25' },
  { model: 'small', varied: 'resolution', colour: 'orange', labels: 'above', named: '96 to 256 px' },
] as const;

/**
 * @param machine in words
 * @returns the text of an SVG file
 */
export function renderSweep(
  points: readonly SweepPoint[],
  { threads, batch }: Amount,
  machine: string,
): Promise<string> {
  const lines = LINES.map(({ model, varied, named, ...look }) => ({
    ...look,
    name: `${MODEL_TITLES[model]}, ${named}`,
    dashed: varied === 'resolution',
    points: points
      .filter((point) => point.model === model && point.varied === varied)
      .map((point) => ({ x: point.latencyMs.p50, y: point.paperTop1, label: labelOf(point) })),
  }));
  return renderLineChart({
    title: 'MobileNetV3: accuracy and latency',
    subtitle: `Latency on ${machine}, ${describeThreads(threads)}, batch ${batch}. Accuracy from arXiv 1905.02244.`,
    x: { title: 'latency, ms (median)', scale: 'log' },
    y: { title: 'ImageNet top-1, %' },
    lines,
  });
}

/** Width 1 at 224 px is labelled once. */
function labelOf({ varied, width, resolution }: SweepPoint): string {
  if (varied === 'width') return `×${width}`;
  return resolution === 224 ? '' : String(resolution);
}
