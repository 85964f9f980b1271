/** Reading a confusion matrix: which classes to show, which pairs are mistaken for each other most. */

/** A class taken for another. */
export interface ConfusedPair {
  readonly label: number;
  readonly guess: number;
  /** Pictures. */
  readonly count: number;
  /** Of the pictures of the true class, 0 to 1. */
  readonly share: number;
}

/** Pictures of each true class. */
export function rowSums(confusion: Int32Array, classes: number): number[] {
  return Array.from({ length: classes }, (_, label) =>
    confusion.subarray(label * classes, (label + 1) * classes).reduce((sum, count) => sum + count, 0),
  );
}

/** The pairs with the most mistakes, the most first; of equal ones the lower classes. */
export function mostConfused(confusion: Int32Array, classes: number, most: number): ConfusedPair[] {
  const sums = rowSums(confusion, classes);
  const pairs: ConfusedPair[] = [];
  confusion.forEach((count, entry) => {
    const label = Math.floor(entry / classes);
    const guess = entry % classes;
    if (count === 0 || label === guess) return;
    pairs.push({ label, guess, count, share: count / (sums[label] as number) });
  });
  return pairs.sort((a, b) => b.count - a.count).slice(0, most);
}

/** All classes where they are few, else those with the most mistakes, in the order of the classes. */
export function shownClasses(confusion: Int32Array, classes: number, most: number): number[] {
  const all = Array.from({ length: classes }, (_, label) => label);
  if (classes <= most) return all;
  const mistakes = new Float64Array(classes);
  confusion.forEach((count, entry) => {
    const label = Math.floor(entry / classes);
    const guess = entry % classes;
    if (label === guess) return;
    mistakes[label] = (mistakes[label] as number) + count;
    mistakes[guess] = (mistakes[guess] as number) + count;
  });
  const worst = all.sort((a, b) => (mistakes[b] as number) - (mistakes[a] as number) || a - b);
  return worst.slice(0, most).sort((a, b) => a - b);
}

/** How strongly a cell is coloured, 0 to 1: small shares show too. */
export function cellStrength(share: number): number {
  return share > 0 ? 0.1 + 0.9 * Math.sqrt(share) : 0;
}
