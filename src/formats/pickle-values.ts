/**
 * What a pickle turns into here: plain data, and inert stand-ins for everything that would be a
 * class, a function or an object in Python. A stand-in has a name and nothing else; there is no way
 * from it to code. Tuples are a class of their own, for Python tells them from lists; dicts are Maps,
 * so that no key (`__proto__`) has a meaning; sets are stand-ins, for no tensor is in one. Integers are numbers where exact, bigints above 2^53.
 */

/** null, truth values, numbers, text, or one of: Uint8Array, Array, Map, the classes below, what hooks return. */
export type PickleValue = null | boolean | number | bigint | string | object;

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** The name of a class or function. Nothing is looked up by it. */
export class PickleGlobal {
  /** Module and name with a dot between, such as `collections.OrderedDict`. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

/** Stands where Python would have built an object of a class that means nothing here. Holds none of its state. */
export class PickleOpaque {
  /** The path of the class or function that would have built it. */
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * A dict's key that is not text. Such keys are never looked up, and the hash of a plain number is known
 * beforehand: a file could choose thousands that collide.
 */
export class PickleKey {
  readonly value: PickleValue;

  constructor(value: PickleValue) {
    this.value = value;
  }
}

export type PickleDict = Map<string | PickleKey, PickleValue>;

/** Sets a key as Python does: the last value wins, the first place is kept. */
export function setKey(dict: PickleDict, key: PickleValue, value: PickleValue): void {
  dict.set(typeof key === 'string' ? key : new PickleKey(key), value);
}

/** In an error message: what kind of value this is. Never looks inside. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value !== 'object') return typeof value === 'string' ? 'text' : `a ${typeof value}`;
  if (value instanceof PickleTuple) return 'a tuple';
  if (value instanceof PickleGlobal) return 'a class or function';
  if (value instanceof PickleOpaque) return 'an object';
  if (value instanceof Map) return 'a dict';
  if (value instanceof Uint8Array) return 'bytes';
  return Array.isArray(value) ? 'a list' : 'a tensor or storage';
}
