/**
 * The model a page holds. It lives in a worker of its own, so the page is never blocked; weights stay
 * there, and questions and answers cross as copies. On a cross-origin isolated page (headers
 * `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`) the worker
 * has threads that share memory; elsewhere it is one thread. The answers are the same to the bit, and
 * the same as in Node.
 */
import { BneckError } from '../base/errors.ts';
import type { Pixels } from '../data/pixels.ts';
import type { Preprocessing } from '../data/preprocess.ts';
import type { Architecture } from '../models/architecture.ts';
import type { Classification } from './classification.ts';
import { type CompileOptions, type CreateOptions, checkModelOptions, type LoadOptions } from './model-options.ts';
import type { ModelAnswer, ModelCall, ModelDescription, ModelService } from './model-service.ts';
import type { FloatTensor } from './predictor.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** The page's end of the worker. */
class ModelWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #failed: Error | null = null;

  constructor() {
    this.#worker = new Worker(new URL('./model-worker.browser.js', import.meta.url), { type: 'module', name: 'bneck' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<ModelAnswer>) => this.#settle(data));
    this.#worker.addEventListener('error', ({ message }) => {
      const advice = "Serve bneck's files from the page's own origin, with the headers of the page.";
      this.stop(new BneckError('runtime', `The model's worker failed (${message || 'it did not start'}). ${advice}`));
    });
  }

  #settle({ id, value, error }: ModelAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value as never);
    else if (error.code === null) waiting?.reject(new Error(error.message));
    else waiting?.reject(new BneckError(error.code, error.message));
  }

  call<Name extends keyof ModelService>(
    name: Name,
    parameters: Parameters<ModelService[Name]>,
    transfer: Transferable[] = [],
  ): ReturnType<ModelService[Name]> {
    const answer = new Promise((resolve, reject) => {
      if (this.#failed) return reject(this.#failed);
      const id = this.#calls++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, name, parameters } as ModelCall, transfer);
    });
    return answer as ReturnType<ModelService[Name]>;
  }

  /** Ends the worker and its threads; whoever waits gets the error. */
  stop(error: Error): void {
    this.#failed ??= error;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#failed);
    this.#waiting.clear();
  }
}

export class Model {
  readonly #description: ModelDescription;
  readonly #worker: ModelWorker;

  private constructor(description: ModelDescription, worker: ModelWorker) {
    this.#description = description;
    this.#worker = worker;
  }

  static async #open(describe: (worker: ModelWorker) => Promise<ModelDescription>): Promise<Model> {
    const worker = new ModelWorker();
    try {
      return new Model(await describe(worker), worker);
    } catch (error) {
      worker.stop(new BneckError('runtime', 'The model could not be opened.'));
      throw error;
    }
  }

  /** A model with fresh weights. Throws BneckError('option') where the options do not fit the architecture. */
  static async create(architecture: Architecture, options: CreateOptions = {}): Promise<Model> {
    checkModelOptions(options);
    return Model.#open((worker) => worker.call('create', [architecture, options]));
  }

  /**
   * Reads a model of bneck's, or bare weights of torchvision or timm (`.safetensors`, `.pth`): which network they
   * belong to is found from names and shapes.
   * @param source an address (relative ones are the page's), a picked file, or a file's bytes
   * @throws BneckError 'file' with what is wrong with the file, 'runtime' where workers cannot start
   */
  static async load(source: string | URL | Blob | Uint8Array | ArrayBuffer, options: LoadOptions = {}): Promise<Model> {
    checkModelOptions(options);
    if (typeof source === 'string' || source instanceof URL) {
      const address = new URL(source, location.href).href;
      return Model.#open((worker) => worker.call('load', [address, options]));
    }
    if (source instanceof Blob) return Model.#open((worker) => worker.call('load', [source, options]));
    const bytes = new Uint8Array(source).slice();
    return Model.#open((worker) => worker.call('load', [bytes, options], [bytes.buffer]));
  }

  get architecture(): Architecture {
    return this.#description.architecture;
  }

  get classNames(): readonly string[] {
    return this.#description.classNames;
  }

  get preprocessing(): Preprocessing {
    return this.#description.preprocessing;
  }

  /** How many threads work on an answer: 1 where the page is not cross-origin isolated. */
  get threads(): number {
    return this.#description.threads;
  }

  /**
   * Does now what the first call with a new input shape has to do: plan the program, pack the weights, run once. A
   * shape compiled here stays ready until `dispose`, however many others are met; shapes that were only met make
   * room for each other (`keptShapes`).
   * @throws BneckError 'option' for a shape that cannot be, 'memory' where it does not fit
   */
  compile(options: CompileOptions = {}): Promise<void> {
    return this.#worker.call('compile', [options]);
  }

  /**
   * @param input normalised pictures: shape [N, 3, H, W], any resolution, data row-major
   * @returns logits, shape [N, classes]
   */
  forward({ data, shape }: FloatTensor): Promise<FloatTensor> {
    const copy = data.slice();
    return this.#worker.call('forward', [{ data: copy, shape }], [copy.buffer]);
  }

  /** Logits [count, classes] of preprocessed pictures, bytes [count, resolution, resolution, 3]. */
  forwardBytes(pictures: Uint8Array, count: number): Promise<Float32Array> {
    const copy = pictures.slice();
    return this.#worker.call('forwardBytes', [copy, count], [copy.buffer]);
  }

  /**
   * The classes a picture most likely shows, best first.
   * @param pixels of a picture of any size, such as a canvas' ImageData; alpha is dropped
   * @param options `top`: how many classes, default 5
   */
  classify({ width, height, data }: Pixels, options: { top?: number } = {}): Promise<Classification[]> {
    const copy = data.slice();
    return this.#worker.call('classify', [{ width, height, data: copy }, options.top ?? 5], [copy.buffer]);
  }

  /** Ends the worker and its threads and gives their memory back. */
  async dispose(): Promise<void> {
    this.#worker.stop(new BneckError('runtime', 'The model was disposed of.'));
  }

  [Symbol.dispose](): void {
    void this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
