/**
 * HTML from hostile texts: whatever is put into a template is escaped, unless it is HTML that another
 * template made. Class names, paths and messages come from outside; none of them can end a tag, an
 * attribute or a script. Invariant: only `html`, `trusted` and `jsonScript` make `Html`.
 */
import { visibleText } from './visible-text.ts';

/** HTML that is safe to put into a page. */
export class Html {
  readonly text: string;

  /** For this file alone; see the invariant. */
  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlPart = Html | string | number | null | readonly HtmlPart[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Text for HTML, attributes in quotes included. */
export function escapeHtml(text: string): string {
  return visibleText(text).replace(/[&<>"'`]/g, (character) => ENTITIES[character] as string);
}

function textOf(part: HtmlPart): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escapeHtml(String(part));
}

/** A template: parts are escaped, lists joined, null left out. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(strings.reduce((text, piece, index) => text + textOf(parts[index - 1] ?? null) + piece));
}

/** Text of our own making that is HTML already: charts, the style sheet. */
export function trusted(text: string): Html {
  return new Html(text);
}

/** Data for a script, which finds them by `id`. No text in them can end the element. */
export function jsonScript(id: string, data: unknown): Html {
  const text = JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return html`<script type="application/json" id="${id}">${trusted(text)}</script>`;
}
