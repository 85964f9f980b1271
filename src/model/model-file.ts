/**
 * A model as one `.safetensors` file: the weights under torchvision's names, and in the header's
 * metadata what it takes to use them (architecture, class names, preprocessing) and where they come
 * from (bneck's version, a summary of the training). Python reads the weights with
 * `safetensors.torch.load_file`. Pure: bytes in, bytes out, so it works in a browser too.
 * Invariant: what `decodeModelFile` returns fits together. Every tensor of the architecture is
 * there with its shape, in torchvision's order, and there is a name for each class; equal models
 * give equal bytes.
 */
import { BneckError } from '../base/errors.ts';
import { formatShape, type StateDict, sameShape } from '../base/tensor.ts';
import { checkPreprocessing, type Preprocessing } from '../data/preprocess.ts';
import { quote } from '../formats/quote.ts';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../formats/safetensors.ts';
import { buildGraph } from '../graph/build-graph.ts';
import type { Architecture } from '../models/architecture.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import { parseArchitecture } from '../models/parse-architecture.ts';

/** The version of package.json, a test holds them together; here because a browser cannot read that file. */
export const BNECK_VERSION = '0.1.0';

export interface ModelFile {
  readonly architecture: Architecture;
  /** One name an output, in the order of the logits. */
  readonly classNames: readonly string[];
  /** What was done to pictures in evaluation, and so has to be done to any that are classified. */
  readonly preprocessing: Preprocessing;
  /** All parameters and running statistics by torchvision's names. */
  readonly weights: StateDict;
  /** How the weights came about: JSON, for people and reports. Null where nothing is known. */
  readonly training: Readonly<Record<string, unknown>> | null;
}

const KEYS = {
  version: 'bneck.version',
  architecture: 'bneck.architecture',
  classNames: 'bneck.class_names',
  preprocessing: 'bneck.preprocessing',
  training: 'bneck.training',
} as const;

/** How many names a message lists of each kind. */
const LISTED = 3;
const LONGEST_CLASS_NAME = 1000;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED).join(', ');
  return names.length > LISTED ? `${shown} and ${names.length - LISTED} more` : shown;
}

/**
 * What keeps weights from fitting an architecture, in one line, or null where they fit: tensors
 * that are missing, unexpected, or of another shape or type.
 */
export function describeMisfit(architecture: Architecture, weights: StateDict): string | null {
  const missing: string[] = [];
  const wrong: string[] = [];
  const expected = new Set<string>();
  for (const { name, shape, dtype } of buildGraph(architecture).parameters) {
    expected.add(name);
    const tensor = weights.get(name);
    if (tensor === undefined) missing.push(name);
    else if (!sameShape(tensor.shape, shape)) {
      wrong.push(`${name} (${formatShape(tensor.shape)} instead of ${formatShape(shape)})`);
    } else if (tensor.dtype !== dtype) wrong.push(`${name} (${tensor.dtype} instead of ${dtype})`);
  }
  const unexpected = [...weights.keys()].filter((name) => !expected.has(name)).map(quote);
  const parts: string[] = [];
  if (missing.length > 0) parts.push(`missing ${listed(missing)}`);
  if (wrong.length > 0) parts.push(`wrongly shaped ${listed(wrong)}`);
  if (unexpected.length > 0) parts.push(`unexpected ${listed(unexpected)}`);
  return parts.length === 0 ? null : parts.join('; ');
}

function inOrder(architecture: Architecture, weights: StateDict): StateDict {
  const ordered: StateDict = new Map();
  for (const { name } of buildGraph(architecture).parameters) {
    const tensor = weights.get(name);
    if (tensor !== undefined) ordered.set(name, tensor);
  }
  return ordered;
}

/**
 * The bytes of a model file.
 * @throws BneckError 'shape' where weights or class names do not fit the architecture, 'option' for an
 *   architecture or preprocessing that cannot be
 */
export function encodeModelFile(file: ModelFile): Uint8Array {
  const architecture = parseArchitecture(file.architecture);
  checkPreprocessing(file.preprocessing);
  if (file.classNames.length !== architecture.classes) {
    const found = `${file.classNames.length} class names for ${architecture.classes} classes`;
    throw new BneckError('shape', `A model cannot be saved with ${found}. Give one name a class.`);
  }
  const misfit = describeMisfit(architecture, file.weights);
  if (misfit !== null) {
    throw new BneckError('shape', `The weights do not fit ${describeArchitecture(architecture)}: ${misfit}.`);
  }
  const { resolution, resize, mean, std } = file.preprocessing;
  return writeSafetensors(inOrder(architecture, file.weights), {
    format: 'pt',
    [KEYS.version]: BNECK_VERSION,
    [KEYS.architecture]: JSON.stringify(architecture),
    [KEYS.classNames]: JSON.stringify(file.classNames),
    [KEYS.preprocessing]: JSON.stringify({ resolution, resize, mean, std }),
    [KEYS.training]: JSON.stringify(file.training),
  });
}

/** A file's metadata, one JSON text at a time; whatever is wrong is told with the file and the key. */
class MetadataReader {
  readonly #name: string;
  readonly #metadata: Readonly<Record<string, string>>;

  constructor(name: string, metadata: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#metadata = metadata;
  }

  fail(key: string, problem: string, cause?: unknown): never {
    const remedy = 'Get the file again, or save the model again with bneck.';
    throw new BneckError('file', `${this.#name}: metadata ${key}: ${problem}. ${remedy}`, { cause });
  }

  json(key: string): unknown {
    const text = this.#metadata[key];
    if (text === undefined) return this.fail(key, 'it is missing');
    try {
      return JSON.parse(text);
    } catch (cause) {
      return this.fail(key, 'it is not JSON', cause);
    }
  }

  /** Runs a check that speaks of options, and lets it speak of this file. */
  checked<T>(key: string, check: () => T): T {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof BneckError)) throw error;
      return this.fail(key, error.message.replace(/\.$/, ''), error);
    }
  }
}

function readClassNames(reader: MetadataReader, classes: number): string[] {
  const key = KEYS.classNames;
  const value = reader.json(key);
  if (!Array.isArray(value)) return reader.fail(key, 'it is not a list');
  if (value.length !== classes) return reader.fail(key, `${value.length} names for ${classes} classes`);
  return value.map((item: unknown, index) => {
    if (typeof item === 'string' && item.length <= LONGEST_CLASS_NAME) return item;
    return reader.fail(key, `name ${index} is not a text of up to ${LONGEST_CLASS_NAME} characters`);
  });
}

function readPreprocessing(reader: MetadataReader): Preprocessing {
  const key = KEYS.preprocessing;
  const value = reader.json(key);
  if (typeof value !== 'object' || value === null) return reader.fail(key, 'it is not an object');
  const entries = new Map<string, unknown>(Object.entries(value));
  const number = (name: string, item: unknown): number =>
    typeof item === 'number' ? item : reader.fail(key, `${name} is not a number`);
  const triple = (name: string): [number, number, number] => {
    const items = entries.get(name);
    if (!Array.isArray(items) || items.length !== 3) return reader.fail(key, `${name} is not a list of three numbers`);
    return [number(name, items[0]), number(name, items[1]), number(name, items[2])];
  };
  const preprocessing: Preprocessing = {
    resolution: number('resolution', entries.get('resolution')),
    resize: number('resize', entries.get('resize')),
    mean: triple('mean'),
    std: triple('std'),
  };
  reader.checked(key, () => checkPreprocessing(preprocessing));
  return preprocessing;
}

function readTraining(reader: MetadataReader): Readonly<Record<string, unknown>> | null {
  const value = reader.json(KEYS.training);
  if (value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value)) return reader.fail(KEYS.training, 'it is not an object');
  return value as Readonly<Record<string, unknown>>;
}

/** Whether a safetensors file says that it is a model of bneck's. */
export function isModelFile({ metadata }: SafetensorsFile): boolean {
  return metadata[KEYS.architecture] !== undefined;
}

/**
 * Reads a model file that bneck saved; everything in it is checked.
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws BneckError 'file' for bytes that are no sound model file, 'unsupported' for a safetensors file
 *   that bneck did not write, 'memory' where it does not fit
 */
export function decodeModelFile(bytes: Uint8Array, name: string): ModelFile {
  return modelFromSafetensors(readSafetensors(bytes, name), name);
}

/** `decodeModelFile` for contents that are read already. */
export function modelFromSafetensors(contents: SafetensorsFile, name: string): ModelFile {
  const { tensors, metadata } = contents;
  if (!isModelFile(contents)) {
    throw new BneckError(
      'unsupported',
      `${name}: a safetensors file, but not one that bneck saved: it does not say which network its ${tensors.size} tensors belong to. Give a model that bneck trained or saved.`,
    );
  }
  const reader = new MetadataReader(name, metadata);
  const value = reader.json(KEYS.architecture);
  const architecture = reader.checked(KEYS.architecture, () => parseArchitecture(value));
  const classNames = readClassNames(reader, architecture.classes);
  const preprocessing = readPreprocessing(reader);
  const training = readTraining(reader);
  const misfit = reader.checked(KEYS.architecture, () => describeMisfit(architecture, tensors));
  if (misfit !== null) {
    const network = describeArchitecture(architecture);
    throw new BneckError('file', `${name}: its tensors do not fit its network (${network}): ${misfit}. Save it again.`);
  }
  return { architecture, classNames, preprocessing, weights: inOrder(architecture, tensors), training };
}
