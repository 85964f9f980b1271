/**
 * Plain text tables for a terminal or a log: titles, a rule, rows, columns two spaces apart. Widths
 * are counted in terminal cells, so class names in any script stay aligned. Control characters are
 * shown as U+FFFD: cells may hold text from a data set, and must not steer the terminal.
 */
import { assert } from '../base/errors.ts';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** East Asian wide and fullwidth letters, and pictures: two cells each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
/** Marks that sit on the letter before, and what joins letters: no cell. */
const NARROWEST = /[\p{Mn}\p{Me}\u200b-\u200d\u2060\ufeff]/u;

function cellWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (WIDE.test(character)) width += 2;
    else if (!NARROWEST.test(character)) width += 1;
  }
  return width;
}

/** Controls, line separators and marks that turn the direction of writing. */
function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/**
 * An aligned table.
 * @param rows each with as many cells as there are columns
 * @returns lines joined by line feeds, without one at the end; no line ends in spaces
 */
export function formatTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows].map((cells) => {
    assert(cells.length === columns.length, `a row of ${cells.length} cells in a table of ${columns.length} columns`);
    return cells.map((cell) => {
      const text = withoutControls(cell);
      return { text, width: cellWidth(text) };
    });
  });
  const widths = columns.map((_, index) => lines.reduce((most, cells) => Math.max(most, cells[index]?.width ?? 0), 0));
  const printed = lines.map((cells) => {
    const padded = cells.map(({ text, width }, index) => {
      const space = ' '.repeat((widths[index] as number) - width);
      return columns[index]?.align === 'right' ? space + text : text + space;
    });
    return padded.join('  ').trimEnd();
  });
  const rule = widths
    .map((width) => '-'.repeat(width))
    .join('  ')
    .trimEnd();
  printed.splice(1, 0, rule);
  return printed.join('\n');
}
