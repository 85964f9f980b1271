/**
 * Whose weights are these? From the names and shapes of a state dict alone: which MobileNet it is, how
 * wide, with how many classes, and what its tensors are called here. torchvision's and timm's
 * MobileNetV3 and V2 are known, at any width. Pure: values are looked at nowhere.
 *
 * Some things leave no trace in a shape and are taken from the lineage, which the caller or the file's
 * name may give: SAME padding and batch norm's epsilon. Others are assumed to be the defaults: dropout,
 * `dilated`, `reduction`, and the activations that `squeeze.activation` and `reluActivation` choose. They
 * can be set on the recognised architecture, for no tensor depends on them.
 *
 * Invariant: what `recognize` returns fits; each tensor of its architecture has a tensor of the file.
 */
import { BneckError } from '../base/errors.ts';
import type { Shape } from '../base/tensor.ts';
import type { Architecture, Family, SqueezeOptions } from './architecture.ts';
import { makeDivisible } from './make-divisible.ts';
import { countProblems, describeProblems, findProblems, type Problems, show } from './misfit.ts';
import { DEFAULT_SQUEEZE, parseArchitecture } from './parse-architecture.ts';
import { type CountComparison, likeliestWidth, recoverWidth } from './recover-width.ts';
import { classifierPath, type WeightName, weightNames } from './weight-names.ts';

/** The tensors of a file: names and shapes. */
export type TensorShapes = ReadonlyMap<string, Shape>;
/** How tensors are named. */
export type Naming = 'torchvision' | 'timm';
/** Who trained: `tf` is timm's `tf_` models, weights from TensorFlow under timm's names. */
export const LINEAGES = ['torchvision', 'timm', 'tf'] as const;
export type Lineage = (typeof LINEAGES)[number];

export interface RecognizeOptions {
  /** Of the file, for errors; `tf_` in it tells the lineage. */
  readonly fileName?: string;
  /** Decides over what the file's name says. */
  readonly lineage?: Lineage;
}

export interface Recognition {
  readonly architecture: Architecture;
  readonly naming: Naming;
  readonly lineage: Lineage;
  /** For each of our names, in our order, the file's. Counters that the file lacks are left out. */
  readonly sources: ReadonlyMap<string, string>;
  /** Our name for a tensor of the file, or undefined for one that belongs to no network. */
  rename(name: string): string | undefined;
  /** How pictures were prepared for these weights: sizes in pixels, mean and deviation after / 255. */
  readonly preprocessing: {
    readonly resolution: number;
    readonly resize: number;
    readonly mean: readonly [number, number, number];
    readonly std: readonly [number, number, number];
  };
  /** What the file does not say and was assumed, a line each, for a log. */
  readonly assumptions: readonly string[];
}

/** A state dict without the prefix that wrappers (`module.`, `model.`, ...) put in front of every name. */
interface Bare {
  readonly prefix: string;
  readonly shapes: TensorShapes;
  /** Names without the prefix that the others have: they belong to no network. */
  readonly outside: readonly string[];
  readonly naming: Naming;
}

const STEM: Readonly<Record<Naming, string>> = { torchvision: 'features.0.0.weight', timm: 'conv_stem.weight' };
/** What averaging wrappers add: it belongs to no network, and is passed over. */
const AVERAGING_COUNTER = 'n_averaged';

function fileOf({ fileName }: RecognizeOptions): string {
  return fileName ?? 'The state dict';
}

function bare(shapes: TensorShapes, options: RecognizeOptions): Bare {
  for (const naming of ['torchvision', 'timm'] as const) {
    const stem = [...shapes.keys()].find((name) => name === STEM[naming] || name.endsWith(`.${STEM[naming]}`));
    if (stem === undefined) continue;
    const prefix = stem.slice(0, stem.length - STEM[naming].length);
    const names = [...shapes.keys()].filter((name) => name !== AVERAGING_COUNTER);
    const outside = names.filter((name) => !name.startsWith(prefix));
    const inside = names.filter((name) => name.startsWith(prefix));
    const stripped = inside.map((name) => [name.slice(prefix.length), shapes.get(name) as Shape] as const);
    return { prefix, naming, outside, shapes: new Map(stripped) };
  }
  const first = [...shapes.keys()].slice(0, 3).map(show).join(', ');
  throw new BneckError(
    'unsupported',
    `${fileOf(options)}: not the weights of a MobileNet that bneck knows: none of its ${shapes.size} tensors is named ${STEM.torchvision} or ${STEM.timm}${first && ` (they begin with ${first})`}. Give torchvision's or timm's MobileNetV3 or MobileNetV2.`,
  );
}

/** By what only this family has; a file of another network is found out when its tensors are compared. */
function familyOf({ naming, shapes }: Bare): Family {
  if (naming === 'torchvision') {
    if (shapes.has('features.1.conv.0.0.weight')) return 'mobilenet_v2';
    return shapes.has('features.13.block.0.0.weight') || shapes.has('features.16.0.weight')
      ? 'mobilenet_v3_large'
      : 'mobilenet_v3_small';
  }
  if (shapes.has('blocks.6.0.conv.weight')) return 'mobilenet_v3_large';
  if (shapes.has('blocks.5.0.conv.weight')) return 'mobilenet_v3_small';
  return 'mobilenet_v2';
}

function squeezeOf({ naming, shapes }: Bare): SqueezeOptions | null {
  const ending = naming === 'timm' ? '.se.conv_reduce.weight' : '.fc1.weight';
  const layers = [...shapes].filter(([name]) => name.endsWith(ending));
  const [first] = layers;
  if (first === undefined) return null;
  const quarter = (expanded: number): number => Math.max(1, Math.floor(expanded / 4));
  const divisible = layers.every(([, [squeezed, expanded]]) => squeezed === makeDivisible(quarter(expanded ?? 0)));
  const floor = layers.every(([, [squeezed, expanded]]) => squeezed === quarter(expanded ?? 0));
  return {
    ...DEFAULT_SQUEEZE,
    rounding: floor && !divisible ? 'floor' : 'divisible',
    bias: shapes.has(first[0].replace(/weight$/, 'bias')),
  };
}

/** What names and shapes show without knowing the width. */
function visibleOptions(found: Bare): Partial<Architecture> & { family: Family; classes: number } {
  const { naming, shapes } = found;
  const family = familyOf(found);
  const classifier = naming === 'timm' ? 'classifier' : classifierPath(family);
  const classes = shapes.get(`${classifier}.weight`)?.[0] ?? 1000;
  if (family === 'mobilenet_v2') return { family, classes };
  const squeeze = squeezeOf(found);
  const minimal = squeeze === null && ![...shapes.values()].some((shape) => shape.length === 4 && shape[2] === 5);
  const expandAlways =
    naming === 'timm' ? shapes.has('blocks.0.0.conv_pwl.weight') : shapes.get('features.1.block.0.0.weight')?.[2] === 1;
  return { family, classes, minimal, expandAlways, ...(squeeze && { squeeze }) };
}

function lineageOf(found: Bare, minimal: boolean, options: RecognizeOptions): [Lineage, string | null] {
  if (options.lineage !== undefined) {
    if (LINEAGES.includes(options.lineage)) return [options.lineage, null];
    throw new BneckError('option', `lineage ${show(String(options.lineage))}: give ${LINEAGES.join(', ')}.`);
  }
  if (/(^|[^a-z0-9])tf_/i.test(options.fileName ?? '')) return ['tf', 'the file name says tf_'];
  if (found.naming === 'torchvision') return ['torchvision', null];
  // timm publishes minimal networks as tf_ alone.
  return minimal ? ['tf', 'timm has minimal networks from TensorFlow only'] : ['timm', null];
}

/** The options that leave no trace in shapes, by lineage. */
function invisibleOptions(lineage: Lineage, family: Family): Partial<Architecture> {
  if (lineage === 'torchvision') return {};
  if (lineage === 'tf') return { padding: 'same', batchNormEpsilon: 1e-3 };
  return family === 'mobilenet_v2' ? {} : { batchNormEpsilon: 1e-5 };
}

/** The rules a width may have been applied by, likeliest first. */
function scalingsOf(family: Family, lineage: Lineage): Partial<Architecture>[] {
  if (family === 'mobilenet_v2') return [{}];
  const timm: Partial<Architecture> = { scaling: 'timm' };
  const torchvision: Partial<Architecture>[] = [{}, { reducedTail: true }];
  return lineage === 'torchvision' ? [...torchvision, timm] : [timm, ...torchvision];
}

const sourceName = (entry: WeightName, naming: Naming): string => (naming === 'timm' ? entry.timm : entry.name);
const sourceShape = (entry: WeightName, naming: Naming): Shape => (naming === 'timm' ? entry.timmShape : entry.shape);

/** The channels of each layer but the classifier, against those of the file. */
function compareCounts(architecture: Architecture, { naming, shapes }: Bare): CountComparison {
  const classifier = `${classifierPath(architecture.family)}.`;
  let [above, below, total] = [0, 0, 0];
  for (const entry of weightNames(architecture)) {
    const observed = shapes.get(sourceName(entry, naming))?.[0];
    if (entry.shape.length < 2 || observed === undefined || entry.name.startsWith(classifier)) continue;
    const count = entry.shape[0] as number;
    total += 1;
    above += count > observed ? 1 : 0;
    below += count < observed ? 1 : 0;
  }
  return { above, below, total };
}

function problemsOf(architecture: Architecture, { naming, shapes, outside }: Bare): Problems {
  const expected = weightNames(architecture).map((entry) => ({
    name: sourceName(entry, naming),
    shape: sourceShape(entry, naming),
    optional: entry.counter,
  }));
  return findProblems(expected, shapes, outside);
}

/** The architecture whose tensors are those of the file. @throws BneckError 'file' listing what does not fit */
function fittingArchitecture(
  fixed: Partial<Architecture>,
  scalings: readonly Partial<Architecture>[],
  found: Bare,
  options: RecognizeOptions,
): Architecture {
  const attempts: { architecture: Architecture; problems: Problems }[] = [];
  for (const scaling of scalings) {
    const at = (width: number): Architecture => parseArchitecture({ ...fixed, ...scaling, width });
    const compare = (width: number): CountComparison => compareCounts(at(width), found);
    const architecture = at(recoverWidth(compare) ?? likeliestWidth(compare));
    const problems = problemsOf(architecture, found);
    if (countProblems(problems) === 0) return architecture;
    attempts.push({ architecture, problems });
  }
  const nearest = attempts.reduce((best, attempt) =>
    countProblems(attempt.problems) < countProblems(best.problems) ? attempt : best,
  );
  throw new BneckError('file', `${fileOf(options)}: ${describeProblems(nearest.architecture, nearest.problems)}`);
}

const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
const IMAGENET_STD = [0.229, 0.224, 0.225] as const;
const HALF = [0.5, 0.5, 0.5] as const;

/** timm's configuration of the `tf_` models maps pixels to [-1, 1]; all others take ImageNet's statistics. */
function preprocessingOf(lineage: Lineage): Recognition['preprocessing'] {
  const sizes = { resolution: 224, resize: 256 };
  if (lineage === 'tf') return { ...sizes, mean: HALF, std: HALF };
  return { ...sizes, mean: IMAGENET_MEAN, std: IMAGENET_STD };
}

function assumptionsOf(architecture: Architecture, lineage: Lineage, reason: string | null, asked: boolean): string[] {
  const { padding, batchNormEpsilon } = architecture;
  const shown = `${padding === 'same' ? 'SAME' : 'symmetric'} padding and batch norm's epsilon ${batchNormEpsilon}`;
  if (asked) return [];
  if (reason !== null) return [`${shown}, since ${reason}`];
  const other = "if they are of a tf_ model of timm's (SAME padding, 0.001), give lineage tf";
  return lineage === 'timm' ? [`${shown}, as timm's own weights; ${other}`] : [];
}

/**
 * Recognises a state dict by its names and shapes.
 * @throws BneckError 'unsupported' for weights of another kind of network, 'file' where tensors are
 *   missing, unexpected or of another shape, with a few of each; one line with the file's name;
 *   'option' for a lineage that there is not
 */
export function recognize(shapes: TensorShapes, options: RecognizeOptions = {}): Recognition {
  const found = bare(shapes, options);
  const visible = checkedClasses(visibleOptions(found), options);
  const [lineage, reason] = lineageOf(found, visible.minimal === true, options);
  const fixed = { ...visible, ...invisibleOptions(lineage, visible.family) };
  const architecture = fittingArchitecture(fixed, scalingsOf(visible.family, lineage), found, options);
  const sources = new Map<string, string>();
  const renamed = new Map<string, string>();
  for (const entry of weightNames(architecture)) {
    const source = found.prefix + sourceName(entry, found.naming);
    if (!shapes.has(source)) continue;
    sources.set(entry.name, source);
    renamed.set(source, entry.name);
  }
  return {
    architecture,
    naming: found.naming,
    lineage,
    sources,
    rename: (name) => renamed.get(name),
    preprocessing: preprocessingOf(lineage),
    assumptions: assumptionsOf(architecture, lineage, reason, options.lineage !== undefined),
  };
}

/** A hostile file may claim any number of classes; what is wrong is then told of the file, not of an option. */
function checkedClasses<T extends { family: Family; classes: number }>(visible: T, options: RecognizeOptions): T {
  try {
    parseArchitecture({ family: visible.family, classes: visible.classes });
    return visible;
  } catch (cause) {
    if (!(cause instanceof BneckError)) throw cause;
    throw new BneckError('file', `${fileOf(options)}: its last layer: ${cause.message}`, { cause });
  }
}
