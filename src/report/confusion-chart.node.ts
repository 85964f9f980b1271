/**
 * The confusion matrix as a chart: a row a true class, a column a prediction, right answers in blue,
 * mistakes in orange. Where classes are many, those with the most mistakes are shown.
 */
import type { Mark, Spec } from 'vega';
import { CHART_FONT, colour, renderChart } from './chart.node.ts';
import { cellStrength, rowSums, shownClasses } from './confusion.ts';
import { visibleText } from './visible-text.ts';

const MOST_CLASSES = 40;
/** Above this strength a cell's number is written in the background's colour. */
const STRONG = 0.6;

function cellMarks(side: number): Mark[] {
  const place = { x: { scale: 'x', field: 'guess' }, y: { scale: 'y', field: 'label' } };
  return [
    {
      type: 'rect',
      from: { data: 'cells' },
      encode: {
        enter: {
          ...place,
          width: { value: side - 1 },
          height: { value: side - 1 },
          fill: [
            { test: 'datum.label === datum.guess', value: colour('blue') },
            { test: 'datum.count > 0', value: colour('orange') },
            { value: colour('grid') },
          ],
          fillOpacity: [{ test: 'datum.count > 0', field: 'strength' }, { value: 0.35 }],
        },
      },
    },
    {
      type: 'text',
      from: { data: 'cells' },
      encode: {
        enter: {
          x: { scale: 'x', field: 'guess', offset: side / 2 },
          y: { scale: 'y', field: 'label', offset: side / 2 },
          text: { signal: "datum.count > 0 ? '' + datum.count : ''" },
          align: { value: 'center' },
          baseline: { value: 'middle' },
          font: { value: CHART_FONT },
          fontSize: { value: side >= 30 ? 11 : 8 },
          fill: [{ test: `datum.strength > ${STRONG}`, value: colour('background') }, { value: colour('ink') }],
        },
      },
    },
  ];
}

/**
 * @param confusion [K, K] pictures: row the true class, column the predicted one
 * @returns the text of an SVG file
 */
export function renderConfusion(confusion: Int32Array, classNames: readonly string[]): Promise<string> {
  const classes = classNames.length;
  const sums = rowSums(confusion, classes);
  const shown = shownClasses(confusion, classes, MOST_CLASSES);
  const side = shown.length <= 20 ? 36 : 22;
  const names = shown.map((label) => visibleText(classNames[label] as string));
  const values = shown.flatMap((label) =>
    shown.map((guess) => {
      const count = confusion[label * classes + guess] as number;
      return { label, guess, count, strength: cellStrength(count / Math.max(1, sums[label] as number)) };
    }),
  );
  const all = `numbers of pictures, ${sums.reduce((sum, count) => sum + count, 0)} in all`;
  const some = `the ${shown.length} classes with the most mistakes, of ${classes}`;
  // Classes are told by number, for two may have the same name.
  const axis = { labelLimit: 140, domain: false, ticks: false, encode: { labels: { update: {} } } };
  const text = { signal: 'names[indexof(shown, datum.value)]' };
  const spec: Spec = {
    width: side * shown.length,
    height: side * shown.length,
    padding: 20,
    title: { text: 'Confusion matrix', subtitle: shown.length < classes ? some : all },
    signals: [
      { name: 'names', value: names },
      { name: 'shown', value: shown },
    ],
    data: [{ name: 'cells', values }],
    scales: [
      { name: 'x', type: 'band', domain: shown, range: 'width' },
      { name: 'y', type: 'band', domain: shown, range: 'height' },
    ],
    axes: [
      { ...axis, orient: 'left', scale: 'y', title: 'true class', encode: { labels: { update: { text } } } },
      {
        ...axis,
        orient: 'bottom',
        scale: 'x',
        title: 'predicted class',
        labelAngle: -45,
        labelAlign: 'right',
        labelBaseline: 'middle',
        encode: { labels: { update: { text } } },
      },
    ],
    marks: cellMarks(side),
  };
  return renderChart(spec);
}
