/**
 * Charts as SVG files, drawn by Vega without a browser. A chart is written in light colours, which any
 * program shows; where the reader's system is dark, a style sheet inside the file exchanges them, so one
 * file suits both. Invariant: equal specifications give equal bytes.
 */
import type { Config, Spec } from 'vega';

/** Light colour and its dark twin. Charts use these and no others. */
const PALETTE = {
  background: ['#ffffff', '#0d1117'],
  ink: ['#1f2328', '#e6edf3'],
  faintInk: ['#59636e', '#9198a1'],
  grid: ['#e4e8ed', '#262c36'],
  blue: ['#0969da', '#58a6ff'],
  orange: ['#bc4c00', '#f0883e'],
  green: ['#1a7f37', '#3fb950'],
  purple: ['#8250df', '#bc8cff'],
  red: ['#cf222e', '#ff7b72'],
  teal: ['#0f7b8a', '#39c5cf'],
  pink: ['#bf3989', '#f778ba'],
  olive: ['#7d6b00', '#d3b53a'],
} as const;

export type ChartColour = keyof typeof PALETTE;

export function colour(name: ChartColour): string {
  return PALETTE[name][0];
}

/** Each colour as a property of a style sheet, `--blue` and so on, for pages that hold charts. */
export function colourProperties(scheme: 'light' | 'dark'): string {
  const at = scheme === 'light' ? 0 : 1;
  return Object.entries(PALETTE)
    .map(([name, pair]) => `--${name.replace('faintInk', 'faint-ink')}:${pair[at]};`)
    .join('');
}

export interface ChartSize {
  /** Pixels between the axes. */
  readonly width: number;
  readonly height: number;
}

export const CHART_FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';

const CONFIG: Config = {
  background: colour('background'),
  axis: {
    domainColor: colour('faintInk'),
    gridColor: colour('grid'),
    labelColor: colour('faintInk'),
    labelFont: CHART_FONT,
    labelFontSize: 12,
    tickColor: colour('grid'),
    titleColor: colour('ink'),
    titleFont: CHART_FONT,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 10,
  },
  legend: {
    fillColor: colour('background'),
    padding: 8,
    labelColor: colour('ink'),
    labelFont: CHART_FONT,
    labelFontSize: 12,
    labelLimit: 0,
    layout: { bottom: { anchor: 'middle' } },
  },
  title: {
    color: colour('ink'),
    font: CHART_FONT,
    fontSize: 16,
    fontWeight: 600,
    subtitleColor: colour('faintInk'),
    subtitleFont: CHART_FONT,
    subtitleFontSize: 12,
    subtitlePadding: 6,
    anchor: 'start',
    offset: 16,
  },
};

/** Attributes that hold colours, exchanged one by one: a rule of a style sheet goes before an attribute. */
function darkStyle(): string {
  const rules = Object.values(PALETTE).flatMap(([light, dark]) =>
    ['fill', 'stroke'].map((property) => `[${property}="${light}"]{${property}:${dark}}`),
  );
  return `<style>@media (prefers-color-scheme: dark){${rules.join('')}}</style>`;
}

/** @returns the text of an SVG file */
export async function renderChart(spec: Spec): Promise<string> {
  const { Error: onlyErrors, parse, View } = await import('vega'); // takes long to load, and few runs draw
  const view = new View(parse(spec, CONFIG), { renderer: 'none', logLevel: onlyErrors });
  try {
    const svg = await view.toSVG();
    return `${svg.replace(/^<svg[^>]*>/, (head) => `${head}${darkStyle()}`)}\n`;
  } finally {
    view.finalize();
  }
}
