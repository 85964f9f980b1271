/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). A number is a pure function of (seed, purpose, indices), so the order in which
 * things are drawn, and by which thread, changes nothing. The kernels draw the same stream
 * (kernels/random.ts).
 */
import { assert } from './errors.ts';
import { cos, log } from './math.ts';

/** What a stream is drawn for. The number is part of the key: never renumber, only append. */
export const RANDOM_PURPOSE = {
  initialWeights: 1,
  split: 2,
  order: 3,
  augment: 4,
  dropout: 5,
  mix: 8,
  sample: 9,
} as const;
export type RandomPurpose = keyof typeof RANDOM_PURPOSE;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** The upper 32 bits of a 32 x 32 bit product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** One Philox4x32-10 block: four 32-bit words from a 128-bit counter and a 64-bit key, into `out`. */
export function philox(
  out: Uint32Array,
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** A stream of random numbers for one (seed, purpose, first index, second index). */
export class RandomStream {
  readonly #key: readonly [number, number];
  readonly #first: number;
  readonly #second: number;
  readonly #words = new Uint32Array(4);
  #block = 0;
  #used = 4;

  /**
   * @param seed an integer in [0, 2^32)
   * @param first epoch, tensor number or the like, in [0, 2^32)
   * @param second sample index or the like, in [0, 2^32)
   */
  constructor(seed: number, purpose: RandomPurpose, first = 0, second = 0) {
    assert(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32, `seed ${seed}`);
    this.#key = [seed, RANDOM_PURPOSE[purpose]];
    this.#first = first >>> 0;
    this.#second = second >>> 0;
  }

  /** Uniform in [0, 2^32). */
  uint32(): number {
    if (this.#used === 4) {
      philox(this.#words, [this.#block, this.#first, this.#second, 0], this.#key);
      this.#block += 1;
      this.#used = 0;
    }
    const word = this.#words[this.#used] as number;
    this.#used += 1;
    return word;
  }

  /** Uniform in [0, 1), a multiple of 2^-24, exact in single precision. */
  uniform(): number {
    return (this.uint32() >>> 8) / 16777216;
  }

  /** Uniform integer in [0, bound), without bias. */
  integer(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.uint32();
    while (word >= limit) word = this.uint32();
    return word % bound;
  }

  /** Standard normal (Box-Muller; the second of each pair is left unused). */
  normal(): number {
    const radius = Math.sqrt(-2 * log((this.uint32() + 0.5) / 2 ** 32));
    return radius * cos((2 * Math.PI * this.uint32()) / 2 ** 32);
  }

  /** The integers 0 to length - 1 in random order (Fisher-Yates). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, index) => index);
    for (let last = length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const held = order[last] as number;
      order[last] = order[other] as number;
      order[other] = held;
    }
    return order;
  }
}
