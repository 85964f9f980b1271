/**
 * The model a person holds: an architecture with weights, class names and preprocessing, that can be
 * asked, saved and loaded. Its threads start at the first question and stop at `dispose`.
 */
import { BneckError } from '../base/errors.ts';
import { exp } from '../base/math.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { decodePicture } from '../data/decode.node.ts';
import type { Picture } from '../data/picture.ts';
import { defaultPreprocessing, evaluationPicture, type Preprocessing } from '../data/preprocess.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { initialWeights } from '../graph/initial-weights.ts';
import type { Architecture } from '../models/architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import { encodeModelFile, type ModelFile } from './model-file.ts';
import { type FloatTensor, Predictor } from './predictor.ts';
import { type FetchPretrainedOptions, fetchPretrained } from './pretrained.node.ts';
import { readModelFile } from './read-model-file.node.ts';

export interface ModelOptions {
  /** Threads of the engine; by default one for each core. */
  readonly threads?: number;
}

export interface LoadOptions extends ModelOptions {
  /** Who trained bare weights, where neither their names nor the file's name say it: 'tf' for timm's `tf_` models. */
  readonly lineage?: Lineage | undefined;
}

export interface CreateOptions extends ModelOptions {
  /** Of the initial weights, a whole number in [0, 2^32). Default 0. */
  readonly seed?: number;
  /** One for each class; '0', '1', ... by default. */
  readonly classNames?: readonly string[];
  /** Default: 224 pixels with ImageNet's mean and deviation. */
  readonly preprocessing?: Preprocessing;
}

export interface Classification {
  readonly label: string;
  /** Of the class, in the order of the logits. */
  readonly index: number;
  /** Softmax of the logits. */
  readonly probability: number;
}

export class Model {
  readonly file: ModelFile;
  readonly #threads: number;
  #predictor: Promise<Predictor> | null = null;
  #disposed = false;

  private constructor(file: ModelFile, options: ModelOptions) {
    this.file = file;
    this.#threads = options.threads ?? defaultThreads();
    if (!Number.isInteger(this.#threads) || this.#threads < 1 || this.#threads > 256) {
      throw new BneckError('option', `threads ${this.#threads}: give a whole number from 1 to 256.`);
    }
  }

  /** A model with fresh weights. Throws BneckError('option') where the options do not fit the architecture. */
  static create(architecture: Architecture, options: CreateOptions = {}): Model {
    const { classes } = architecture;
    const classNames = options.classNames ?? Array.from({ length: classes }, (_, index) => String(index));
    if (classNames.length !== classes) {
      throw new BneckError('option', `classNames has ${classNames.length} names for ${classes} classes.`);
    }
    const weights = initialWeights(buildGraph(architecture), options.seed ?? 0);
    const preprocessing = options.preprocessing ?? defaultPreprocessing(224);
    return new Model({ architecture, classNames, preprocessing, weights, training: null }, options);
  }

  /** A model around a file's content. */
  static from(file: ModelFile, options: ModelOptions = {}): Model {
    return new Model(file, options);
  }

  /**
   * Reads a model of bneck's, or bare weights of torchvision or timm (`.safetensors`, `.pth`): which network they
   * belong to is found from names and shapes. Throws BneckError('file') with what is wrong with the file.
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Model> {
    const { file } = await readModelFile(path, { lineage: options.lineage });
    return new Model(file, options);
  }

  /**
   * Published ImageNet weights by name, such as 'mobilenet_v3_large' or 'mobilenet_v3_small-v1', downloaded once
   * into a cache folder. Throws BneckError that says where to put the file by hand where there is no network.
   */
  static async pretrained(name: string, options: ModelOptions & FetchPretrainedOptions = {}): Promise<Model> {
    return Model.load(await fetchPretrained(name, options), options);
  }

  /** Writes the model as one `.safetensors` file, whole or not at all. */
  async save(path: string): Promise<void> {
    await writeFileAtomic(path, encodeModelFile(this.file));
  }

  get architecture(): Architecture {
    return this.file.architecture;
  }

  get classNames(): readonly string[] {
    return this.file.classNames;
  }

  get preprocessing(): Preprocessing {
    return this.file.preprocessing;
  }

  #ready(): Promise<Predictor> {
    if (this.#disposed) return Promise.reject(new BneckError('runtime', 'The model was disposed of.'));
    this.#predictor ??= createThreadPool(this.#threads).then(
      (pool) => new Predictor(this.file.architecture, this.file.weights, pool),
    );
    return this.#predictor;
  }

  /**
   * @param input normalised pictures: shape [N, 3, H, W], any resolution, data row-major
   * @returns logits, shape [N, classes]
   */
  async forward(input: FloatTensor): Promise<FloatTensor> {
    return (await this.#ready()).forward(input);
  }

  /** Logits [count, classes] of preprocessed pictures, bytes [count, resolution, resolution, 3]. */
  async forwardBytes(pictures: Uint8Array, count: number): Promise<Float32Array> {
    return (await this.#ready()).forwardBytes(pictures, count, this.file.preprocessing);
  }

  /**
   * The classes a picture most likely shows, best first.
   * @param image a path, the bytes of a picture file, or decoded pixels
   */
  async classify(image: string | Uint8Array | Picture, options: { top?: number } = {}): Promise<Classification[]> {
    const picture = typeof image === 'string' || image instanceof Uint8Array ? await decodePicture(image) : image;
    const pixels = evaluationPicture(picture, this.file.preprocessing);
    const probabilities = softmax(await this.forwardBytes(pixels, 1));
    return Array.from(probabilities, (probability, index) => {
      return { label: this.file.classNames[index] as string, index, probability };
    })
      .sort((a, b) => b.probability - a.probability || a.index - b.index)
      .slice(0, options.top ?? 5);
  }

  /** Stops the threads. The weights stay. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const predictor = this.#predictor;
    this.#predictor = null;
    await (await predictor?.catch(() => null))?.dispose();
  }

  [Symbol.dispose](): void {
    void this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Probabilities from the logits of one picture, in double precision. */
export function softmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const powers = Float64Array.from(logits, (logit) => exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
