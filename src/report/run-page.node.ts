/** A run's page: `report.html`. Everything in it comes from a `RunReport`; it stands alone, without a network. */
import { confusionSection } from './confusion-section.ts';
import { renderCurves } from './curves.node.ts';
import { type Html, html, jsonScript, trusted } from './html.ts';
import { renderPage } from './page.node.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { renderReliability } from './reliability-chart.node.ts';
import type { JudgedPictures, RunReport } from './run-report.ts';
import {
  classTable,
  dataSection,
  factList,
  pairTable,
  sampleSection,
  settingTable,
  topLossSection,
} from './run-sections.ts';
import { visibleText } from './visible-text.ts';

/** What the page's script reads: the pictures once, and which of them each cell shows. */
function cellPictures({ pictures, cells }: JudgedPictures): Html {
  const places = new Map([...pictures.keys()].map((number, place) => [number, place]));
  return jsonScript('pictures', {
    pictures: [...pictures.values()].map(({ thumbnail: { source, small }, caption, name }) => {
      return { source, small, text: visibleText(caption), name: visibleText(name) };
    }),
    cells: Object.fromEntries(
      [...cells].map(([entry, numbers]) => [entry, numbers.map((number) => places.get(number))]),
    ),
  });
}

function missingSection(missing: readonly string[]): Html | null {
  if (missing.length === 0) return null;
  return html`<section><h2>Missing here</h2><ul>${missing.map((text) => html`<li>${text}</li>`)}</ul></section>`;
}

function curveSection(curves: readonly string[]): Html | null {
  if (curves.length === 0) return null;
  const figures = curves.map((svg) => html`<figure>${trusted(svg)}</figure>`);
  return html`<section><h2>Curves</h2><div class="charts">${figures}</div></section>`;
}

async function judgedSections(judged: JudgedPictures, classNames: readonly string[]): Promise<Html> {
  const { bins, ece } = judged.metrics;
  const reliability = html`<section><h2>Calibration</h2>
<p class="faint">How sure the model is, and how often it is right then. Orange: surer than it should be. Green: better than it thinks.</p>
<div class="chart">${trusted(await renderReliability(bins, ece))}</div></section>`;
  return html`${confusionSection(judged, classNames)}
<div class="columns">${classTable(judged, classNames)}${pairTable(judged, classNames)}${reliability}</div>
${topLossSection(judged)}`;
}

/** @returns the text of an HTML file */
export async function renderRunPage(report: RunReport): Promise<string> {
  const { title, lead, facts, rows, best, classNames, judged, samples, reasons, recipe, network, machine } = report;
  const why =
    reasons.length === 0
      ? null
      : html`<section><h2>Why this recipe</h2><ul>${reasons.map((text) => html`<li>${text}</li>`)}</ul></section>`;
  const main = html`${factList(facts)}
${missingSection(report.missing)}
${curveSection(await renderCurves(rows, best))}
${judged === null ? null : await judgedSections(judged, classNames)}
${sampleSection(samples)}
<div class="columns">${dataSection(report)}${settingTable('Recipe', recipe)}${why}${settingTable('Network', network)}${settingTable('Machine', machine)}</div>
${judged === null ? null : cellPictures(judged)}`;
  const footer = html`Drawn by bneck from the run's folder. <code>bneck report ${report.folder}</code> draws it again.`;
  return renderPage({ title, lead, main, footer, ...(judged === null ? {} : { script: PAGE_SCRIPT }) });
}
