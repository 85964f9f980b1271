/** Lines with points over common axes: accuracy over latency, loss over epochs. */
import type { Mark, Scale, Spec, TextEncodeEntry } from 'vega';
import { CHART_FONT, type ChartColour, colour, renderChart } from './chart.node.ts';

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
  /** In the order in which they are joined. */
  readonly points: readonly ChartPoint[];
}

export interface LineChart {
  readonly title: string;
  readonly subtitle: string;
  readonly x: { readonly title: string; readonly scale: 'linear' | 'log' };
  readonly y: { readonly title: string };
  readonly lines: readonly ChartLine[];
}

const WIDTH = 640;
const HEIGHT = 400;
/** Pixels between the outermost points and the axes. */
const MARGIN = 24;

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
    { type: 'symbol', from, encode: { enter: point } },
  ];
}

/** @returns the text of an SVG file */
export function renderLineChart({ title, subtitle, x, y, lines }: LineChart): Promise<string> {
  const values = lines.flatMap(({ name: line, points, labels = 'above' }) => {
    const corner = LABEL_CORNERS[labels];
    return points.map((point) => ({ label: '', ...point, line, ...corner }));
  });
  const spec: Spec = {
    width: WIDTH,
    height: HEIGHT,
    padding: 20,
    title: { text: title, subtitle },
    data: [{ name: 'points', values }],
    scales: [
      {
        name: 'x',
        type: x.scale,
        domain: { data: 'points', field: 'x' },
        range: 'width',
        padding: MARGIN,
        zero: false,
      },
      {
        name: 'y',
        type: 'linear',
        domain: { data: 'points', field: 'y' },
        range: 'height',
        padding: MARGIN,
        zero: false,
      },
      ...looks(lines),
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: x.title, grid: true, tickCount: 8 },
      { orient: 'left', scale: 'y', title: y.title, grid: true },
    ],
    legends: [
      {
        stroke: 'stroke',
        fill: 'fill',
        shape: 'shape',
        orient: 'bottom-right',
        symbolStrokeWidth: 2,
      },
    ],
    marks: marks(),
  };
  return renderChart(spec);
}
