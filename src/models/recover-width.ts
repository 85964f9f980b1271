/**
 * The width multiplier that a set of channel counts was made with. A count is a step function of the
 * width that never falls, so the widths that give all the counts form an interval; its ends are found
 * by bisection and the roundest number inside is taken. Several widths give the same network, and no
 * file says which one its maker typed: what is guaranteed is that every count is reproduced.
 */
import { MAXIMUM_WIDTH } from './parse-architecture.ts';

/** How the counts of a width compare with the observed ones. */
export interface CountComparison {
  /** How many are too large, how many too small, and how many there are. */
  readonly above: number;
  readonly below: number;
  readonly total: number;
}

/** Widths that weights were published for come first, then multiples of ever finer steps. */
const PUBLISHED = [1, 0.75, 0.5, 0.35, 1.25, 1.4, 1.3];
const STEPS = [1, 0.5, 0.25, 0.1, 0.05, 0.01, 1e-3, 1e-4, 1e-6, 1e-9];
/** Halvings until two neighbouring doubles are told apart. */
const HALVINGS = 60;

/** Where `reached` turns from false to true between 0 and the largest width: the last false and the first true. */
function turningPoint(reached: (width: number) => boolean): readonly [number, number] {
  let [low, high] = [0, MAXIMUM_WIDTH];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return [low, high];
}

function roundest(low: number, high: number): number {
  const inside = (width: number): boolean => width > 0 && width >= low && width <= high;
  const published = PUBLISHED.find(inside);
  if (published !== undefined) return published;
  for (const step of STEPS) {
    const nearest = Math.round((low + high) / 2 / step);
    for (const multiple of [nearest, Math.ceil(low / step)]) {
      // Decimal digits of the multiple, not of the product's rounding error: 0.62, not 0.6200000000000001.
      const width = Number((multiple * step).toFixed(9));
      if (inside(width)) return width;
    }
  }
  return high;
}

/**
 * The roundest width whose counts are the observed ones, or null where none gives them all.
 * @param compare the counts of a width against the observed ones
 */
export function recoverWidth(compare: (width: number) => CountComparison): number | null {
  const exact = (width: number): boolean => {
    const { above, below } = compare(width);
    return above + below === 0;
  };
  const published = PUBLISHED.find(exact);
  if (published !== undefined) return published;
  const [, least] = turningPoint((width) => compare(width).below === 0);
  const [greatest] = turningPoint((width) => compare(width).above > 0);
  const width = least <= greatest ? roundest(least, greatest) : least;
  return exact(width) ? width : null;
}

/** The width that suits at least half of the counts, for saying what is wrong with the others. */
export function likeliestWidth(compare: (width: number) => CountComparison): number {
  const [, least] = turningPoint((width) => 2 * compare(width).below < compare(width).total);
  const [greatest] = turningPoint((width) => 2 * compare(width).above >= compare(width).total);
  return least <= greatest ? roundest(least, greatest) : least;
}
