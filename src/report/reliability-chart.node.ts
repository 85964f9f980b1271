/** The reliability diagram: how often a model is right, over how sure it is. On the diagonal it knows itself. */
import type { Spec } from 'vega';
import { CHART_FONT, colour, renderChart } from './chart.node.ts';
import type { CalibrationBin } from './classification-metrics.ts';

const SIDE = 280;

/** @returns the text of an SVG file */
export function renderReliability(bins: readonly CalibrationBin[], ece: number): Promise<string> {
  const values = bins.filter(({ count }) => count > 0);
  const most = Math.max(1, ...values.map(({ count }) => count));
  const percent = { format: '.0%', tickCount: 5, grid: true };
  const x = { scale: 'x', field: 'least' };
  const x2 = { scale: 'x', field: 'greatest', offset: -2 };
  const spec: Spec = {
    width: SIDE,
    height: SIDE,
    padding: 20,
    title: { text: 'Reliability', subtitle: `expected calibration error ${(ece * 100).toFixed(1)}%` },
    data: [
      { name: 'bins', values },
      {
        name: 'diagonal',
        values: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      },
    ],
    scales: [
      { name: 'x', domain: [0, 1], range: 'width' },
      { name: 'y', domain: [0, 1], range: 'height' },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: 'confidence: how sure the model is', ...percent },
      { orient: 'left', scale: 'y', title: 'accuracy: how often it is right', ...percent },
    ],
    marks: [
      {
        type: 'rect',
        from: { data: 'bins' },
        encode: {
          enter: {
            x,
            x2,
            y: { scale: 'y', signal: 'min(datum.accuracy, datum.confidence)' },
            y2: { scale: 'y', value: 0 },
            fill: { value: colour('blue') },
            fillOpacity: { signal: `0.3 + 0.7 * sqrt(datum.count / ${most})` },
          },
        },
      },
      {
        type: 'rect',
        from: { data: 'bins' },
        encode: {
          enter: {
            x,
            x2,
            y: { scale: 'y', field: 'accuracy' },
            y2: { scale: 'y', field: 'confidence' },
            fill: [{ test: 'datum.accuracy < datum.confidence', value: colour('orange') }, { value: colour('green') }],
            fillOpacity: { value: 0.55 },
          },
        },
      },
      {
        type: 'line',
        from: { data: 'diagonal' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'x' },
            y: { scale: 'y', field: 'y' },
            stroke: { value: colour('faintInk') },
            strokeDash: { value: [4, 4] },
          },
        },
      },
      {
        type: 'text',
        encode: {
          enter: {
            x: { value: 8 },
            y: { value: 14 },
            text: { value: 'darker bars: more pictures' },
            fill: { value: colour('faintInk') },
            font: { value: CHART_FONT },
            fontSize: { value: 11 },
          },
        },
      },
    ],
  };
  return renderChart(spec);
}
