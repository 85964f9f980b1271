/**
 * The model a person holds: an architecture with weights, class names and preprocessing, that can be
 * asked, saved and loaded. Its threads start at the first question and stop at `dispose`.
 */
import { BneckError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { decodePicture } from '../data/decode.node.ts';
import type { Picture } from '../data/picture.ts';
import { evaluationPicture, type Preprocessing } from '../data/preprocess.ts';
import type { Architecture } from '../models/architecture.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import { type Classification, likeliestClasses } from './classification.ts';
import { encodeModelFile, type ModelFile } from './model-file.ts';
import {
  type CompileOptions,
  type CreateOptions,
  checkModelOptions,
  freshModel,
  inputToCompile,
  type LoadOptions,
  type ModelOptions,
} from './model-options.ts';
import { type FloatTensor, Predictor } from './predictor.ts';
import { type FetchPretrainedOptions, fetchPretrained } from './pretrained.node.ts';
import { readModelFile } from './read-model-file.node.ts';

export class Model {
  readonly file: ModelFile;
  readonly #options: ModelOptions;
  #predictor: Promise<Predictor> | null = null;
  #disposed = false;

  private constructor(file: ModelFile, options: ModelOptions) {
    checkModelOptions(options);
    this.file = file;
    this.#options = options;
  }

  /** A model with fresh weights. Throws BneckError('option') where the options do not fit the architecture. */
  static create(architecture: Architecture, options: CreateOptions = {}): Model {
    return new Model(freshModel(architecture, options), options);
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
    this.#predictor ??= createThreadPool(this.#options.threads ?? defaultThreads()).then(
      (pool) => new Predictor(this.file.architecture, this.file.weights, pool, this.#options),
    );
    return this.#predictor;
  }

  /**
   * Does now what the first call with a new input shape has to do: start the threads, plan the program, pack the
   * weights, run once. A shape compiled here stays ready until `dispose`, however many others are met; shapes that
   * were only met make room for each other (`keptShapes`).
   * @throws BneckError 'option' for a shape that cannot be, 'memory' where it does not fit
   */
  async compile(options: CompileOptions = {}): Promise<void> {
    const { input, shape } = inputToCompile(options, this.file.preprocessing.resolution);
    await (await this.#ready()).compile(input, shape);
  }

  /**
   * Takes the tensor as it is when its turn comes: leave it unchanged until the answer is there.
   * @param input normalised pictures: shape [N, 3, H, W], any resolution, data row-major
   * @returns logits, shape [N, classes]
   */
  async forward(input: FloatTensor): Promise<FloatTensor> {
    return (await this.#ready()).forward(input);
  }

  /**
   * Logits [count, classes] of preprocessed pictures, bytes [count, resolution, resolution, 3]; bytes beyond are
   * not looked at. Leave the bytes unchanged until the answer is there.
   */
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
    return likeliestClasses(await this.forwardBytes(pixels, 1), this.file.classNames, options.top ?? 5);
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
