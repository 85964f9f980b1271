/**
 * The rounding rule that every MobileNet channel count goes through. A count scaled by the width
 * multiplier rarely falls on a multiple of 8, which is what vector hardware likes; this brings it
 * there without ever losing more than a tenth of the channels.
 */

/**
 * The multiple of `divisor` nearest to `value` (halves round up), at least `divisor`, and one step
 * more where rounding down would lose over 10 %. Source: torchvision `models/_utils.py`,
 * `_make_divisible`.
 */
export function makeDivisible(value: number, divisor = 8): number {
  const nearest = Math.max(divisor, Math.floor((value + divisor / 2) / divisor) * divisor);
  return nearest < 0.9 * value ? nearest + divisor : nearest;
}
