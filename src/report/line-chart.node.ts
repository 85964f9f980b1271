/** Lines with points over common axes: accuracy over latency, loss over epochs. */
import type { Axis, Legend, Mark, Scale, Spec, TextEncodeEntry } from 'vega';
import { CHART_FONT, type ChartColour, type ChartSize, colour, renderChart } from './chart.node.ts';
import { visibleText } from './visible-text.ts';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Beside the point. */
  readonly label?: string;
}

export interface ChartLine {
  /** As in the legend; each line has its own. */
  readonly name: string;
  readonly colour: ChartColour;
  /** Dashed, with hollow points. Default false. */
  readonly dashed?: boolean;
  /** Where labels stand. Default above. */
  readonly labels?: 'above' | 'below';
  /** Whether its points are drawn; a single point always is. Default true. */
  readonly dots?: boolean;
  /** In the order in which they are joined. */
  readonly points: readonly ChartPoint[];
}

export interface LineChart {
  readonly title: string;
  readonly subtitle?: string;
  /** `whole`: ticks at whole numbers only. */
  readonly x: { readonly title: string; readonly scale: 'linear' | 'log'; readonly whole?: boolean };
  /** `fromZero`: the axis begins at 0. */
  readonly y: { readonly title: string; readonly fromZero?: boolean };
  readonly lines: readonly ChartLine[];
  /** Default 640 x 400. */
  readonly size?: ChartSize;
  /** Where the names of the lines stand: below one another, or in a row below the chart. None leaves them out. Default bottom-right. */
  readonly legend?: 'bottom-right' | 'bottom' | 'row' | 'none';
}

const SIZE: ChartSize = { width: 640, height: 400 };
/** Pixels between the outermost points and the axes. */
const MARGIN = 24;

/** Names in a row, close together: their widths are estimates on the large side, and a row wider than the chart would shrink it. */
const ROW = { direction: 'horizontal', columnPadding: 0, padding: 0 } as const;

/** Which corner of a label is at its point, and how far from it in pixels. */
const LABEL_CORNERS = {
  above: { align: 'right', baseline: 'bottom', shift: -5 },
  below: { align: 'left', baseline: 'top', shift: 5 },
};

/** By the name of a line: what tells it from the others. */
function looks(lines: readonly ChartLine[]): Scale[] {
  const domain = lines.map(({ name }) => name);
  const look = (name: string, of: (line: ChartLine) => unknown): Scale => {
    return { name, type: 'ordinal', domain, range: lines.map(of) as string[] };
  };
  return [
    look('stroke', (line) => colour(line.colour)),
    look('fill', (line) => colour(line.dashed ? 'background' : line.colour)),
    look('shape', ({ dashed }) => (dashed ? 'square' : 'circle')),
    look('dash', ({ dashed }) => (dashed ? [5, 4] : [1, 0])),
  ];
}

/** Lines below, labels over them, points on top. */
function marks(): Mark[] {
  const place = { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } };
  const stroke = { stroke: { scale: 'stroke', field: 'line' }, strokeWidth: { value: 2 } };
  const path = { ...place, ...stroke, strokeDash: { scale: 'dash', field: 'line' } };
  const text: TextEncodeEntry = {
    ...place,
    text: { field: 'label' },
    fill: { scale: 'stroke', field: 'line' },
    font: { value: CHART_FONT },
    fontSize: { value: 11 },
    align: { field: 'align' },
    baseline: { field: 'baseline' },
    dx: { field: 'shift' },
    dy: { field: 'shift' },
  };
  // Clears the lines behind a label.
  const halo = { stroke: { value: colour('background') }, strokeWidth: { value: 3 } };
  const point = {
    ...place,
    ...stroke,
    fill: { scale: 'fill', field: 'line' },
    shape: { scale: 'shape', field: 'line' },
    size: { value: 44 },
  };
  const from = { data: 'points' };
  return [
    {
      type: 'group',
      from: { facet: { name: 'line', data: 'points', groupby: 'line' } },
      marks: [{ type: 'line', from: { data: 'line' }, encode: { enter: path } }],
    },
    { type: 'text', from, encode: { enter: { ...text, ...halo } } },
    { type: 'text', from, encode: { enter: text } },
    { type: 'symbol', from: { data: 'dots' }, encode: { enter: point } },
  ];
}

function axes({ x, y }: LineChart, { width, height }: ChartSize): Axis[] {
  return [
    {
      orient: 'bottom',
      scale: 'x',
      title: visibleText(x.title),
      grid: true,
      tickCount: Math.ceil(width / 80),
      ...(x.whole ? { tickMinStep: 1, format: 'd' } : {}),
    },
    {
      orient: 'left',
      scale: 'y',
      title: visibleText(y.title),
      grid: true,
      tickCount: Math.ceil(height / 40),
    },
  ];
}

/** @returns the text of an SVG file */
export function renderLineChart(chart: LineChart): Promise<string> {
  const { title, subtitle = '', x, size = SIZE, legend = 'bottom-right' } = chart;
  const lines = chart.lines.map((line) => ({ ...line, name: visibleText(line.name) }));
  const values = lines.flatMap(({ name: line, points, labels = 'above', dots = true }) => {
    const corner = LABEL_CORNERS[labels];
    return points.map(({ label = '', ...point }) => ({
      ...point,
      label: visibleText(label),
      line,
      ...corner,
      dot: dots || points.length === 1,
    }));
  });
  const scale = { padding: MARGIN, zero: false } as const;
  const fromZero = chart.y.fromZero ? { padding: 0, domainMin: 0, nice: true } : {};
  const spec: Spec = {
    ...size,
    padding: 20,
    title: { text: visibleText(title), subtitle: visibleText(subtitle) },
    data: [
      { name: 'points', values },
      { name: 'dots', source: 'points', transform: [{ type: 'filter', expr: 'datum.dot' }] },
    ],
    scales: [
      { ...scale, name: 'x', type: x.scale, domain: { data: 'points', field: 'x' }, range: 'width' },
      { ...scale, ...fromZero, name: 'y', type: 'linear', domain: { data: 'points', field: 'y' }, range: 'height' },
      ...looks(lines),
    ],
    axes: axes(chart, size),
    legends: [
      {
        stroke: 'stroke',
        fill: 'fill',
        shape: 'shape',
        orient: legend === 'bottom-right' ? legend : 'bottom',
        symbolStrokeWidth: 2,
        ...(legend === 'bottom' ? { columns: 1 } : {}),
        ...(legend === 'row' ? ROW : {}),
      },
    ].slice(legend === 'none' ? 1 : 0) as Legend[],
    marks: marks(),
  };
  return renderChart(spec);
}
