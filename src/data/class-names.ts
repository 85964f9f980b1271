/**
 * Lists of class names as text: one name a line, in the order of the labels. Read from a person's classes file and
 * from the name files of data sets.
 */
import { BneckError } from '../base/errors.ts';
import { listed } from './name-list.ts';

const MOST_NAMES = 100_000;
const LONGEST_NAME = 1000;

/**
 * @param title the file, for messages
 * @throws BneckError 'data' for an empty list, an empty line within, a name that comes twice, or no text
 */
export function parseClassNames(text: string, title: string): string[] {
  const fail = (problem: string): never => {
    throw new BneckError('data', `${title}: ${problem}; write one class name a line`);
  };
  const names = text
    .replace(/^\ufeff/, '')
    .trimEnd()
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  if (names.length === 1 && names[0] === '') fail('holds no names');
  if (names.length > MOST_NAMES) fail(`${names.length} lines are more than the ${MOST_NAMES} classes allowed`);
  const lines = new Map<string, number>();
  names.forEach((name, index) => {
    const line = index + 1;
    if (name === '') fail(`line ${line} is empty`);
    if (name.length > LONGEST_NAME) fail(`line ${line} has more than ${LONGEST_NAME} characters`);
    if (/[\p{Cc}\ufffd]/u.test(name)) fail(`line ${line} holds characters that are no text (is it UTF-8?)`);
    const before = lines.get(name);
    if (before !== undefined) fail(`${name} stands in lines ${before} and ${line}`);
    lines.set(name, line);
  });
  return names;
}

/** The labels of `names` in a list that should hold them all, with what differs. @throws BneckError 'data' */
export function labelsIn(title: string, names: readonly string[], classes: readonly string[]): number[] {
  const labels = new Map(classes.map((name, label) => [name, label]));
  const unknown = names.filter((name) => !labels.has(name));
  if (unknown.length > 0) throw noSuchClass(title, unknown, classes);
  return names.map((name) => labels.get(name) as number);
}

export function noSuchClass(title: string, unknown: readonly string[], classes: readonly string[]): BneckError {
  const found = `no such class: ${listed(unknown)}; the classes are ${listed(classes)}`;
  return new BneckError('data', `${title}: ${found}. Rename or remove them, or correct the list of classes`);
}
