/**
 * Weights on the engine, ready to be asked: one inference program for each input shape it has met,
 * compiled once. Shapes that were compiled on request stay; of the others, those used least recently
 * make room. Weights are folded and packed when a program is compiled; they do not change here.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type Shape, type StateDict } from '../base/tensor.ts';
import type { Picture } from '../data/picture.ts';
import { evaluationPicture, type Preprocessing } from '../data/preprocess.ts';
import { buildGraph } from '../graph/build-graph.ts';
import type { Graph } from '../graph/graph.ts';
import { inferShapes } from '../graph/infer-shapes.ts';
import type { Architecture } from '../models/architecture.ts';
import { type InferenceOptions, lowerInference } from '../program/lower-inference.ts';
import { Engine, type LoadedProgram } from '../runtime/engine.ts';
import type { ModelMemory } from '../runtime/model-memory.ts';
import type { ThreadPool } from '../runtime/thread-pool.ts';
import { normalizationCoefficients } from './normalization.ts';

/** A tensor as the public API takes and gives it. */
export interface FloatTensor {
  readonly data: Float32Array;
  readonly shape: Shape;
}

export interface PredictorOptions {
  /** Shapes met lately whose programs are kept, besides those of `compile`: at least 1. Default 4. */
  readonly keptShapes?: number | undefined;
}

/** What the host writes for a program: bytes that the engine normalises, or floats. */
export type InputKind = InferenceOptions['input'];

interface CompiledShape {
  readonly program: Promise<LoadedProgram>;
  /** Once it is there. */
  loaded?: LoadedProgram;
  /** Asked for by `compile`: never given back. */
  stays: boolean;
}

const DEFAULT_KEPT_SHAPES = 4;

export class Predictor {
  readonly #graph: Graph;
  readonly #engine: Engine;
  readonly #model: ModelMemory;
  readonly #keptShapes: number;
  /** By input kind and shape, the most recently used last. */
  readonly #compiled = new Map<string, CompiledShape>();

  constructor(architecture: Architecture, weights: StateDict, pool: ThreadPool, options: PredictorOptions = {}) {
    this.#keptShapes = options.keptShapes ?? DEFAULT_KEPT_SHAPES;
    this.#graph = buildGraph(architecture);
    this.#engine = new Engine(pool);
    this.#model = this.#engine.createModel(this.#graph, null);
    this.#model.write(weights);
  }

  /** Memory the engine holds, in bytes. */
  get memoryBytes(): number {
    return this.#engine.heap.bytes;
  }

  #shape(input: InputKind, shape: Shape, stays = false): CompiledShape {
    const key = `${input} ${formatShape(shape)}`;
    const known = this.#compiled.get(key);
    const compiled = known ?? { program: this.#load(input, shape), stays };
    compiled.stays ||= stays;
    this.#compiled.delete(key);
    this.#compiled.set(key, compiled);
    if (known === undefined) {
      compiled.program.then(
        (loaded) => {
          compiled.loaded = loaded;
        },
        () => this.#compiled.delete(key),
      );
      this.#makeRoom();
    }
    return compiled;
  }

  #makeRoom(): void {
    const passing = [...this.#compiled].filter(([, { stays }]) => !stays);
    for (const [key, { program }] of passing.slice(0, Math.max(0, passing.length - this.#keptShapes))) {
      this.#compiled.delete(key);
      void program.then((loaded) => loaded.dispose()).catch(() => {});
    }
  }

  async #load(input: InputKind, shape: Shape): Promise<LoadedProgram> {
    inferShapes(this.#graph, shape);
    const loaded = await this.#engine.load(lowerInference(this.#graph, shape, { input }), this.#model);
    await loaded.prepare();
    return loaded;
  }

  /**
   * Plans, packs and runs once what pictures of this shape need, and keeps it until `dispose`.
   * @param shape [N, 3, H, W]
   */
  async compile(input: InputKind, shape: Shape): Promise<LoadedProgram> {
    const program = await this.#shape(input, shape, true).program;
    await program.execute(
      () => program.bytes('pictures').fill(0),
      () => {},
    );
    return program;
  }

  /**
   * @param input normalised pictures, NCHW: shape [N, 3, H, W], any H and W
   * @returns logits [N, K]
   * @throws BneckError('shape') where data and shape disagree
   */
  async forward({ data, shape }: FloatTensor): Promise<FloatTensor> {
    const sound = shape.length === 4 && shape[1] === 3 && shape.every((size) => Number.isInteger(size) && size >= 1);
    if (!sound || elementCount(shape) !== data.length) {
      const message = `forward takes pictures of shape [N, 3, H, W]; got shape ${formatShape(shape)} and ${data.length} values.`;
      throw new BneckError('shape', message);
    }
    const program = await this.#shape('floats', shape).program;
    const logits = await program.execute(
      () => writeChannelsLast(program.floats('pictures'), data, shape),
      () => program.floats('logits').slice(),
    );
    return { data: logits, shape: [shape[0] as number, logits.length / (shape[0] as number)] };
  }

  /**
   * Logits [count, K] of pictures as bytes, [count, resolution, resolution, 3], normalised here. Bytes beyond
   * are left alone: a batch may be filled in part.
   * @throws BneckError('shape') where there are fewer bytes
   */
  async forwardBytes(pictures: Uint8Array, count: number, preprocessing: Preprocessing): Promise<Float32Array> {
    const { resolution } = preprocessing;
    const pictureBytes = resolution * resolution * 3;
    if (!Number.isInteger(count) || count < 1 || pictures.length < count * pictureBytes) {
      const message = `${count} pictures of ${resolution}x${resolution} RGB are ${count * pictureBytes} bytes; got ${pictures.length}.`;
      throw new BneckError('shape', message);
    }
    const program = await this.#shape('bytes', [count, 3, resolution, resolution]).program;
    return logitsOfBytes(program, preprocessing, (input) => input.set(pictures.subarray(0, count * pictureBytes)));
  }

  /**
   * Logits [K] of one picture of any size, prepared as `evaluationPicture` does before this returns: straight into the
   * engine's memory where that is free.
   */
  forwardPicture(picture: Picture, preprocessing: Preprocessing): Promise<Float32Array> {
    const { resolution } = preprocessing;
    const program = this.#engine.busy ? undefined : this.#shape('bytes', [1, 3, resolution, resolution]).loaded;
    if (program === undefined) return this.forwardBytes(preparedCopy(picture, preprocessing), 1, preprocessing);
    return logitsOfBytes(program, preprocessing, (input) => evaluationPicture(picture, preprocessing, input));
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

/** `evaluationPicture` in bytes of its own, also where there is nothing to do. */
export function preparedCopy(picture: Picture, preprocessing: Preprocessing): Uint8Array {
  return evaluationPicture(picture, preprocessing, new Uint8Array(preprocessing.resolution ** 2 * 3));
}

/** Runs a program of pictures as bytes, which `write` writes. */
function logitsOfBytes(
  program: LoadedProgram,
  { mean, std }: Preprocessing,
  write: (input: Uint8Array) => void,
): Promise<Float32Array> {
  return program.execute(
    () => {
      write(program.bytes('pictures'));
      program.floats('normalization').set(normalizationCoefficients(mean, std));
    },
    () => program.floats('logits').slice(),
  );
}

/** NCHW to NHWC, three channels. */
function writeChannelsLast(target: Float32Array, source: Float32Array, shape: Shape): void {
  const [images, , height, width] = shape as [number, number, number, number];
  const pixels = height * width;
  for (let image = 0, write = 0; image < images; image++) {
    const red = 3 * image * pixels;
    const green = red + pixels;
    const blue = green + pixels;
    for (let pixel = 0; pixel < pixels; pixel++, write += 3) {
      target[write] = source[red + pixel] as number;
      target[write + 1] = source[green + pixel] as number;
      target[write + 2] = source[blue + pixel] as number;
    }
  }
}
