/**
 * Values of options, from text: numbers within bounds and words out of a list. Anything else is
 * refused with what may be given. Invariant: what looks like a number is one; `1e`, `0x10`, `3px`
 * and the empty text are not.
 */
import { InvalidArgumentError } from 'commander';
import { nearestName } from '../base/nearest-name.ts';
import { type Bounds, describeBounds, fitsBounds } from '../train/bounds.ts';

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A parser for commander: text to a number within bounds. */
export function numberWithin(bounds: Bounds): (text: string) => number {
  return (text) => {
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!fitsBounds(value, bounds)) throw new InvalidArgumentError(`Give ${describeBounds(bounds)}.`);
    return value;
  };
}

/** `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** A parser for commander: one of the words. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    const near = nearestName(text, words);
    throw new InvalidArgumentError(`Give ${alternatives(words)}${near === null ? '' : ` (did you mean ${near}?)`}.`);
  };
}

const REDUCTIONS = ['32', '16', '8'] as const;

/** A parser for commander: the total reduction. */
export function reductionOption(text: string): 32 | 16 | 8 {
  return Number(oneOf(REDUCTIONS)(text)) as 32 | 16 | 8;
}
