/** Runs side by side: `compare.html`. Curves over each other, a table of what they cost, and what differs in their recipes. */
import type { ChartColour } from './chart.node.ts';
import { columnPoints, PANEL_SIZE } from './curves.node.ts';
import { formatBytes, formatCount, formatDuration, formatPercent } from './format.ts';
import { type Html, html, trusted } from './html.ts';
import { type ChartLine, type LineChart, renderLineChart } from './line-chart.node.ts';
import type { EpochMetrics } from './metrics-csv.ts';
import { renderPage } from './page.node.ts';
import { shortName } from './run-sections.ts';

/** NaN where a number is not known. */
export interface ComparedRun {
  /** Each run has its own. */
  readonly name: string;
  /** The network in words. */
  readonly network: string;
  readonly rows: readonly EpochMetrics[];
  /** Of the epoch whose weights were kept. */
  readonly best: EpochMetrics | null;
  readonly parameters: number;
  /** For one picture. */
  readonly multiplyAdds: number;
  /** Of one picture, the median. */
  readonly latencyMs: number;
  readonly modelBytes: number;
  readonly trainingSeconds: number;
}

export interface Comparison {
  readonly runs: readonly ComparedRun[];
  /** Settings in which they differ; values in the order of the runs, null where one has none. */
  readonly differences: readonly { readonly name: string; readonly values: readonly (string | null)[] }[];
  /** How latency was measured, in words. */
  readonly measured: string;
  /** What to know before believing it, a sentence each. */
  readonly notes: readonly string[];
}

const COLOURS: readonly ChartColour[] = ['blue', 'orange', 'green', 'purple', 'red', 'teal', 'pink', 'olive'];
/** Runs that can be told apart by colour and dashes. */
export const MOST_COMPARED = 2 * COLOURS.length;
const MOST_DOTS = 30;

function lookOf(index: number): { readonly colour: ChartColour; readonly dashed: boolean } {
  return { colour: COLOURS[index % COLOURS.length] as ChartColour, dashed: index >= COLOURS.length };
}

function swatch(index: number): Html {
  const { colour: name, dashed } = lookOf(index);
  return html`<span class="swatch${dashed ? ' dashed' : ''}" style="border-color:var(--${name})"></span>`;
}

async function curveFigures(runs: readonly ComparedRun[]): Promise<Html[]> {
  const epochs = { title: 'epoch', scale: 'linear', whole: true } as const;
  const overlaid = (title: string, y: LineChart['y'], field: keyof EpochMetrics, factor = 1): LineChart => {
    const lines = runs.map(({ name, rows }, index): ChartLine => {
      const points = columnPoints(rows, field, factor);
      return { name, ...lookOf(index), points, dots: points.length <= MOST_DOTS };
    });
    return { title, x: epochs, y, lines };
  };
  const latency: LineChart = {
    title: 'Accuracy over latency',
    x: { title: 'ms a picture (median)', scale: 'linear' },
    y: { title: 'validation top-1, %' },
    lines: runs.map(({ name, latencyMs, best }, index) => {
      const point = { x: latencyMs, y: 100 * (best?.validationAccuracy ?? Number.NaN) };
      const points = Number.isFinite(point.x) && Number.isFinite(point.y) ? [point] : [];
      return { name, ...lookOf(index), points };
    }),
  };
  const charts = [
    overlaid('Validation accuracy', { title: 'top-1, %' }, 'validationAccuracy', 100),
    overlaid('Validation loss', { title: 'cross-entropy' }, 'validationLoss'),
    overlaid('Training loss', { title: 'as optimised' }, 'trainLoss'),
    latency,
  ];
  const drawn: Html[] = [];
  for (const chart of charts) {
    const lines = chart.lines.filter(({ points }) => points.length > 0);
    if (lines.length === 0) continue;
    const svg = await renderLineChart({ ...chart, lines, size: PANEL_SIZE, legend: 'none' });
    drawn.push(html`<figure>${trusted(svg)}</figure>`);
  }
  return drawn;
}

interface Measure {
  readonly name: string;
  readonly value: (run: ComparedRun) => number;
  readonly text: (value: number) => string;
  /** Which value is the best; null where none is. */
  readonly better: 'higher' | 'lower' | null;
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(count < 1e8 ? 2 : 1)} M`;
}

const MEASURES: readonly Measure[] = [
  {
    name: 'accuracy',
    value: ({ best }) => best?.validationAccuracy ?? Number.NaN,
    text: (value) => formatPercent(value, 2),
    better: 'higher',
  },
  {
    name: 'loss',
    value: ({ best }) => best?.validationLoss ?? Number.NaN,
    text: (value) => value.toFixed(4),
    better: 'lower',
  },
  { name: 'epochs', value: ({ rows }) => rows.length, text: formatCount, better: null },
  { name: 'best epoch', value: ({ best }) => best?.epoch ?? Number.NaN, text: formatCount, better: null },
  { name: 'parameters', value: ({ parameters }) => parameters, text: formatCount, better: 'lower' },
  { name: 'multiply-adds', value: ({ multiplyAdds }) => multiplyAdds, text: millions, better: 'lower' },
  { name: 'latency', value: ({ latencyMs }) => latencyMs, text: (value) => `${value.toFixed(2)} ms`, better: 'lower' },
  { name: 'model file', value: ({ modelBytes }) => modelBytes, text: formatBytes, better: 'lower' },
  { name: 'training', value: ({ trainingSeconds }) => trainingSeconds, text: formatDuration, better: 'lower' },
];

function measureTable({ runs, measured, notes }: Comparison): Html {
  const columns = MEASURES.map(({ value, text, better }) => {
    const values = runs.map(value);
    const known = values.filter(Number.isFinite);
    const best = better === 'higher' ? Math.max(...known) : Math.min(...known);
    const distinct = better !== null && new Set(values).size > 1;
    return values.map((number) => {
      const shown = Number.isFinite(number) ? text(number) : '–';
      return html`<td class="n${distinct && number === best ? ' best' : ''}">${shown}</td>`;
    });
  });
  const heads = MEASURES.map(({ name }) => html`<th scope="col" class="n">${name}</th>`);
  const rows = runs.map(({ name, network }, index) => {
    const cells = columns.map((column) => column[index] ?? null);
    return html`<tr><th scope="row">${swatch(index)}${name}<br><span class="faint">${network}</span></th>${cells}</tr>`;
  });
  return html`<section><h2>Runs</h2>
<div class="scroll"><table class="list runs"><thead><tr><th scope="col">run</th>${heads}</tr></thead><tbody>${rows}</tbody></table></div>
<p></p><p class="faint">Accuracy and loss are those of the kept epoch on its validation pictures. ${measured} The best of each column is bold.</p>
${notes.length === 0 ? null : html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`}</section>`;
}

function differenceTable({ runs, differences }: Comparison): Html {
  if (differences.length === 0) return html`<section><h2>Differences</h2><p>Their recipes are equal.</p></section>`;
  const heads = runs.map(({ name }, index) => html`<th scope="col">${swatch(index)}${shortName(name)}</th>`);
  const rows = differences.map(({ name, values }) => {
    return html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value ?? '–'}</td>`)}</tr>`;
  });
  return html`<section class="long"><h2>Differences</h2>
<p class="faint">Of recipe, network and data; all else is equal.</p>
<div class="scroll"><table class="list runs"><thead><tr><th scope="col">setting</th>${heads}</tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

/** @returns the text of an HTML file */
export async function renderComparison(comparison: Comparison): Promise<string> {
  const { runs } = comparison;
  const figures = await curveFigures(runs);
  const legend = runs.map(({ name }, index) => html`<li>${swatch(index)}${name}</li>`);
  const curves = html`<section><h2>Curves</h2><ul class="legend">${legend}</ul><div class="charts">${figures}</div></section>`;
  return renderPage({
    title: `${runs.length} runs compared`,
    lead: runs.map(({ name }) => name).join(' · '),
    main: html`${measureTable(comparison)}
${figures.length === 0 ? null : curves}
${differenceTable(comparison)}`,
    footer: html`Drawn by bneck: <code>bneck compare RUNS…</code>`,
  });
}
