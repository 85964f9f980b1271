/**
 * The part of JSON a safetensors header is made of: objects, arrays, strings and non-negative
 * integers. JSON.parse would keep the last of two equal keys, give `__proto__` a meaning in later
 * assignments, round large integers and nest without bound; here a repeated key is refused, objects
 * are Maps, an integer is exact or refused, and depth and size are limited. Text outside this part
 * (null, true, fractions, negative numbers) has no meaning in a header and is refused too.
 */
import { quote } from './quote.ts';

export type HeaderValue = string | number | HeaderValue[] | Map<string, HeaderValue>;

/** Reports a problem at a character of the text; never returns. */
export type HeaderFailure = (problem: string, position: number) => never;

/** A header nests 3 deep: header, tensor, shape. */
const MAX_DEPTH = 8;
/** Far above the largest models (a tensor takes 6 to 10 values), far below what a Map can hold. */
const MAX_VALUES = 1_000_000;

/** Any number of JSON; 2^53 has 16 digits, and a longer one is cut where it is already too large. */
const NUMBER = /[0-9.eE+-]{1,24}/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

class Scanner {
  readonly #text: string;
  readonly #fail: HeaderFailure;
  #position = 0;
  #valueCount = 0;

  constructor(text: string, fail: HeaderFailure) {
    this.#text = text;
    this.#fail = fail;
  }

  document(): HeaderValue {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#position < this.#text.length) this.#fail('text after the closing brace', this.#position);
    return value;
  }

  #value(depth: number): HeaderValue {
    this.#valueCount += 1;
    if (this.#valueCount > MAX_VALUES) this.#fail(`more than ${MAX_VALUES} values`, this.#position);
    if (depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`, this.#position);
    this.#skipSpace();
    const character = this.#text[this.#position];
    if (character === '{') return this.#object(depth);
    if (character === '[') return this.#array(depth);
    if (character === '"') return this.#string();
    if (character !== undefined && character >= '0' && character <= '9') return this.#integer();
    return this.#fail('expected an object, an array, a string or a non-negative integer', this.#position);
  }

  #object(depth: number): Map<string, HeaderValue> {
    const members = new Map<string, HeaderValue>();
    this.#position += 1;
    if (this.#accept('}')) return members;
    do {
      this.#skipSpace();
      const start = this.#position;
      if (this.#text.charCodeAt(start) !== QUOTE) this.#fail('expected a key in double quotes', start);
      const key = this.#string();
      if (members.has(key)) this.#fail(`the key ${quote(key)} occurs twice`, start);
      if (!this.#accept(':')) this.#fail('expected a colon after the key', this.#position);
      members.set(key, this.#value(depth + 1));
    } while (this.#accept(','));
    if (!this.#accept('}')) this.#fail('expected a comma or a closing brace', this.#position);
    return members;
  }

  #array(depth: number): HeaderValue[] {
    const items: HeaderValue[] = [];
    this.#position += 1;
    if (this.#accept(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#accept(','));
    if (!this.#accept(']')) this.#fail('expected a comma or a closing bracket', this.#position);
    return items;
  }

  #string(): string {
    const start = this.#position;
    let escaped = false;
    let end = start + 1;
    for (; ; end++) {
      const code = this.#text.charCodeAt(end); // NaN past the end
      if (code === QUOTE) break;
      if (!(code >= 0x20)) this.#fail('a string without its closing quote, or with a control character', end);
      if (code === BACKSLASH) {
        escaped = true;
        end += 1; // whatever is escaped, it does not close the string
      }
    }
    this.#position = end + 1;
    const value = escaped ? this.#unescape(start, end + 1) : this.#text.slice(start + 1, end);
    // Half a surrogate pair has no UTF-8 form, so the name could not be written again.
    if (escaped && !value.isWellFormed()) this.#fail('a string with half a surrogate pair', start);
    return value;
  }

  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.#text.slice(start, end)) as string;
    } catch {
      return this.#fail('a string with an unknown escape', start);
    }
  }

  #integer(): number {
    const start = this.#position;
    NUMBER.lastIndex = start;
    const digits = NUMBER.exec(this.#text)?.[0] ?? '';
    const value = Number(digits);
    if (!/^(0|[1-9][0-9]*)$/.test(digits) || !Number.isSafeInteger(value)) {
      this.#fail(`${quote(digits)} is not an integer between 0 and 2^53 - 1`, start);
    }
    this.#position = start + digits.length;
    return value;
  }

  /** Steps over white space and over `character` where it comes next. */
  #accept(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#position] !== character) return false;
    this.#position += 1;
    return true;
  }

  #skipSpace(): void {
    for (; ; this.#position++) {
      const code = this.#text.charCodeAt(this.#position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }
}

/** Parses a header's text whole, or calls `fail` with the problem and the character it is at. */
export function parseHeaderJson(text: string, fail: HeaderFailure): HeaderValue {
  return new Scanner(text, fail).document();
}
