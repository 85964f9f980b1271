/**
 * The gate through which every Architecture passes, whether it was written by a caller or read from
 * a model file. What comes in is `unknown` and hostile until checked: only the known options are
 * read, each within its bounds, so that nothing built later can overflow or run out of memory by
 * surprise. What comes out is a fresh object that holds every option. A missing option takes its
 * default: files stay readable when options are added.
 */
import { BneckError } from '../base/errors.ts';
import type { Architecture, Family, SqueezeOptions } from './architecture.ts';

/** What a caller may choose; each has a default. */
export type ArchitectureOptions = Partial<Omit<Architecture, 'family' | 'squeeze'>> & {
  readonly squeeze?: Partial<SqueezeOptions>;
};

export const MAXIMUM_CLASSES = 1_000_000;
export const MAXIMUM_WIDTH = 16;

const FAMILIES: readonly Family[] = ['mobilenet_v3_large', 'mobilenet_v3_small', 'mobilenet_v2'];
const KEYS: readonly (keyof Architecture)[] = [
  'family',
  'classes',
  'width',
  'dropout',
  'reducedTail',
  'dilated',
  'reduction',
  'squeeze',
  'reluActivation',
  'expandAlways',
  'scaling',
  'padding',
  'batchNormEpsilon',
  'minimal',
];
const SQUEEZE_KEYS: readonly (keyof SqueezeOptions)[] = ['rounding', 'bias', 'activation'];
export const DEFAULT_SQUEEZE: SqueezeOptions = { rounding: 'divisible', bias: true, activation: 'relu' };

/** A value as it may stand in a one-line message, whatever it is and however long. */
function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) {
    return String(value);
  }
  if (typeof value !== 'string') return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
}

function fail(option: string, needed: string, value: unknown): never {
  throw new BneckError('option', `Option ${option} must be ${needed}, but it is ${show(value)}.`);
}

/** The own entries of a plain object, its keys checked. A value of undefined counts as missing. */
function readEntries(value: unknown, what: string, keys: readonly string[]): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BneckError('option', `${what} must be an object of options, but it is ${show(value)}.`);
  }
  const entries = new Map<string, unknown>(Object.entries(value));
  for (const key of entries.keys()) {
    if (!keys.includes(key)) {
      throw new BneckError('option', `${what} has an unknown option ${show(key)}; it takes ${keys.join(', ')}.`);
    }
  }
  return entries;
}

function readBoolean(option: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  return typeof value === 'boolean' ? value : fail(option, 'true or false', value);
}

function readChoice<T extends string | number>(option: string, value: unknown, choices: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  const chosen = choices.find((choice) => choice === value);
  return chosen ?? fail(option, `one of ${choices.join(', ')}`, value);
}

function readNumber(
  option: string,
  value: unknown,
  fallback: number,
  needed: string,
  fits: (number: number) => boolean,
): number {
  if (value === undefined) return fallback;
  return typeof value === 'number' && fits(value) ? value : fail(option, needed, value);
}

function readSqueeze(value: unknown): SqueezeOptions {
  if (value === undefined) return { ...DEFAULT_SQUEEZE };
  const entries = readEntries(value, 'squeeze', SQUEEZE_KEYS);
  return {
    rounding: readChoice('squeeze.rounding', entries.get('rounding'), ['divisible', 'floor'], DEFAULT_SQUEEZE.rounding),
    bias: readBoolean('squeeze.bias', entries.get('bias'), DEFAULT_SQUEEZE.bias),
    activation: readChoice(
      'squeeze.activation',
      entries.get('activation'),
      ['relu', 'relu6'],
      DEFAULT_SQUEEZE.activation,
    ),
  };
}

/** torchvision's, which are also the paper's code's. */
const BATCH_NORM_EPSILON: Readonly<Record<Family, number>> = {
  mobilenet_v3_large: 1e-3,
  mobilenet_v3_small: 1e-3,
  mobilenet_v2: 1e-5,
};

function hasDefaultSqueeze({ squeeze }: Architecture): boolean {
  return SQUEEZE_KEYS.every((key) => squeeze[key] === DEFAULT_SQUEEZE[key]);
}

/** Options that nobody's network has together: what they would mean is not known, so it is not guessed. */
function refuseContradictions(architecture: Architecture): void {
  const refused = (options: string, reason: string): never => {
    throw new BneckError('option', `Options ${options} do not go together: ${reason}. Leave one of them out.`);
  };
  if (architecture.minimal && !hasDefaultSqueeze(architecture)) {
    refused('minimal and squeeze', 'a minimal network has no squeeze-and-excite');
  }
  if (architecture.scaling === 'timm' && architecture.reducedTail) {
    refused('scaling timm and reducedTail', 'timm has no reduced tail');
  }
}

/** MobileNetV2 has no tail to reduce, no squeeze-and-excite and one activation: asking for them is an error. */
function refuseV3Options(architecture: Architecture): void {
  const refused = (option: string): never => {
    throw new BneckError('option', `MobileNetV2 does not have the option ${option}; leave it out or take MobileNetV3.`);
  };
  if (architecture.reducedTail) refused('reducedTail');
  if (architecture.dilated) refused('dilated');
  if (architecture.expandAlways) refused('expandAlways');
  if (architecture.minimal) refused('minimal');
  if (architecture.scaling !== 'torchvision') refused(`scaling ${architecture.scaling}`);
  if (architecture.reluActivation !== 'relu6') refused(`reluActivation ${architecture.reluActivation}`);
  for (const key of SQUEEZE_KEYS) {
    if (architecture.squeeze[key] !== DEFAULT_SQUEEZE[key]) refused(`squeeze.${key}`);
  }
}

/**
 * Checks and completes an architecture that was read from a file or written by a caller.
 * @param value an object with `family` and any of the other fields of Architecture; nothing else
 * @returns a fresh Architecture with every option set
 * @throws BneckError('option') naming the option, what it may be and what it is
 */
export function parseArchitecture(value: unknown): Architecture {
  const entries = readEntries(value, 'An architecture', KEYS);
  const family = FAMILIES.find((known) => known === entries.get('family'));
  if (family === undefined) return fail('family', `one of ${FAMILIES.join(', ')}`, entries.get('family'));
  const architecture: Architecture = {
    family,
    classes: readNumber(
      'classes',
      entries.get('classes'),
      1000,
      `a whole number from 1 to ${MAXIMUM_CLASSES}`,
      (n) => Number.isInteger(n) && n >= 1 && n <= MAXIMUM_CLASSES,
    ),
    width: readNumber(
      'width',
      entries.get('width'),
      1,
      `a number above 0 and at most ${MAXIMUM_WIDTH}`,
      (n) => n > 0 && n <= MAXIMUM_WIDTH,
    ),
    dropout: readNumber(
      'dropout',
      entries.get('dropout'),
      0.2,
      'a number from 0 up to, not including, 1',
      (n) => n >= 0 && n < 1,
    ),
    reducedTail: readBoolean('reducedTail', entries.get('reducedTail'), false),
    dilated: readBoolean('dilated', entries.get('dilated'), false),
    reduction: readChoice('reduction', entries.get('reduction'), [32, 16, 8], 32),
    squeeze: readSqueeze(entries.get('squeeze')),
    reluActivation: readChoice(
      'reluActivation',
      entries.get('reluActivation'),
      ['relu', 'relu6'],
      family === 'mobilenet_v2' ? 'relu6' : 'relu',
    ),
    expandAlways: readBoolean('expandAlways', entries.get('expandAlways'), false),
    scaling: readChoice('scaling', entries.get('scaling'), ['torchvision', 'timm'], 'torchvision'),
    padding: readChoice('padding', entries.get('padding'), ['symmetric', 'same'], 'symmetric'),
    batchNormEpsilon: readNumber(
      'batchNormEpsilon',
      entries.get('batchNormEpsilon'),
      BATCH_NORM_EPSILON[family],
      'a number above 0 and at most 1',
      (n) => n > 0 && n <= 1,
    ),
    minimal: readBoolean('minimal', entries.get('minimal'), false),
  };
  if (family === 'mobilenet_v2') refuseV3Options(architecture);
  refuseContradictions(architecture);
  return architecture;
}
