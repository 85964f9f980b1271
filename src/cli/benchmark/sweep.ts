/**
 * The paper's trade of accuracy for latency, with this machine's latencies: MobileNetV3 Large and Small at
 * five widths and six resolutions. Accuracies are the paper's (Howard et al., "Searching for MobileNetV3",
 * arXiv 1905.02244: ImageNet top-1 of its multipliers at 224 px and of its resolutions at width 1); the
 * networks measured have random weights.
 */
import { defaultPreprocessing } from '../../data/preprocess.ts';
import { buildGraph } from '../../graph/build-graph.ts';
import { initialWeights } from '../../graph/initial-weights.ts';
import { summarize } from '../../graph/summary.ts';
import type { Family } from '../../models/architecture.ts';
import { parseArchitecture } from '../../models/parse-architecture.ts';
import { formatCount } from '../../report/format.ts';
import { formatTable } from '../../report/table.ts';
import { benchmarkInference } from './inference.ts';
import type { Amount, Subject } from './measurement.ts';
import { formatMilliseconds } from './measurement-text.ts';
import type { Times } from './times.ts';

interface PaperPoint {
  readonly model: 'large' | 'small';
  readonly varied: 'width' | 'resolution';
  readonly width: number;
  readonly resolution: number;
  /** ImageNet top-1 in percent, as the paper has it. */
  readonly paperTop1: number;
}

export interface SweepPoint extends PaperPoint {
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly latencyMs: Times;
}

const FAMILIES: Readonly<Record<PaperPoint['model'], Family>> = {
  large: 'mobilenet_v3_large',
  small: 'mobilenet_v3_small',
};
export const MODEL_TITLES = { large: 'MobileNetV3-Large', small: 'MobileNetV3-Small' } as const;

const RESOLUTION = 224;
const TOP1_BY_WIDTH: Readonly<Record<PaperPoint['model'], readonly (readonly [width: number, top1: number])[]>> = {
  large: [
    [0.35, 64.2],
    [0.5, 68.8],
    [0.75, 73.3],
    [1, 75.2],
    [1.25, 76.6],
  ],
  small: [
    [0.35, 49.8],
    [0.5, 58.0],
    [0.75, 65.4],
    [1, 67.5],
    [1.25, 70.4],
  ],
};
const TOP1_BY_RESOLUTION: typeof TOP1_BY_WIDTH = {
  large: [
    [96, 63.3],
    [128, 68.4],
    [160, 71.7],
    [192, 73.7],
    [224, 75.2],
    [256, 76.0],
  ],
  small: [
    [96, 51.7],
    [128, 57.3],
    [160, 62.8],
    [192, 65.4],
    [224, 67.5],
    [256, 68.5],
  ],
};

/** Width 1 at 224 px is a point of both lines of a network. */
export const PAPER_POINTS: readonly PaperPoint[] = (['large', 'small'] as const).flatMap((model) => [
  ...TOP1_BY_WIDTH[model].map(([width, paperTop1]) => {
    return { model, varied: 'width' as const, width, resolution: RESOLUTION, paperTop1 };
  }),
  ...TOP1_BY_RESOLUTION[model].map(([resolution, paperTop1]) => {
    return { model, varied: 'resolution' as const, width: 1, resolution, paperTop1 };
  }),
]);

/** Networks with their weights, each made once: a network is measured at several resolutions. */
class Networks {
  readonly #made = new Map<string, Pick<Subject, 'architecture' | 'weights'>>();

  get({ model, width }: PaperPoint): Pick<Subject, 'architecture' | 'weights'> {
    const key = `${model} ${width}`;
    const known = this.#made.get(key);
    if (known) return known;
    // timm's rules for widths are the nearest to the paper's, whose head is as wide at every multiplier.
    const architecture = parseArchitecture({ family: FAMILIES[model], width, scaling: 'timm' });
    const network = { architecture, weights: initialWeights(buildGraph(architecture), 0) };
    this.#made.set(key, network);
    return network;
  }
}

async function measurePoint(point: PaperPoint, networks: Networks, amount: Amount): Promise<SweepPoint> {
  const network = networks.get(point);
  const preprocessing = defaultPreprocessing(point.resolution);
  const { latencyMs } = await benchmarkInference({ ...network, preprocessing }, amount);
  const { totalParameters, totalMultiplyAdds } = summarize(network.architecture, point.resolution);
  return { ...point, parameters: totalParameters, multiplyAdds: totalMultiplyAdds, latencyMs };
}

/** @param onPoint called after each point, with how many are done */
export async function measureSweep(
  amount: Amount,
  onPoint: (point: SweepPoint, done: number) => void,
): Promise<SweepPoint[]> {
  const points: SweepPoint[] = [];
  const networks = new Networks();
  for (const point of PAPER_POINTS) {
    const twin = points.find(({ model, width, resolution }) => {
      return model === point.model && width === point.width && resolution === point.resolution;
    });
    const measured = twin ? { ...twin, ...point } : await measurePoint(point, networks, amount);
    points.push(measured);
    onPoint(measured, points.length);
  }
  return points;
}

export function formatSweep(points: readonly SweepPoint[]): string {
  const titles = ['width', 'pixels', 'top-1 (paper)', 'multiply-adds', 'parameters', 'p50', 'min'];
  const columns = [
    { title: 'network', align: 'left' as const },
    ...titles.map((title) => ({ title, align: 'right' as const })),
  ];
  const rows = points.map(({ model, width, resolution, paperTop1, multiplyAdds, parameters, latencyMs }) => [
    MODEL_TITLES[model],
    String(width),
    String(resolution),
    `${paperTop1.toFixed(1)}%`,
    formatCount(multiplyAdds),
    formatCount(parameters),
    formatMilliseconds(latencyMs.p50),
    formatMilliseconds(latencyMs.min),
  ]);
  return formatTable(columns, rows);
}
