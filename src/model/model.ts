/**
 * The model a person holds: an architecture with weights, class names and preprocessing, that can be
 * asked, saved and loaded. Its threads start at the first question, or while its file is read, and stop
 * at `dispose`. What not every program needs (decoding, downloads) is loaded when it is asked for.
 */
import { BneckError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { decodePicture } from '../data/decode.node.ts';
import { type Pixels, pictureFromPixels } from '../data/pixels.ts';
import type { Preprocessing } from '../data/preprocess.ts';
import type { Architecture } from '../models/architecture.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import type { ThreadPool } from '../runtime/thread-pool.ts';
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
import { type FloatTensor, Predictor, preparedCopy } from './predictor.ts';
import type { FetchPretrainedOptions } from './pretrained.node.ts';
import { readModelFile } from './read-model-file.node.ts';

export class Model {
  readonly file: ModelFile;
  readonly #options: ModelOptions;
  #pool: Promise<ThreadPool> | null;
  #predictor: Promise<Predictor> | null = null;
  #disposed = false;
  /** Once it is there. */
  #warm: Predictor | null = null;

  private constructor(file: ModelFile, options: ModelOptions, pool: Promise<ThreadPool> | null = null) {
    checkModelOptions(options);
    this.file = file;
    this.#options = options;
    this.#pool = pool;
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
    checkModelOptions(options);
    const pool = startThreads(options);
    try {
      const { file } = await readModelFile(path, { lineage: options.lineage });
      return new Model(file, options, pool);
    } catch (error) {
      void pool.then((started) => started.dispose()).catch(() => {});
      throw error;
    }
  }

  /**
   * Published ImageNet weights by name, such as 'mobilenet_v3_large' or 'mobilenet_v3_small-v1', downloaded once
   * into a cache folder. Throws BneckError that says where to put the file by hand where there is no network.
   */
  static async pretrained(name: string, options: ModelOptions & FetchPretrainedOptions = {}): Promise<Model> {
    const { fetchPretrained } = await import('./pretrained.node.ts');
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
    this.#pool ??= startThreads(this.#options);
    this.#predictor ??= this.#pool.then((pool) => {
      const predictor = new Predictor(this.file.architecture, this.file.weights, pool, this.#options);
      if (!this.#disposed) this.#warm = predictor;
      return predictor;
    });
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
   * @param image a path, the bytes of a picture file, or decoded pixels, which may be changed once this was called
   * @param options `top`: how many classes, default 5
   * @throws BneckError 'image' with what is wrong with the picture
   */
  async classify(image: string | Uint8Array | Pixels, options: { top?: number } = {}): Promise<Classification[]> {
    const encoded = typeof image === 'string' || image instanceof Uint8Array;
    const picture = encoded ? await decodePicture(image) : pictureFromPixels(image);
    const { preprocessing, classNames } = this.file;
    // pixels are read before this returns, so that the caller may go on to change them
    const logits = await (this.#warm?.forwardPicture(picture, preprocessing) ??
      this.forwardBytes(preparedCopy(picture, preprocessing), 1));
    return likeliestClasses(logits, classNames, options.top ?? 5);
  }

  /** Stops the threads. The weights stay. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const [pool, predictor] = [this.#pool, this.#predictor];
    this.#pool = null;
    this.#predictor = null;
    this.#warm = null;
    const stopped = predictor?.then((asked) => asked.dispose()) ?? Promise.reject();
    await stopped.catch(async () => (await pool)?.dispose()).catch(() => {});
  }

  [Symbol.dispose](): void {
    void this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Threads that start while the caller goes on. */
function startThreads(options: ModelOptions): Promise<ThreadPool> {
  const pool = createThreadPool(options.threads ?? defaultThreads());
  pool.catch(() => {}); // the first question tells
  return pool;
}
