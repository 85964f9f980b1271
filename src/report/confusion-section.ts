/**
 * The confusion matrix of a run's page: a table whose cells know their pictures. Counts or shares are
 * chosen without a script; the script only adds the pictures.
 */
import { cellStrength, rowSums, shownClasses } from './confusion.ts';
import { formatCount, formatPercent } from './format.ts';
import { type Html, html } from './html.ts';
import type { JudgedPictures } from './run-report.ts';

const MOST_CLASSES = 40;
/** From here on cells are small, so that they fit a screen. */
const DENSE_CLASSES = 20;
/** Above this strength a cell's number is written in the background's colour. */
const STRONG = 0.6;

function cell(label: number, guess: number, count: number, sum: number, classNames: readonly string[]): Html {
  if (count === 0) return html`<td></td>`;
  const share = count / sum;
  const strength = cellStrength(share);
  const kind = `${label === guess ? 'right' : 'wrong'}${strength > STRONG ? ' strong' : ''}`;
  const [truth, taken] = [classNames[label] as string, classNames[guess] as string];
  const what = label === guess ? `${truth}, recognised` : `${truth}, taken for ${taken}`;
  const title = `${what}: ${formatCount(count)} of ${formatCount(sum)} (${formatPercent(share)})`;
  const entry = label * classNames.length + guess;
  const percent = share < 0.005 ? '<1' : Math.round(share * 100);
  return html`<td class="${kind}" style="--s:${Math.round(strength * 100)}%" title="${title}" data-cell="${entry}" data-count="${count}"><span class="as-counts">${count}</span><span class="as-shares">${percent}</span></td>`;
}

export function confusionSection({ metrics: { confusion } }: JudgedPictures, classNames: readonly string[]): Html {
  const classes = classNames.length;
  const sums = rowSums(confusion, classes);
  const shown = shownClasses(confusion, classes, MOST_CLASSES);
  const name = (label: number) => classNames[label] as string;
  const heads = shown.map((guess) => html`<th scope="col" title="${name(guess)}"><span>${name(guess)}</span></th>`);
  const rows = shown.map((label) => {
    const cells = shown.map((guess) => {
      return cell(label, guess, confusion[label * classes + guess] as number, sums[label] as number, classNames);
    });
    return html`<tr><th scope="row" title="${name(label)}">${name(label)}</th>${cells}</tr>`;
  });
  const some = `These are the ${shown.length} classes with the most mistakes, of ${formatCount(classes)}.`;
  return html`<section><h2>Confusion matrix</h2>
<p class="faint">A row for each true class, a column for what the model took it for. ${shown.length < classes ? some : null}</p>
<input class="choice" type="radio" name="numbers" id="counts" checked><label for="counts">pictures</label>
<input class="choice" type="radio" name="numbers" id="shares"><label for="shares">% of the true class</label>
<div class="matrix">
<div class="scroll"><table class="confusion${shown.length > DENSE_CLASSES ? ' dense' : ''}">
<thead><tr><th class="axis" scope="col">true \\ predicted</th>${heads}</tr></thead>
<tbody>${rows}</tbody></table></div>
<div class="pictures-of screen" id="pictures-of-cell" aria-live="polite"></div>
</div></section>`;
}
