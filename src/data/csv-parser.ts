/**
 * CSV as RFC 4180 has it, from text that comes in pieces: commas, fields in quotes where they hold commas, quotes or
 * line ends, a quote in them doubled; lines end in any of the three ways, empty ones count for nothing. Strict where a
 * mistake would shift columns: an open quote, a quote inside a field, another number of columns are errors.
 * Invariant: no more than a row and a piece is held in memory, and a row's length is limited.
 */
import { BneckError } from '../base/errors.ts';

export interface CsvRow {
  readonly fields: readonly string[];
  /** that it begins in, counted from 1 */
  readonly line: number;
}

/** FER-2013's rows, the longest there are, have 9,300. */
export const MOST_ROW_CHARACTERS = 65_536;

const QUOTING = 'write a field with commas, quotes or line ends as "...", and a quote in it as ""';

/** A field and where it ends: at a comma, a line end, or the end of the text. */
interface Field {
  readonly text: string;
  readonly end: number;
}

export class CsvParser {
  readonly #title: string;
  #pending = '';
  /** of the row that comes next */
  #line = 1;
  #columns = 0;

  /** @param title what messages call the file */
  constructor(title: string) {
    this.#title = title;
  }

  /**
   * The rows that a further piece of text completes.
   * @param isLast whether the text ends with it
   * @throws BneckError 'data' with the line of what is no CSV
   */
  *rows(piece: string, isLast: boolean): Generator<CsvRow, void, undefined> {
    const text = this.#pending + piece;
    let at = 0;
    while (at < text.length) {
      const row = this.#row(text, at, isLast);
      if (row === null) break;
      const { fields, end } = row;
      this.#requireLength(end - at);
      const isEmpty = fields.length === 1 && fields[0] === '' && text[at] !== '"';
      if (!isEmpty) {
        this.#check(fields);
        yield { fields, line: this.#line };
      }
      this.#line += lineEnds(text, at, end);
      at = end;
    }
    this.#pending = text.slice(at);
    this.#requireLength(this.#pending.length);
  }

  #fail(problem: string): never {
    throw new BneckError('data', `${this.#title}, line ${this.#line}: ${problem}`);
  }

  #requireLength(characters: number): void {
    if (characters <= MOST_ROW_CHARACTERS) return;
    this.#fail(`a row has more than ${MOST_ROW_CHARACTERS} characters, or a quote is not closed; ${QUOTING}`);
  }

  #check(fields: readonly string[]): void {
    if (this.#columns === 0) this.#columns = fields.length;
    if (fields.length !== this.#columns) {
      this.#fail(`the row has ${fields.length} columns, the first has ${this.#columns}; give each row as many`);
    }
    if (fields.some((field) => field.includes('\0'))) this.#fail('holds a NUL character; save the file as UTF-8 text');
  }

  /** The row from `start` on and where the next begins; null if its end is not there yet. */
  #row(text: string, start: number, isLast: boolean): { readonly fields: string[]; readonly end: number } | null {
    const fields: string[] = [];
    let at = start;
    for (;;) {
      const field = text[at] === '"' ? this.#quoted(text, at, isLast) : this.#plain(text, at);
      if (field === null) return null;
      const { end } = field;
      // A line end may be of two characters, and the second may be to come.
      if (!isLast && (end === text.length || (text[end] === '\r' && end + 1 === text.length))) return null;
      fields.push(field.text);
      if (text[end] === ',') {
        at = end + 1;
        continue;
      }
      return { fields, end: end + (text.startsWith('\r\n', end) ? 2 : end < text.length ? 1 : 0) };
    }
  }

  #plain(text: string, start: number): Field {
    let end = start;
    for (; end < text.length; end++) {
      const unit = text.charCodeAt(end);
      if (unit > 44) continue; // above the comma, which most text is
      if (unit === 44 || unit === 10 || unit === 13) break;
      if (unit === 34) this.#fail(`a quote stands inside a field; ${QUOTING}`);
    }
    return { text: text.slice(start, end), end };
  }

  /** Null if the closing quote is not there yet. */
  #quoted(text: string, start: number, isLast: boolean): Field | null {
    let quote = text.indexOf('"', start + 1);
    while (quote >= 0 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2);
    if (quote < 0 || (quote + 1 === text.length && !isLast)) {
      if (isLast) this.#fail(`a quote is not closed; ${QUOTING}`);
      return null;
    }
    const end = quote + 1;
    if (end < text.length && !',\r\n'.includes(text[end] as string)) {
      this.#fail(`something stands behind a closing quote; ${QUOTING}`);
    }
    return { text: text.slice(start + 1, quote).replaceAll('""', '"'), end };
  }
}

/** Line ends between two places, those inside of quotes too. */
function lineEnds(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 10 || (unit === 13 && text.charCodeAt(at + 1) !== 10)) count += 1;
  }
  return count;
}
