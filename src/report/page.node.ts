/**
 * A page that stands alone: style, script and pictures are inside, nothing is loaded from anywhere. Its
 * own policy forbids all else, and runs the one script whose hash it names.
 */
import { createHash } from 'node:crypto';
import { type Html, html, trusted } from './html.ts';
import { PAGE_STYLE } from './page-style.node.ts';

export interface Page {
  readonly title: string;
  /** Below the title. */
  readonly lead: string;
  readonly main: Html;
  readonly footer: Html;
  /** JavaScript, run at the end; none by default. */
  readonly script?: string;
}

/** @returns the text of an HTML file */
export function renderPage({ title, lead, main, footer, script = '' }: Page): string {
  const hash = createHash('sha256').update(script).digest('base64');
  const scripts = script === '' ? '' : `; script-src 'sha256-${hash}'`;
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'${scripts}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="bneck">
<title>${title}</title>
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
<header><h1>${title}</h1><p class="lead">${lead}</p></header>
<main>
${main}
</main>
<footer>${footer}</footer>
${script === '' ? null : trusted(`<script>${script}</script>`)}
</body>
</html>
`;
  return page.text;
}
