/**
 * An explanation as one HTML page in the frame of all reports: it needs nothing else, runs no script, and
 * follows the reader's light or dark colours and any width.
 */
import type { Explanation, Gate } from '../../model/explain.ts';
import { formatPercent } from '../../report/format.ts';
import { heatColour } from '../../report/heat-map.node.ts';
import { type Html, html, trusted } from '../../report/html.ts';
import { renderPage } from '../../report/page.node.ts';

/** PNG files. */
export interface ExplanationPictures {
  readonly whole: Uint8Array;
  readonly overlay: Uint8Array;
  readonly heat: Uint8Array;
  /** One a layer, in the order of `maps`. */
  readonly maps: readonly Uint8Array[];
}

export interface ExplanationPage {
  /** The picture's name. */
  readonly image: string;
  /** The model's. */
  readonly model: string;
  /** What the model is. */
  readonly network: string;
  /** Pixels a side of what the network sees. */
  readonly resolution: number;
  /** The frame of what the network sees, as shares of the whole picture. */
  readonly frame: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  readonly explanation: Explanation;
  readonly pictures: ExplanationPictures;
}

/** What only this page has. */
const STYLE = `
figure{margin:0;min-width:0}
figcaption{margin-top:6px;color:var(--faint-ink);font-size:13px}
section>p{max-width:76ch}
.row{display:grid;gap:20px;align-items:start}
.three{grid-template-columns:repeat(auto-fit,minmax(min(100%,260px),1fr))}
.two{grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr))}
.row img{display:block;max-width:100%;height:auto}
.three img{width:100%}
.whole{position:relative}
.frame{position:absolute;outline:2px solid #fff;box-shadow:0 0 0 3px #000}
.scale{height:10px;margin-top:8px;border-radius:2px}
.ends{display:flex;justify-content:space-between}
.answers{max-width:640px}
.answers td{vertical-align:middle}
.answers td:last-child{width:45%}
.answers i{display:block;height:10px;min-width:1px;border-radius:2px;background:var(--blue)}
.answers .target{font-weight:600}
.gate{width:100%;height:72px;border:1px solid var(--grid);border-width:1px 0}
.gate path{fill:var(--blue)}
.gate line{stroke:var(--grid);vector-effect:non-scaling-stroke}
`;

function image(png: Uint8Array, description: string): Html {
  const data = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  return html`<img src="${trusted(data)}" alt="${description}">`;
}

function heatSection({ explanation, frame, pictures, resolution }: ExplanationPage): Html {
  const { target, layer, heat } = explanation;
  const share = (value: number) => `${(100 * value).toFixed(3)}%`;
  const place = `left:${share(frame.left)};top:${share(frame.top)};width:${share(frame.width)};height:${share(frame.height)}`;
  const cold = heat.values.every((value) => value === 0);
  const colours = Array.from({ length: 9 }, (_, step) => `rgb(${heatColour(step / 8).join(' ')})`).join(', ');
  const finding = cold
    ? html`Nothing in ${layer} speaks for <b>${target.label}</b>: its heat is 0 everywhere.`
    : html`Hot parts raise the logit of <b>${target.label}</b> (${formatPercent(target.probability, 2)}); cold parts do nothing for it or speak against it.`;
  return html`<section><h2>Where the network looks</h2>
<p>${finding} Grad-CAM at ${layer}, ${heat.width} × ${heat.height} values.</p>
<div class="row three">
<figure><div class="whole">${image(pictures.whole, 'the picture')}<div class="frame" style="${place}"></div></div>
<figcaption>The picture. The network sees what is in the frame, at ${resolution} × ${resolution} pixels.</figcaption></figure>
<figure>${image(pictures.overlay, 'the heat map over the picture')}<figcaption>The heat over what the network sees.</figcaption></figure>
<figure>${image(pictures.heat, 'the heat map')}
<div class="scale" style="background:linear-gradient(to right, ${colours})"></div>
<figcaption><span class="ends"><span>0</span><span>most</span></span>The heat by itself.</figcaption></figure>
</div></section>`;
}

function answerSection({ predictions, target }: Explanation): Html {
  const shown = predictions.some(({ index }) => index === target.index) ? predictions : [...predictions, target];
  const rows = shown.map(({ label, index, probability }) => {
    const style = index === target.index ? 'target' : '';
    const width = `width:${(100 * probability).toFixed(2)}%`;
    return html`<tr class="${style}"><td>${label}</td><td class="n">${formatPercent(probability, 2)}</td><td><i style="${width}"></i></td></tr>`;
  });
  return html`<section><h2>What it says</h2><table class="list answers"><tbody>${rows}</tbody></table></section>`;
}

function mapSection({ explanation, pictures }: ExplanationPage): Html {
  const figures = explanation.maps.map(({ layer, channels, strongest }, at) => {
    const [first] = strongest;
    const size = first === undefined ? '' : `${first.width} × ${first.height}`;
    const shown =
      strongest.length < channels
        ? `the ${strongest.length} of ${channels} that vary most`
        : `all ${channels} channels`;
    const list = strongest.map(({ channel }) => channel).join(', ');
    return html`<figure>${image(pictures.maps[at] as Uint8Array, `maps of ${layer}`)}
<figcaption><b>${layer}</b>, ${size}, ${shown}, row by row: ${list}.</figcaption></figure>`;
  });
  return html`<section><h2>What the layers see</h2>
<p>Maps of some layers, each coloured from its own least value to its own greatest. Later layers have smaller maps.</p>
<div class="row two">${figures}</div></section>`;
}

/** A bar a channel, 0 below and 1 above. */
function gateFigure({ name, values }: Gate): Html {
  const steps = [...values].map((value) => `V${(100 * (1 - value)).toFixed(1)}h1`).join('');
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [shut, open] = [values.filter((value) => value <= 0).length, values.filter((value) => value >= 1).length];
  return html`<figure><svg class="gate" viewBox="0 0 ${values.length} 100" preserveAspectRatio="none" role="img" aria-label="gates of ${name}">
<line x1="0" y1="50" x2="${values.length}" y2="50"/><path d="M0 100${steps}V100Z"/></svg>
<figcaption><b>${name}</b>, ${values.length} channels: mean ${mean.toFixed(2)}, ${shut} shut (0), ${open} open (1).</figcaption></figure>`;
}

function gateSection({ gates }: Explanation): Html | null {
  if (gates.length === 0) return null;
  return html`<section><h2>Gates of squeeze-and-excite</h2>
<p>Each block with squeeze-and-excite looks at the whole map and multiplies every channel by a factor from 0 to 1: a bar a channel.</p>
<div class="row two">${gates.map(gateFigure)}</div></section>`;
}

/** The text of an HTML file. */
export function explanationPage(page: ExplanationPage): string {
  const { explanation } = page;
  return renderPage({
    title: page.image,
    lead: `${explanation.target.label}, explained by ${page.model}`,
    main: html`<style>${trusted(STYLE)}</style>
${heatSection(page)}
${answerSection(explanation)}
${mapSection(page)}
${gateSection(explanation)}`,
    footer: html`${page.network}`,
  });
}
