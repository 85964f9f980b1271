/**
 * The order of names: by code points, as Python sorts text and so as torchvision numbers classes. The same on every
 * system, which `localeCompare` is not, and `<`, which goes by UTF-16 units, puts U+1F600 before U+FF5E.
 */

/** A UTF-16 unit as a rank: surrogates stand for code points above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** For `sort`. */
export function byCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
