/** The sections of a run's page that need no chart: facts, classes, pairs, pictures, settings. */
import { type ConfusedPair, mostConfused } from './confusion.ts';
import { formatCount, formatPercent } from './format.ts';
import { type Html, html } from './html.ts';
import type { Fact, JudgedPictures, RunReport, SampleBatch, ShownPicture } from './run-report.ts';

const MOST_PAIRS = 12;

const LONGEST_NAME = 40;

/** A list of numbers, one a class, can be long. */
const LONGEST_VALUE = 400;

function cut(text: string, longest: number): string {
  const characters = [...text];
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join('')}…`;
}

/** A class's name, cut where it is long. */
export function shortName(name: string): string {
  return cut(name, LONGEST_NAME);
}

/** A percentage, or a dash for the share of nothing. */
export function shareText(share: number): string {
  return Number.isNaN(share) ? '–' : formatPercent(share);
}

export function factList(facts: readonly Fact[]): Html {
  const items = facts.map(
    ({ name, value, note }) =>
      html`<div><dt>${name}</dt><dd>${value}${note === undefined ? null : html`<small>${note}</small>`}</dd></div>`,
  );
  return html`<dl class="facts">${items}</dl>`;
}

/** Names and values, a row each. */
export function settingTable(title: string, entries: readonly (readonly [string, string])[]): Html | null {
  if (entries.length === 0) return null;
  const rows = entries.map(([name, value]) => {
    return html`<tr><th scope="row">${name}</th><td>${cut(value, LONGEST_VALUE)}</td></tr>`;
  });
  return html`<section><h2>${title}</h2><div class="scroll"><table class="list settings"><tbody>${rows}</tbody></table></div></section>`;
}

export function pictureList(pictures: readonly ShownPicture[]): Html {
  const items = pictures.map(({ thumbnail: { source, small }, caption, name }) => {
    const image = html`<img src="${source}" alt="${name}" title="${name}"${small ? html` class="small"` : null}>`;
    return html`<li>${image}${caption}</li>`;
  });
  return html`<ul class="thumbnails">${items}</ul>`;
}

function bar(share: number): Html {
  const width = Number.isNaN(share) ? 0 : Math.round(share * 100);
  return html`<span class="bar" aria-hidden="true"><i style="width:${width}%"></i></span>`;
}

export function classTable({ metrics: { perClass, macroF1 } }: JudgedPictures, classNames: readonly string[]): Html {
  const rows = perClass.map(
    ({ precision, recall, f1, support }, label) =>
      html`<tr><th scope="row">${shortName(classNames[label] as string)}</th><td class="n">${shareText(precision)}</td><td class="n">${shareText(recall)}</td><td class="n">${shareText(f1)}${bar(f1)}</td><td class="n">${formatCount(support)}</td></tr>`,
  );
  return html`<section class="long"><h2>Classes</h2>
<p class="faint">Precision: how many of those taken for the class are of it. Recall: how many of the class are found. F1: both in one; ${shareText(macroF1)} on average.</p>
<div class="scroll"><table class="list">
<thead><tr><th scope="col">class</th><th scope="col" class="n">precision</th><th scope="col" class="n">recall</th><th scope="col" class="n">F1</th><th scope="col" class="n">pictures</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

function pairRow({ label, guess, count, share }: ConfusedPair, classNames: readonly string[]): Html {
  const [from, to] = [label, guess].map((index) => shortName(classNames[index] as string));
  return html`<tr><th scope="row">${from ?? null}</th><td>${to ?? null}</td><td class="n">${formatCount(count)}</td><td class="n">${formatPercent(share)}${bar(share)}</td></tr>`;
}

export function pairTable({ metrics }: JudgedPictures, classNames: readonly string[]): Html {
  const pairs = mostConfused(metrics.confusion, classNames.length, MOST_PAIRS);
  if (pairs.length === 0)
    return html`<section><h2>Most confused</h2><p>No picture was taken for another.</p></section>`;
  return html`<section><h2>Most confused</h2>
<div class="scroll"><table class="list"><thead><tr><th scope="col">true class</th><th scope="col">taken for</th><th scope="col" class="n">pictures</th><th scope="col" class="n">of the class</th></tr></thead>
<tbody>${pairs.map((pair) => pairRow(pair, classNames))}</tbody></table></div></section>`;
}

export function topLossSection({ topLosses, pictures }: JudgedPictures): Html | null {
  const shown = topLosses.flatMap((number) => pictures.get(number) ?? []);
  if (shown.length === 0) return null;
  return html`<section class="long"><h2>Top losses</h2>
<p class="faint">The validation pictures that the model is furthest off: often wrong labels, or what the data lack.</p>
${pictureList(shown)}</section>`;
}

export function sampleSection(samples: readonly SampleBatch[]): Html | null {
  if (samples.length === 0) return null;
  const lists = samples.map(({ title, pictures }) => html`<h3>${title}</h3>${pictureList(pictures)}`);
  return html`<section class="long"><h2>As training sees it</h2>
<p class="faint">The first pictures of a batch, cropped and changed by the recipe's augmentation; where it mixes pictures, before that.</p>
${lists}</section>`;
}

export function dataSection({ data, classNames, trainCounts, validationCounts }: RunReport): Html {
  const most = Math.max(1, ...trainCounts);
  const rows = classNames.map((name, label) => {
    const [train, validation] = [trainCounts[label] ?? 0, validationCounts[label] ?? 0];
    return html`<tr><th scope="row">${shortName(name)}</th><td class="n">${formatCount(train)}${bar(train / most)}</td><td class="n">${formatCount(validation)}</td></tr>`;
  });
  const sum = (counts: readonly number[]) => formatCount(counts.reduce((total, count) => total + count, 0));
  const facts = data.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`);
  return html`<section class="long"><h2>Data</h2>
<table class="list settings"><tbody>${facts}</tbody></table>
<h3>Pictures</h3>
<div class="scroll"><table class="list">
<thead><tr><th scope="col">class</th><th scope="col" class="n">to learn from</th><th scope="col" class="n">to validate</th></tr></thead>
<tbody>${rows}<tr><th scope="row">all</th><td class="n">${sum(trainCounts)}</td><td class="n">${sum(validationCounts)}</td></tr></tbody></table></div></section>`;
}
