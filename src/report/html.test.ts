import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeHtml, html, jsonScript, trusted } from './html.ts';

test('parts are escaped, HTML is not escaped twice, lists are joined', () => {
  const name = '<img src=x onerror=alert(1)>"\'`&';
  const cell = html`<td title="${name}">${name}</td>`;
  const safe = '&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&#96;&amp;';
  expect(cell.text).toBe(`<td title="${safe}">${safe}</td>`);
  expect(html`<tr>${[cell, cell]}${null}${3}</tr>`.text).toBe(`<tr>${cell.text}${cell.text}3</tr>`);
  expect(html`${trusted('<svg/>')}`.text).toBe('<svg/>');
});

test('controls and marks that turn the writing are taken out', () => {
  expect(escapeHtml('a\u0000b\u202ec\nd\u2028e\ud800')).toBe('a\ufffdb\ufffdc d\ufffde\ufffd');
});

test('no text is left that HTML would read as markup', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[<>"'`]/.test(escapeHtml(text))));
});

test('data of a script read back as they were, and cannot end it', () => {
  const data = { name: '</script><!--<script>\u2028 & "', list: [1, null] };
  const { text } = jsonScript('x', data);
  const body = /^<script type="application\/json" id="x">(.*)<\/script>$/s.exec(text)?.[1] as string;
  expect(body).not.toMatch(/[<>&\u2028]/);
  expect(JSON.parse(body)).toEqual(data);
});
