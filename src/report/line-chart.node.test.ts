import { describe, expect, test } from 'vitest';
import { type LineChart, renderLineChart } from './line-chart.node.ts';

const CHART: LineChart = {
  title: 'Accuracy <over> latency & more',
  subtitle: 'on this machine',
  x: { title: 'latency, ms', scale: 'log' },
  y: { title: 'top-1, %' },
  lines: [
    {
      name: 'wide',
      colour: 'blue',
      points: [
        { x: 1, y: 50, label: 'first' },
        { x: 10, y: 70, label: 'last' },
      ],
    },
    {
      name: 'narrow',
      colour: 'orange',
      dashed: true,
      labels: 'below',
      points: [
        { x: 2, y: 40 },
        { x: 20, y: 60, label: 'end' },
      ],
    },
  ],
};

/** The open tags that are never closed, or closed in the wrong order; none for sound XML. */
function unbalancedTags(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, empty] of xml.matchAll(/<(\/?)([a-zA-Z]+)[^>]*?(\/?)>/g)) {
    if (empty) continue;
    if (!closing) open.push(name as string);
    else if (open.at(-1) === name) open.pop();
    else return [`/${name}`];
  }
  return open;
}

describe('a line chart', () => {
  test('is sound XML with the texts, escaped', async () => {
    const svg = await renderLineChart(CHART);
    expect(svg).toMatch(/^<svg /);
    expect(unbalancedTags(svg)).toEqual([]);
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    const wanted = ['Accuracy &lt;over&gt; latency &amp; more', 'on this machine', 'latency, ms', 'wide', 'narrow'];
    for (const text of [...wanted, 'first', 'last', 'end']) expect(texts).toContain(text);
  });

  test('has the same bytes each time', async () => {
    expect(await renderLineChart(CHART)).toBe(await renderLineChart(CHART));
  });

  test('every colour has a dark twin', async () => {
    const svg = await renderLineChart(CHART);
    const style = /<style>(.*?)<\/style>/s.exec(svg)?.[1] ?? '';
    const used = [...svg.matchAll(/ (fill|stroke)="(#[0-9a-f]+|[a-z]+)"/g)].filter(
      ([, , value]) => value !== 'none' && value !== 'transparent',
    );
    expect(used.length).toBeGreaterThan(10);
    const missing = used.filter(([, property, value]) => !style.includes(`[${property}="${value}"]{${property}:#`));
    expect(missing.map(([attribute]) => attribute)).toEqual([]);
  });
});
