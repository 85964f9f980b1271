/**
 * The instructions of the pickle machine, protocols 0 to 5, by their byte. Each only moves data: an
 * object's class is a name, calling it is asking the hook what would come of it, and setting its state
 * (BUILD) or filling it (APPEND, SETITEM on a stand-in) is forgotten. Registered extensions and
 * out-of-band buffers are refused, for a file cannot carry them.
 * Source: the table of CPython's Lib/pickletools.py.
 */
import { PICKLE_LIMITS, type PickleMachine } from './pickle-machine.ts';
import { kindOf, PickleOpaque, PickleTuple, type PickleValue, setKey } from './pickle-values.ts';

type Run = (machine: PickleMachine) => void;
type Opcode = readonly [byte: string, name: string, run: Run];

const EMPTY_TUPLE = new PickleTuple([]);

/** Two's complement, least byte first, of any length up to the limit. */
function takeInteger(machine: PickleMachine, lengthBytes: number): number | bigint {
  if (lengthBytes > PICKLE_LIMITS.integerBytes) machine.fail(`an integer of ${lengthBytes} bytes`);
  machine.spend(lengthBytes >>> 3);
  const bytes = machine.take(lengthBytes);
  if (lengthBytes === 0) return 0;
  let digits = '';
  for (const byte of bytes) digits = byte.toString(16).padStart(2, '0') + digits;
  return narrow(BigInt.asIntN(8 * lengthBytes, BigInt(`0x${digits}`)));
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** An integer as a line of decimal digits; `suffix` ends it where the opcode says so. */
function takeDecimal(machine: PickleMachine, suffix: string): number | bigint {
  const line = machine.takeLine(3 * PICKLE_LIMITS.integerBytes);
  const digits = suffix !== '' && line.endsWith(suffix) ? line.slice(0, -1) : line;
  if (!/^[+-]?[0-9]+$/.test(digits)) machine.fail('a line that should be an integer');
  return narrow(BigInt(digits.replace('+', '')));
}

function takeIntegerOrBoolean(machine: PickleMachine): PickleValue {
  const begin = machine.position;
  const value = takeDecimal(machine, '');
  // Protocols 0 and 1 write False as I00 and True as I01.
  const isTwoDigits = machine.position - begin === 3;
  return isTwoDigits && machine.bytes[begin] === 0x30 && (value === 0 || value === 1) ? value === 1 : value;
}

function takeDecimalFloat(machine: PickleMachine): number {
  const line = machine.takeLine(64);
  if (/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(line)) return Number(line);
  const special = /^([+-]?)(inf|nan)$/.exec(line);
  if (special === null) return machine.fail('a line that should be a number');
  if (special[2] === 'nan') return Number.NaN;
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
]);

/** A Python 2 string as its repr, in quotes. */
function takeQuoted(machine: PickleMachine): string {
  const line = machine.takeLine();
  const quoteMark = line[0];
  if (line.length < 2 || (quoteMark !== "'" && quoteMark !== '"') || line.at(-1) !== quoteMark) {
    machine.fail('a string without quotes around it');
  }
  const text = line.slice(1, -1).replace(/\\(x[0-9a-f]{2}|.?)/gi, (_, escaped: string) => {
    if (escaped.length === 3) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return ESCAPES.get(escaped) ?? machine.fail('a string with an unknown escape');
  });
  return machine.decodeText(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

/** Latin-1 with \uXXXX and \UXXXXXXXX, as Python's raw-unicode-escape. */
function takeEscaped(machine: PickleMachine): string {
  return machine.takeLine().replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (_, four?: string, eight?: string) => {
    const code = Number.parseInt(four ?? eight ?? '', 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : machine.fail('text with a character past U+10FFFF');
  });
}

function appendAll(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (target instanceof PickleOpaque) return;
  if (!Array.isArray(target)) machine.fail(`appends to ${kindOf(target)}`);
  for (const item of items) target.push(item);
}

function setAll(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (items.length % 2 !== 0) machine.fail('sets a key without a value');
  if (target instanceof PickleOpaque) return;
  if (!(target instanceof Map)) machine.fail(`sets a key of ${kindOf(target)}`);
  for (let i = 0; i < items.length; i += 2) setKey(target, items[i] as PickleValue, items[i + 1] as PickleValue);
}

/** A set is a stand-in, and what is added to it is forgotten. */
function addAll(machine: PickleMachine): void {
  machine.popToMark();
  const target = machine.top();
  if (!(target instanceof PickleOpaque)) machine.fail(`adds to ${kindOf(target)}`);
}

function frozenSet(machine: PickleMachine): void {
  machine.popToMark();
  machine.push(new PickleOpaque('builtins.frozenset'));
}

/** An empty Map takes some 200 bytes, many times what other opcodes do. */
function emptyDict(machine: PickleMachine): void {
  machine.spend(2);
  machine.push(new Map());
}

function dictOf(machine: PickleMachine): void {
  const items = machine.popToMark();
  emptyDict(machine);
  setAll(machine, items);
}

/** A dict's BUILD sets attributes (PyTorch's `_metadata`), which a Map has not: dropped. So is a stand-in's state. */
function build(machine: PickleMachine): void {
  machine.pop();
  const target = machine.top();
  if (!(target instanceof Map || target instanceof PickleOpaque)) machine.fail(`sets the state of ${kindOf(target)}`);
}

/** `argumentCount` values above the callee: its arguments, then keywords, which are dropped. */
function construct(machine: PickleMachine, argumentCount: 1 | 2): void {
  if (argumentCount === 2 && !(machine.pop() instanceof Map)) machine.fail('keyword arguments that are no dict');
  const args = machine.pop();
  machine.construct(machine.pop(), args);
}

function constructMarked(machine: PickleMachine): void {
  const [callee, ...args] = machine.popToMark();
  if (callee === undefined) machine.fail('builds an object of no class');
  machine.construct(callee, new PickleTuple(args));
}

function constructNamed(machine: PickleMachine): void {
  const callee = machine.makeGlobal(takeName(machine), takeName(machine));
  machine.construct(callee, new PickleTuple(machine.popToMark()));
}

function takeName(machine: PickleMachine): string {
  return machine.takeLine(PICKLE_LIMITS.globalNameBytes);
}

const refuse =
  (what: string): Run =>
  (machine) =>
    machine.fail(`${what}, which no file of PyTorch has`);

const VALUES: Opcode[] = [
  ['N', 'NONE', (m) => m.push(null)],
  ['\x88', 'NEWTRUE', (m) => m.push(true)],
  ['\x89', 'NEWFALSE', (m) => m.push(false)],
  ['I', 'INT', (m) => m.push(takeIntegerOrBoolean(m))],
  ['J', 'BININT', (m) => m.push(m.takeInt32())],
  ['K', 'BININT1', (m) => m.push(m.takeByte())],
  ['M', 'BININT2', (m) => m.push(m.takeUint16())],
  ['L', 'LONG', (m) => m.push(takeDecimal(m, 'L'))],
  ['\x8a', 'LONG1', (m) => m.push(takeInteger(m, m.takeByte()))],
  ['\x8b', 'LONG4', (m) => m.push(takeInteger(m, m.takeUint32()))],
  ['F', 'FLOAT', (m) => m.push(takeDecimalFloat(m))],
  ['G', 'BINFLOAT', (m) => m.push(m.takeFloat64())],
  ['S', 'STRING', (m) => m.push(takeQuoted(m))],
  ['T', 'BINSTRING', (m) => m.push(m.takeText(m.takeUint32()))],
  ['U', 'SHORT_BINSTRING', (m) => m.push(m.takeText(m.takeByte()))],
  ['V', 'UNICODE', (m) => m.push(takeEscaped(m))],
  ['X', 'BINUNICODE', (m) => m.push(m.takeText(m.takeUint32()))],
  ['\x8c', 'SHORT_BINUNICODE', (m) => m.push(m.takeText(m.takeByte()))],
  ['\x8d', 'BINUNICODE8', (m) => m.push(m.takeText(m.takeLength64()))],
  ['B', 'BINBYTES', (m) => m.push(m.take(m.takeUint32()))],
  ['C', 'SHORT_BINBYTES', (m) => m.push(m.take(m.takeByte()))],
  ['\x8e', 'BINBYTES8', (m) => m.push(m.take(m.takeLength64()))],
  ['\x96', 'BYTEARRAY8', (m) => m.push(m.take(m.takeLength64()))],
];

const CONTAINERS: Opcode[] = [
  [')', 'EMPTY_TUPLE', (m) => m.push(EMPTY_TUPLE)],
  ['\x85', 'TUPLE1', (m) => m.push(new PickleTuple(m.popLast(1)))],
  ['\x86', 'TUPLE2', (m) => m.push(new PickleTuple(m.popLast(2)))],
  ['\x87', 'TUPLE3', (m) => m.push(new PickleTuple(m.popLast(3)))],
  ['t', 'TUPLE', (m) => m.push(new PickleTuple(m.popToMark()))],
  [']', 'EMPTY_LIST', (m) => m.push([])],
  ['l', 'LIST', (m) => m.push(m.popToMark())],
  ['a', 'APPEND', (m) => appendAll(m, [m.pop()])],
  ['e', 'APPENDS', (m) => appendAll(m, m.popToMark())],
  ['}', 'EMPTY_DICT', emptyDict],
  ['d', 'DICT', dictOf],
  [
    's',
    'SETITEM',
    (m) => {
      const value = m.pop();
      setAll(m, [m.pop(), value]);
    },
  ],
  ['u', 'SETITEMS', (m) => setAll(m, m.popToMark())],
  ['\x8f', 'EMPTY_SET', (m) => m.push(new PickleOpaque('builtins.set'))],
  ['\x90', 'ADDITEMS', addAll],
  ['\x91', 'FROZENSET', frozenSet],
];

const STACK: Opcode[] = [
  ['(', 'MARK', (m) => m.mark()],
  // On a mark, POP takes the mark, as in CPython.
  ['0', 'POP', (m) => (m.isAtMark() ? m.popToMark() : m.pop())],
  ['1', 'POP_MARK', (m) => m.popToMark()],
  ['2', 'DUP', (m) => m.push(m.top())],
  ['p', 'PUT', (m) => m.memoize(Number(takeDecimal(m, '')))],
  ['q', 'BINPUT', (m) => m.memoize(m.takeByte())],
  ['r', 'LONG_BINPUT', (m) => m.memoize(m.takeUint32())],
  ['\x94', 'MEMOIZE', (m) => m.memoizeNext()],
  ['g', 'GET', (m) => m.recall(Number(takeDecimal(m, '')))],
  ['h', 'BINGET', (m) => m.recall(m.takeByte())],
  ['j', 'LONG_BINGET', (m) => m.recall(m.takeUint32())],
];

const OBJECTS: Opcode[] = [
  ['c', 'GLOBAL', (m) => m.push(m.makeGlobal(takeName(m), takeName(m)))],
  [
    '\x93',
    'STACK_GLOBAL',
    (m) => {
      const name = m.pop();
      m.push(m.makeGlobal(m.pop(), name));
    },
  ],
  ['R', 'REDUCE', (m) => construct(m, 1)],
  ['\x81', 'NEWOBJ', (m) => construct(m, 1)],
  ['\x92', 'NEWOBJ_EX', (m) => construct(m, 2)],
  ['o', 'OBJ', constructMarked],
  ['i', 'INST', constructNamed],
  ['b', 'BUILD', build],
  ['P', 'PERSID', (m) => m.persistent(m.takeLine())],
  ['Q', 'BINPERSID', (m) => m.persistent(m.pop())],
  ['\x82', 'EXT1', refuse('a registered extension')],
  ['\x83', 'EXT2', refuse('a registered extension')],
  ['\x84', 'EXT4', refuse('a registered extension')],
  ['\x97', 'NEXT_BUFFER', refuse('a buffer outside the pickle')],
  ['\x98', 'READONLY_BUFFER', refuse('a buffer outside the pickle')],
];

const FRAMING: Opcode[] = [
  [
    '\x80',
    'PROTO',
    (m) => {
      const protocol = m.takeByte();
      if (protocol > 5) m.fail(`pickle protocol ${protocol}; 5 is the highest there is`);
    },
  ],
  ['\x95', 'FRAME', (m) => m.beginFrame(m.takeLength64())],
];

/** By the opcode's byte. STOP is not here: it ends the loop (`pickle.ts`). */
export const PICKLE_OPCODES: ReadonlyMap<number, { readonly name: string; readonly run: Run }> = new Map(
  [...VALUES, ...CONTAINERS, ...STACK, ...OBJECTS, ...FRAMING].map(([byte, name, run]) => [
    byte.charCodeAt(0),
    { name, run },
  ]),
);
