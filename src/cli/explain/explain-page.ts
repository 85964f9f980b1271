/**
 * An explanation as one HTML page that needs nothing else: pictures are inside, nothing is loaded, no
 * script runs. It follows the reader's light or dark colours and any width. Invariant: names from files
 * and models are escaped, and a policy in the head forbids whatever would come from elsewhere.
 */
import type { Explanation, Gate } from '../../model/explain.ts';
import { formatPercent } from '../../report/format.ts';
import { heatColour } from '../../report/heat-map.node.ts';
import { escapeXml } from '../augmentation-sheet.ts';

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
  /** The model's, and what it is. */
  readonly model: string;
  readonly network: string;
  /** Pixels a side of what the network sees. */
  readonly resolution: number;
  /** The frame of what the network sees, as shares of the whole picture. */
  readonly frame: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  readonly explanation: Explanation;
  readonly pictures: ExplanationPictures;
}

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4; --fill: #0969da }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --ink: #e6edf3; --faint: #9198a1; --line: #30363d; --fill: #58a6ff }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 1080px; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere }
h1 { margin: 0; font-size: 24px; line-height: 1.25 }
h2 { margin: 40px 0 4px; font-size: 18px }
p { margin: 4px 0; max-width: 76ch }
.faint, figcaption { color: var(--faint); font-size: 13px }
figure { margin: 0; min-width: 0 }
figcaption { margin-top: 6px }
img { display: block; max-width: 100%; height: auto }
.row { display: grid; gap: 20px; margin-top: 16px; align-items: start }
.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)) }
.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)) }
.three img { width: 100% }
.whole { position: relative }
.frame { position: absolute; outline: 2px solid #fff; box-shadow: 0 0 0 3px #000 }
.scale { height: 10px; margin-top: 8px; border-radius: 2px }
.ends { display: flex; justify-content: space-between }
table { border-collapse: collapse; margin-top: 12px; width: 100%; max-width: 640px }
td { padding: 4px 12px 4px 0; vertical-align: middle }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
td.bar { width: 45%; padding-right: 0 }
td.bar div { height: 10px; min-width: 1px; background: var(--fill); border-radius: 2px }
tr.target { font-weight: 600 }
.gate { display: block; width: 100%; height: 72px; border: 1px solid var(--line); border-width: 1px 0 }
.gate path { fill: var(--fill) }
.gate line { stroke: var(--line); vector-effect: non-scaling-stroke }
`;

function image(png: Uint8Array, description: string): string {
  return `<img src="data:image/png;base64,${Buffer.from(png).toString('base64')}" alt="${escapeXml(description)}">`;
}

function heatSection({ explanation, frame, pictures, resolution }: ExplanationPage): string {
  const { target, layer, heat } = explanation;
  const { left, top, width, height } = frame;
  const share = (value: number) => `${(100 * value).toFixed(3)}%`;
  const place = `left:${share(left)};top:${share(top)};width:${share(width)};height:${share(height)}`;
  const cold = heat.values.every((value) => value === 0);
  const colours = Array.from({ length: 9 }, (_, step) => `rgb(${heatColour(step / 8).join(' ')})`).join(', ');
  const label = escapeXml(target.label);
  const finding = cold
    ? `Nothing in ${layer} speaks for <b>${label}</b>: its map of heat is 0 everywhere.`
    : `Hot parts raise the logit of <b>${label}</b> (${formatPercent(target.probability, 2)}); cold parts do nothing for it or speak against it.`;
  return `<h2>Where the network looks</h2>
<p>${finding} Grad-CAM at ${layer}, ${heat.width} × ${heat.height} values.</p>
<div class="row three">
<figure><div class="whole">${image(pictures.whole, 'the picture')}<div class="frame" style="${place}"></div></div>
<figcaption>The picture. The network sees what is in the frame, at ${resolution} × ${resolution} pixels.</figcaption></figure>
<figure>${image(pictures.overlay, 'the heat map over the picture')}<figcaption>The heat over what the network sees.</figcaption></figure>
<figure>${image(pictures.heat, 'the heat map')}
<div class="scale" style="background:linear-gradient(to right, ${colours})"></div>
<figcaption><span class="ends"><span>0</span><span>most</span></span>The heat by itself.</figcaption></figure>
</div>`;
}

function predictionSection({ predictions, target }: Explanation): string {
  const shown = predictions.some(({ index }) => index === target.index) ? predictions : [...predictions, target];
  const rows = shown.map(({ label, index, probability }) => {
    const style = index === target.index ? ' class="target"' : '';
    const bar = `<div style="width:${(100 * probability).toFixed(2)}%"></div>`;
    const number = `<td class="number">${formatPercent(probability, 2)}</td>`;
    return `<tr${style}><td>${escapeXml(label)}</td>${number}<td class="bar">${bar}</td></tr>`;
  });
  return `<h2>What it says</h2>\n<table>${rows.join('\n')}</table>`;
}

function mapSection({ explanation, pictures }: ExplanationPage): string {
  const figures = explanation.maps.map(({ layer, channels, strongest }, at) => {
    const [first] = strongest;
    const size = first === undefined ? '' : `${first.width} × ${first.height}`;
    const shown =
      strongest.length < channels
        ? `the ${strongest.length} of ${channels} that vary most`
        : `all ${channels} channels`;
    const list = strongest.map(({ channel }) => channel).join(', ');
    return `<figure>${image(pictures.maps[at] as Uint8Array, `maps of ${layer}`)}
<figcaption><b>${layer}</b>, ${size}, ${shown}, row by row: ${list}.</figcaption></figure>`;
  });
  return `<h2>What the layers see</h2>
<p>Maps of some layers, each coloured from its own least value to its own greatest. Later layers have smaller maps.</p>
<div class="row two">${figures.join('\n')}</div>`;
}

/** A bar a channel, 0 below and 1 above. */
function gateFigure({ name, values }: Gate): string {
  const steps = [...values].map((value) => `V${(100 * (1 - value)).toFixed(1)}h1`).join('');
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [shut, open] = [values.filter((value) => value <= 0).length, values.filter((value) => value >= 1).length];
  return `<figure><svg class="gate" viewBox="0 0 ${values.length} 100" preserveAspectRatio="none" role="img" aria-label="gates of ${name}">
<line x1="0" y1="50" x2="${values.length}" y2="50"/><path d="M0 100${steps}V100Z"/></svg>
<figcaption><b>${name}</b>, ${values.length} channels: mean ${mean.toFixed(2)}, ${shut} shut (0), ${open} open (1).</figcaption></figure>`;
}

function gateSection({ gates }: Explanation): string {
  if (gates.length === 0) return '';
  return `<h2>Gates of squeeze-and-excite</h2>
<p>Each block with squeeze-and-excite looks at the whole map and multiplies every channel by a factor from 0 to 1: a bar a channel.</p>
<div class="row two">${gates.map(gateFigure).join('\n')}</div>`;
}

/** The text of an HTML file. */
export function explanationPage(page: ExplanationPage): string {
  const { image: name, model, network, explanation } = page;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escapeXml(name)}: ${escapeXml(explanation.target.label)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeXml(name)}</h1>
<p class="faint">explained by ${escapeXml(model)} (${escapeXml(network)})</p>
${heatSection(page)}
${predictionSection(explanation)}
${mapSection(page)}
${gateSection(explanation)}
</body>
</html>
`;
}
