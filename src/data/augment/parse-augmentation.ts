/**
 * Checks an augmentation that came as data: from a caller, from a checkpoint. Invariant: what comes
 * out is an `Augmentation` whose numbers are within bounds, or there is an error that names the op,
 * the parameter and what it may be. Nothing is filled in and nothing is passed over.
 */
import { BneckError } from '../../base/errors.ts';
import { nearestName } from '../../base/nearest-name.ts';
import { type Augmentation, type AugmentationKind, type AugmentationOp, isCrop } from './augmentation.ts';

/** What a parameter may be. */
interface Rule {
  readonly fits: (value: unknown) => boolean;
  readonly words: string;
}

const MOST_OPS = 32;

function between(least: number, greatest: number): Rule {
  const fits = (value: unknown) => typeof value === 'number' && value >= least && value <= greatest;
  return { fits, words: `a number from ${least} to ${greatest}` };
}

function wholeBetween(least: number, greatest: number): Rule {
  const { fits } = between(least, greatest);
  const words = `a whole number from ${least} to ${greatest}`;
  return { fits: (value) => Number.isInteger(value) && fits(value), words };
}

function pairOf({ fits, words }: Rule): Rule {
  return {
    fits: (value) => Array.isArray(value) && value.length === 2 && value.every(fits),
    words: `[x, y], ${words}`,
  };
}

/** [least, greatest], above 0. */
function rangeUpTo(greatest: number): Rule {
  const fits = (value: unknown) => {
    if (!Array.isArray(value) || value.length !== 2) return false;
    const [low, high] = value as unknown[];
    return typeof low === 'number' && typeof high === 'number' && low > 0 && low <= high && high <= greatest;
  };
  return { fits, words: `[least, greatest], above 0 and up to ${greatest}` };
}

const PROBABILITY = between(0, 1);
const AREA = rangeUpTo(1);
const RATIO = rangeUpTo(100);

type ParametersOf<Kind extends AugmentationKind> = Exclude<
  keyof Extract<AugmentationOp, { readonly kind: Kind }>,
  'kind'
>;

/** The parameters of each op, all of them needed. */
const RULES: { readonly [Kind in AugmentationKind]: Readonly<Record<ParametersOf<Kind>, Rule>> } = {
  'random-resized-crop': { scale: AREA, ratio: RATIO },
  'random-crop': { padding: PROBABILITY },
  flip: { probability: PROBABILITY },
  'vertical-flip': { probability: PROBABILITY },
  affine: {
    degrees: between(0, 180),
    translate: pairOf(between(0, 1)),
    scale: rangeUpTo(10),
    shear: pairOf(between(0, 80)),
  },
  'color-jitter': {
    brightness: between(0, 10),
    contrast: between(0, 10),
    saturation: between(0, 10),
    hue: between(0, 0.5),
  },
  randaugment: { count: wholeBetween(1, 16), magnitude: wholeBetween(0, 30) },
  trivialaugment: {},
  autoaugment: { policy: { fits: (value) => value === 'imagenet', words: '"imagenet"' } },
  erase: { probability: PROBABILITY, scale: AREA, ratio: RATIO },
};

export const AUGMENTATION_KINDS = Object.keys(RULES) as AugmentationKind[];

function fail(where: string, problem: string): never {
  throw new BneckError('option', `augmentation${where}: ${problem}`);
}

/** A value for a message: short, whatever it is. */
function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60);
}

function checkOp(value: unknown, place: number): AugmentationOp {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(`[${place}]`, `${shown(value)} is no op; give { kind, ...parameters }`);
  }
  const { kind, ...parameters } = value as Record<string, unknown>;
  const known = AUGMENTATION_KINDS.find((name) => name === kind);
  if (known === undefined) {
    const near = typeof kind === 'string' ? nearestName(kind, AUGMENTATION_KINDS) : null;
    const meant = near === null ? '' : ` (did you mean ${near}?)`;
    return fail(`[${place}]`, `kind ${shown(kind)}: give one of ${AUGMENTATION_KINDS.join(', ')}${meant}`);
  }
  const where = `[${place}] (${known})`;
  const rules: Readonly<Record<string, Rule>> = RULES[known];
  for (const [name, rule] of Object.entries(rules)) {
    if (!rule.fits(parameters[name])) fail(where, `${name} ${shown(parameters[name])}: give ${rule.words}`);
  }
  for (const name of Object.keys(parameters)) {
    if (!Object.hasOwn(rules, name)) fail(where, `${shown(name)} is no parameter of it; leave it out`);
  }
  return value as AugmentationOp;
}

/**
 * @param value an `Augmentation`, or whatever it is
 * @throws BneckError 'option' with the op, its parameter, and what that may be
 */
export function parseAugmentation(value: unknown): Augmentation {
  if (!Array.isArray(value)) return fail('', `${shown(value)} is no list; give [op, ...]`);
  if (value.length > MOST_OPS) return fail('', `${value.length} ops; give ${MOST_OPS} or fewer`);
  const ops = value.map(checkOp);
  const late = ops.findIndex((op, place) => place > 0 && isCrop(op));
  if (late > 0) fail(`[${late}] (${ops[late]?.kind})`, 'a crop has to be the first op, and the only crop');
  const early = ops.findIndex(({ kind }, place) => kind === 'erase' && place < ops.length - 1);
  if (early >= 0) fail(`[${early}] (erase)`, 'erasing has to be the last op, once');
  return ops;
}
