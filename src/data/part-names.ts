/**
 * The three parts that data can be divided into, and how people spell them as names of folders and in columns.
 */
export type PartName = 'train' | 'validation' | 'test';

const SPELLINGS: ReadonlyMap<string, PartName> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** The part that a word means, in any case; null for other words. */
export function partNamed(word: string): PartName | null {
  return SPELLINGS.get(word.trim().toLowerCase()) ?? null;
}

/** For messages. */
export const PART_WORDS = 'train, val or test';
