/**
 * The weights that torchvision publishes for these networks: what they are called, where they lie, how
 * their bytes are recognised, how good they are, and how pictures were prepared for them. Facts, and the
 * way from a name that a person types to one of them; nothing is downloaded here (`pretrained.node.ts`).
 * Source: torchvision `models/mobilenetv3.py` and `mobilenetv2.py`, their `*_Weights`.
 */
import { BneckError } from '../base/errors.ts';
import { IMAGENET_MEAN, IMAGENET_STD, type Preprocessing } from '../data/preprocess.ts';
import type { Family } from '../models/architecture.ts';

export interface PretrainedWeights {
  readonly family: Family;
  /** Of the recipe: `v2` is torchvision's later and better one. */
  readonly version: 'v1' | 'v2';
  /** The file's name in the cache and at its address. */
  readonly file: string;
  /** What the SHA-256 of the file begins with, in lower-case hexadecimal. */
  readonly sha256Prefix: string;
  /** 2^20 bytes, to three decimals. */
  readonly mebibytes: number;
  /** Of ImageNet's validation set, in percent. */
  readonly top1Percent: number;
  readonly top5Percent: number;
  readonly preprocessing: Preprocessing;
}

/** Where the files lie, unless a mirror is given. */
export const OFFICIAL_ADDRESS = 'https://download.pytorch.org/models/';

function entry(
  family: Family,
  version: 'v1' | 'v2',
  sha256Prefix: string,
  [top1Percent, top5Percent]: readonly [number, number],
  mebibytes: number,
): PretrainedWeights {
  const resize = version === 'v2' ? 232 : 256;
  const preprocessing: Preprocessing = { resolution: 224, resize, mean: IMAGENET_MEAN, std: IMAGENET_STD };
  const file = `${family}-${sha256Prefix}.pth`;
  return { family, version, file, sha256Prefix, mebibytes, top1Percent, top5Percent, preprocessing };
}

/** The best of a family comes first. */
export const PRETRAINED_WEIGHTS: readonly PretrainedWeights[] = [
  entry('mobilenet_v3_large', 'v2', '5c1a4163', [75.274, 92.566], 21.107),
  entry('mobilenet_v3_large', 'v1', '8738ca79', [74.042, 91.34], 21.114),
  entry('mobilenet_v3_small', 'v1', '047dcff4', [67.668, 87.402], 9.829),
  entry('mobilenet_v2', 'v2', '7ebf99e0', [72.154, 90.822], 13.598),
  entry('mobilenet_v2', 'v1', 'b0353104', [71.878, 90.286], 13.555),
];

/** `imagenet` or a family's name, alone or with `-v1` or `-v2`. */
const NAME = /^(imagenet|mobilenet_v3_large|mobilenet_v3_small|mobilenet_v2)(?:-(v[12]))?$/;

/** All names with which weights can be asked for. */
export const PRETRAINED_NAMES: readonly string[] = [
  'imagenet',
  'imagenet-v1',
  'imagenet-v2',
  ...new Set(PRETRAINED_WEIGHTS.flatMap(({ family, version }) => [family, `${family}-${version}`])),
];

/** Whether this is a name of pretrained weights; what is not is a path. */
export function isPretrainedName(name: string): boolean {
  return PRETRAINED_NAMES.includes(name);
}

/**
 * The weights that a name stands for: `imagenet` the best of `family`, `imagenet-v1` its first ones,
 * `mobilenet_v3_large` the best of that family, `mobilenet_v3_large-v1` exactly those.
 * @param family of the network they are for; needed with `imagenet`, and checked with a family's name
 * @throws BneckError 'option' for a name that is not known, or that contradicts the family
 */
export function resolvePretrained(name: string, family?: Family): PretrainedWeights {
  const [, base, version] = NAME.exec(name) ?? [];
  if (base === undefined) {
    const shown = JSON.stringify(name.slice(0, 60));
    throw new BneckError('option', `There are no weights named ${shown}. Give ${PRETRAINED_NAMES.join(', ')}.`);
  }
  const wanted = base === 'imagenet' ? family : base;
  if (wanted === undefined) {
    throw new BneckError('option', `The weights ${name} exist for several networks: say for which, or give its name.`);
  }
  if (family !== undefined && wanted !== family) {
    throw new BneckError('option', `The weights ${name} do not fit a ${family}. Give imagenet, or another network.`);
  }
  const found = PRETRAINED_WEIGHTS.find(
    (weights) => weights.family === wanted && (version === undefined || weights.version === version),
  );
  if (found === undefined) {
    const others = PRETRAINED_WEIGHTS.filter((weights) => weights.family === wanted).map((weights) => weights.version);
    throw new BneckError('option', `${wanted} has no ${version} weights, only ${others.join(', ')}.`);
  }
  return found;
}

/** The published weights that a file is, by its name, or undefined: `some/folder/mobilenet_v2-b0353104.pth`. */
export function pretrainedByFile(path: string): PretrainedWeights | undefined {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  return PRETRAINED_WEIGHTS.find(({ file }) => name === file);
}
