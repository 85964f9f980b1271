/**
 * The sheet that shows what augmentation does: a row a picture, the original on the left, what some
 * epochs see of it on the right, the changes in words below. Pictures are drawn as they are, small
 * ones with whole pixels enlarged; all text is one SVG layer, in which names are escaped.
 */
import type { OverlayOptions } from 'sharp';
import type { Picture } from '../data/picture.ts';

export interface SheetPicture {
  readonly picture: Picture;
  /** lines below it */
  readonly caption: readonly string[];
}

export interface SheetRow {
  /** the first line of its caption is its name */
  readonly original: SheetPicture;
  readonly versions: readonly SheetPicture[];
}

export interface Sheet {
  readonly title: string;
  /** words below the title, in as many lines as they need */
  readonly subtitle: readonly string[];
  /** above the columns; the original's first */
  readonly columns: readonly string[];
  readonly rows: readonly SheetRow[];
}

/** Pixels. */
const CELL = 160;
const GAP = 16;
const MARGIN = 24;
const TITLE = 34;
const LINE = 15;
/** A caption's characters are some 6 pixels wide. */
const LINE_CHARACTERS = Math.floor(CELL / 6);
/** Up to this side pictures are enlarged by whole factors, so that their pixels can be seen. */
const SMALL_SIDE = CELL / 2;

/** Drawing is for one command only: the others do not wait for the library. */
async function loadSharp(): Promise<typeof import('sharp').default> {
  return (await import('sharp')).default;
}

/** Text for SVG: its special characters escaped, and those that XML cannot hold replaced. */
export function escapeXml(text: string): string {
  const special: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
    .replace(/[&<>"]/g, (character) => special[character] as string);
}

/** The start of a text that is too long, and dots. */
function shortened(text: string, characters: number): string {
  const all = [...text];
  return all.length <= characters ? text : `${all.slice(0, characters - 1).join('')}…`;
}

/** Words laid out in lines, as many as fit into each. */
function linesOf(words: readonly string[], separator: string, characters: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const joined = lines.length === 0 ? word : `${lines.at(-1)}${separator}${word}`;
    if (lines.length > 0 && joined.length <= characters) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}

/** The lines of a caption that says these things. */
export function captionOf(words: readonly string[]): string[] {
  return linesOf(words, ', ', LINE_CHARACTERS);
}

/** A picture as it stands in its cell, whose corner is at (x, y). */
async function inCell({ width, height, data }: Picture, x: number, y: number): Promise<OverlayOptions> {
  const long = Math.max(width, height);
  const factor = long <= SMALL_SIDE ? Math.floor(CELL / long) : CELL / long;
  const kernel = long <= SMALL_SIDE ? 'nearest' : 'lanczos3';
  const shown = {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
  const sharp = await loadSharp();
  const input = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ ...shown, fit: 'fill', kernel })
    .png()
    .toBuffer();
  return { input, left: x + ((CELL - shown.width) >> 1), top: y + ((CELL - shown.height) >> 1) };
}

function textAt(x: number, y: number, style: string, content: string): string {
  return `<text x="${x}" y="${y}" class="${style}">${escapeXml(content)}</text>`;
}

/** The sheet as a PNG file. */
export async function drawSheet({ title, subtitle, columns, rows }: Sheet): Promise<Uint8Array> {
  const columnX = (column: number) => MARGIN + column * (CELL + GAP) + (column > 0 ? GAP : 0);
  const width = columnX(columns.length) - GAP + MARGIN;
  const subtitles = linesOf(subtitle, ' · ', Math.floor((width - 2 * MARGIN) / 6));
  const header = TITLE + LINE * (subtitles.length + 2);
  const texts = [
    textAt(MARGIN, TITLE, 'title', shortened(title, Math.floor((width - 2 * MARGIN) / 12))),
    ...subtitles.map((text, line) => textAt(MARGIN, TITLE + 7 + LINE * (line + 1), 'words', text)),
    ...columns.map((name, column) => textAt(columnX(column), header + LINE, 'column', name)),
  ];
  const overlays: OverlayOptions[] = [];
  let y = header + LINE + GAP / 2;
  for (const { original, versions } of rows) {
    const cells = [original, ...versions];
    for (const [column, { picture, caption }] of cells.entries()) {
      overlays.push(await inCell(picture, columnX(column), y));
      for (const [line, text] of caption.entries()) {
        const style = column === 0 && line === 0 ? 'name' : 'words';
        texts.push(textAt(columnX(column), y + CELL + LINE * (line + 1), style, shortened(text, LINE_CHARACTERS)));
      }
    }
    y += CELL + LINE * Math.max(...cells.map(({ caption }) => caption.length)) + 2 * GAP;
  }
  const height = y - GAP + MARGIN / 2;
  const line = columnX(1) - GAP;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<style>text { font-family: 'DejaVu Sans', 'Helvetica', 'Arial', sans-serif; font-size: 11px; fill: #444 }
.title { font-size: 18px; font-weight: bold; fill: #111 } 
.column, .name { font-weight: bold; fill: #111 }</style>
<line x1="${line}" y1="${header + 4}" x2="${line}" y2="${y - GAP}" stroke="#ccc"/>
${texts.join('\n')}
</svg>`;
  const sharp = await loadSharp();
  return sharp({ create: { width, height, channels: 3, background: '#fafafa' } })
    .composite([...overlays, { input: Buffer.from(svg), left: 0, top: 0 }])
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
}
