/**
 * The state of the pickle machine: a reading position, a stack with marks, a memo. A pickle is a
 * program for such a machine, and in Python it may call anything; here it can only push and join data
 * (`pickle-opcodes.ts` has its instructions, `pickle.ts` runs them). Invariants: no position passes the
 * end, no pop passes the last mark, and every limit below holds, so that time and memory are bounded
 * by the bytes read, whatever they say.
 */
import { PickleGlobal, PickleOpaque, PickleTuple, type PickleValue } from './pickle-values.ts';

/** What a hook may ask of the machine that calls it. */
export interface PickleCaller {
  /** Counts work that grows with the arguments; throws where it is too much. */
  spend(amount: number): void;
  /** Refuses the pickle at this opcode; never returns. */
  fail(problem: string): never;
}

/** How a format that is built on pickle gives meaning to globals and persistent ids. Has no effect outside. */
export interface PickleHooks {
  /** What calling this global would yield. */
  readonly construct: (callee: PickleGlobal, args: readonly PickleValue[], caller: PickleCaller) => PickleValue;
  /** What a persistent id stands for. */
  readonly persistent: (id: PickleValue, caller: PickleCaller) => PickleValue;
  /** Throws, naming the file. `positionBytes` counts from the start of `bytes`. */
  readonly fail: (problem: string, positionBytes: number) => never;
}

/** A checkpoint of MobileNetV3 Large with its average and Adam's state takes a twentieth of the opcodes, and less of the rest. */
export const PICKLE_LIMITS = {
  /** Without the tensors' data, which lie outside. */
  bytes: 64 * 2 ** 20,
  opcodes: 1_000_000,
  stackDepth: 200_000,
  /** Marks within marks: how deep containers may nest while they are written. */
  markDepth: 1000,
  /** Writers count up from 0 or 1. */
  memoIndex: 1_000_000,
  textBytes: 2 ** 20,
  integerBytes: 128,
  globalNameBytes: 512,
  lineBytes: 2 ** 18,
} as const;

const NEWLINE = 0x0a;

export class PickleMachine implements PickleCaller {
  readonly bytes: Uint8Array;
  readonly #begin: number;
  readonly #view: DataView;
  readonly #hooks: PickleHooks;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo: PickleValue[] = [];
  #memoSize = 0;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  position: number;
  /** The name of the opcode being run, for errors. */
  opcodeName = '';
  #spent = 0;
  /** Where the frame being read ends, or -1 between frames. */
  #frameEnd = -1;
  #opcodeBegin: number;

  constructor(bytes: Uint8Array, begin: number, hooks: PickleHooks) {
    this.bytes = bytes;
    this.#begin = begin;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#hooks = hooks;
    this.position = begin;
    this.#opcodeBegin = begin;
  }

  fail(problem: string): never {
    const opcode = this.opcodeName === '' ? '' : `${this.opcodeName}: `;
    return this.#hooks.fail(`${opcode}${problem}`, this.#opcodeBegin);
  }

  /** Counts work or memory that one opcode takes beyond its own; all of it together is limited as the opcodes are. */
  spend(amount: number): void {
    this.#spent += amount;
    if (this.#spent > PICKLE_LIMITS.opcodes) this.fail(`more than ${PICKLE_LIMITS.opcodes} operations`);
  }

  // Reading

  /** The next opcode; checks that the one before kept to its frame. */
  nextOpcode(): number {
    if (this.#frameEnd >= 0 && this.position >= this.#frameEnd) {
      if (this.position > this.#frameEnd) this.fail('an opcode crosses the end of its frame');
      this.#frameEnd = -1;
    }
    this.#opcodeBegin = this.position;
    this.opcodeName = '';
    this.spend(1);
    return this.takeByte();
  }

  beginFrame(lengthBytes: number): void {
    if (this.#frameEnd >= 0) this.fail('a frame within a frame');
    if (lengthBytes > this.bytes.length - this.position) this.fail(`a frame of ${lengthBytes} bytes passes the end`);
    this.#frameEnd = this.position + lengthBytes;
  }

  /** The next bytes, not copied. */
  take(count: number): Uint8Array {
    const begin = this.position;
    const end = begin + count;
    if (!(end <= this.bytes.length)) this.fail(`the pickle is cut off: ${count} bytes should follow`);
    if (end - this.#begin > PICKLE_LIMITS.bytes) this.fail(`longer than ${PICKLE_LIMITS.bytes} bytes`);
    this.position = end;
    return this.bytes.subarray(begin, end);
  }

  takeByte(): number {
    return this.take(1)[0] as number;
  }

  takeUint16(): number {
    this.take(2);
    return this.#view.getUint16(this.position - 2, true);
  }

  takeUint32(): number {
    this.take(4);
    return this.#view.getUint32(this.position - 4, true);
  }

  takeInt32(): number {
    return this.takeUint32() | 0;
  }

  /** A length of 64 bits; above 2^53 it is rounded, and longer than any file. */
  takeLength64(): number {
    const low = this.takeUint32();
    return this.takeUint32() * 2 ** 32 + low;
  }

  takeFloat64(): number {
    this.take(8);
    return this.#view.getFloat64(this.position - 8, false); // the one big-endian number
  }

  takeText(count: number): string {
    if (count > PICKLE_LIMITS.textBytes) this.fail(`text of ${count} bytes, more than ${PICKLE_LIMITS.textBytes}`);
    return this.decodeText(this.take(count));
  }

  decodeText(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes.slice()); // a copy, for some hosts refuse shared memory
    } catch {
      return this.fail('text that is not UTF-8');
    }
  }

  /** The bytes up to the next line feed, as Latin-1 text; what older protocols write arguments in. */
  takeLine(limitBytes: number = PICKLE_LIMITS.lineBytes): string {
    const rest = this.bytes.subarray(this.position, this.position + limitBytes + 1);
    const length = rest.indexOf(NEWLINE);
    if (length < 0) this.fail(`a line without an end within ${limitBytes} bytes`);
    this.spend(length >>> 1); // taking text apart is dearer than passing bytes on
    const line = this.take(length);
    this.take(1);
    let text = '';
    for (let begin = 0; begin < length; begin += 4096) {
      text += String.fromCharCode(...line.subarray(begin, begin + 4096));
    }
    return text;
  }

  // The stack

  push(value: PickleValue): void {
    if (this.#stack.length >= PICKLE_LIMITS.stackDepth)
      this.fail(`more than ${PICKLE_LIMITS.stackDepth} values stacked`);
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  /** The last values, the deepest first. */
  popLast(count: number): PickleValue[] {
    const begin = this.#stack.length - count;
    if (begin < (this.#marks.at(-1) ?? 0)) this.fail(`takes ${count} values from a stack of fewer`);
    return this.#stack.splice(begin);
  }

  top(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) this.fail('takes a value from an empty stack');
    return this.#stack.at(-1) as PickleValue;
  }

  /** Whether the last thing stacked is a mark. */
  isAtMark(): boolean {
    return this.#marks.at(-1) === this.#stack.length;
  }

  mark(): void {
    if (this.#marks.length >= PICKLE_LIMITS.markDepth) this.fail(`nested more than ${PICKLE_LIMITS.markDepth} deep`);
    this.#marks.push(this.#stack.length);
  }

  /** Everything above the last mark, and takes the mark away. */
  popToMark(): PickleValue[] {
    const begin = this.#marks.pop();
    if (begin === undefined) return this.fail('needs a mark, and there is none');
    return this.#stack.splice(begin);
  }

  /** The pickle's value at its end. */
  finish(): PickleValue {
    if (this.#marks.length > 0 || this.#stack.length !== 1) {
      this.fail(
        `ends with ${this.#stack.length} values and ${this.#marks.length} marks on the stack, not with one value`,
      );
    }
    return this.pop();
  }

  // The memo

  memoize(index: number): void {
    if (!(index >= 0 && index <= PICKLE_LIMITS.memoIndex)) this.fail(`writes memo entry ${index}`);
    if (this.#memo[index] === undefined) this.#memoSize += 1;
    this.#memo[index] = this.top();
  }

  memoizeNext(): void {
    this.memoize(this.#memoSize);
  }

  recall(index: number): void {
    const value = this.#memo[index];
    if (value === undefined) this.fail(`reads memo entry ${index}, which was never written`);
    this.push(value);
  }

  // Stand-ins for objects

  makeGlobal(module: PickleValue, name: PickleValue): PickleGlobal {
    if (typeof module !== 'string' || typeof name !== 'string')
      return this.fail('names a global by something that is not text');
    if (module.length + name.length > PICKLE_LIMITS.globalNameBytes) this.fail('the name of a global is too long');
    return new PickleGlobal(`${module}.${name}`);
  }

  /** Where Python would call `callee`, the hook says what the result is; calling a stand-in gives a stand-in. */
  construct(callee: PickleValue, args: PickleValue): void {
    if (!(args instanceof PickleTuple)) this.fail('calls something with arguments that are no tuple');
    if (callee instanceof PickleOpaque) {
      this.push(new PickleOpaque(callee.source));
    } else {
      if (!(callee instanceof PickleGlobal)) this.fail('calls something that is no class or function');
      this.push(this.#hooks.construct(callee, args.items, this));
    }
  }

  persistent(id: PickleValue): void {
    this.push(this.#hooks.persistent(id, this));
  }
}
