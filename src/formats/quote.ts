/**
 * Text that came out of a file, made fit for an error message: one line, short, and without
 * characters that a terminal would obey. Every format that names a tensor, a key or a type it has
 * read goes through here; an error message is otherwise a way into the user's terminal.
 */
const LONGEST = 80;

/** Control characters (C0, delete, C1), line separators, and marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/gu;

/** `text` in double quotes, escaped as in JSON, cut after 80 characters. */
export function quote(text: string): string {
  const cut = text.length > LONGEST;
  const visible = text
    .slice(0, LONGEST)
    .replace(/["\\]/g, '\\$&')
    .replace(UNFIT, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return cut ? `"${visible}..."` : `"${visible}"`;
}
