/**
 * A short mark of what a data set holds, kept in checkpoints so that a run is not resumed on other
 * data. Plain integer arithmetic (two FNV-1a lanes with different starts, stirred at the end): it
 * tells accidental change, it does not withstand forgery. Invariant: the same additions in the
 * same order give the same 16 hex digits on every machine.
 */
const PRIME = 0x01000193;
const SECOND_PRIME = 0x85ebca6b;

function stir(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x7feb352d);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export class Fingerprint {
  #first = 0x811c9dc5;
  #second = 0x3c6ef372;

  #addWord(word: number): void {
    this.#first = Math.imul(this.#first ^ word, PRIME);
    this.#second = Math.imul(this.#second ^ word, SECOND_PRIME) ^ (this.#second >>> 15);
  }

  /** Whole numbers from 0 to 2^53, their count included. */
  addIntegers(values: ArrayLike<number>): this {
    this.#addWord(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      this.#addWord(value | 0);
      if (value > 0xffffffff) this.#addWord(Math.floor(value / 2 ** 32));
    }
    return this;
  }

  /** Text by its UTF-16 code units, its length included. */
  addText(text: string): this {
    this.#addWord(text.length);
    for (let i = 0; i < text.length; i++) this.#addWord(text.charCodeAt(i));
    return this;
  }

  addBytes(bytes: Uint8Array): this {
    this.#addWord(bytes.length);
    const whole = bytes.length - (bytes.length % 4);
    for (let i = 0; i < whole; i += 4) {
      const low = (bytes[i] as number) | ((bytes[i + 1] as number) << 8);
      this.#addWord(low | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24));
    }
    for (let i = whole; i < bytes.length; i++) this.#addWord(bytes[i] as number);
    return this;
  }

  /** 16 hex digits. */
  digest(): string {
    const words = [stir(this.#first ^ 0x9e3779b9), stir(this.#second)];
    return words.map((word) => word.toString(16).padStart(8, '0')).join('');
  }
}
