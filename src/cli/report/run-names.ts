/** What runs are called on pages that are shown around: enough of their paths to tell them apart, and no more. */
import { resolve, sep } from 'node:path';

const NUMBER = /^[0-9]+$/;

/** The ends of the paths, all of as many parts: as few as make them differ, and two at least where one is a mere number. */
export function runNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) =>
    resolve(path)
      .split(sep)
      .filter((part) => part !== ''),
  );
  const most = Math.max(...parts.map(({ length }) => length));
  const endsOf = (count: number) => parts.map((names) => names.slice(-count).join('/'));
  const tell = (names: readonly string[]) =>
    new Set(names).size === names.length && !names.some((name) => NUMBER.test(name));
  for (let count = 1; count < most; count++) {
    const ends = endsOf(count);
    if (tell(ends)) return ends;
  }
  return endsOf(most);
}
