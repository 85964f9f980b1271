/**
 * Weights on the engine, ready to be asked: one inference program for each input shape it has met,
 * compiled once, the least recently used of them given back. Weights are folded and packed when a
 * program is compiled; they do not change here.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type Shape, type StateDict } from '../base/tensor.ts';
import type { Preprocessing } from '../data/preprocess.ts';
import { buildGraph } from '../graph/build-graph.ts';
import type { Graph } from '../graph/graph.ts';
import { inferShapes } from '../graph/infer-shapes.ts';
import type { Architecture } from '../models/architecture.ts';
import { lowerInference } from '../program/lower-inference.ts';
import { Engine, type LoadedProgram } from '../runtime/engine.ts';
import type { ModelMemory } from '../runtime/model-memory.ts';
import type { ThreadPool } from '../runtime/thread-pool.ts';
import { normalizationCoefficients } from './normalization.ts';

/** A tensor as the public API takes and gives it. */
export interface FloatTensor {
  readonly data: Float32Array;
  readonly shape: Shape;
}

/** Programs kept for shapes met lately. */
const KEPT_PROGRAMS = 4;

export class Predictor {
  readonly #graph: Graph;
  readonly #engine: Engine;
  readonly #model: ModelMemory;
  /** By input kind and shape, the most recently used last. */
  readonly #programs = new Map<string, Promise<LoadedProgram>>();

  constructor(architecture: Architecture, weights: StateDict, pool: ThreadPool) {
    this.#graph = buildGraph(architecture);
    this.#engine = new Engine(pool);
    this.#model = this.#engine.createModel(this.#graph, null);
    this.#model.write(weights);
  }

  #program(input: 'bytes' | 'floats', shape: Shape): Promise<LoadedProgram> {
    const key = `${input} ${formatShape(shape)}`;
    const kept = this.#programs.get(key);
    const program = kept ?? this.#compile(input, shape);
    this.#programs.delete(key);
    this.#programs.set(key, program);
    program.catch(() => this.#programs.delete(key));
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > KEPT_PROGRAMS && oldest !== undefined) {
      const dropped = this.#programs.get(oldest);
      this.#programs.delete(oldest);
      void dropped?.then((loaded) => loaded.dispose()).catch(() => {});
    }
    return program;
  }

  async #compile(input: 'bytes' | 'floats', shape: Shape): Promise<LoadedProgram> {
    inferShapes(this.#graph, shape);
    const loaded = await this.#engine.load(lowerInference(this.#graph, shape, { input }), this.#model);
    await loaded.prepare();
    return loaded;
  }

  /**
   * @param input normalised pictures, NCHW: shape [N, 3, H, W], any H and W
   * @returns logits [N, K]
   * @throws BneckError('shape') where data and shape disagree
   */
  async forward({ data, shape }: FloatTensor): Promise<FloatTensor> {
    if (shape.length !== 4 || shape[1] !== 3 || elementCount(shape) !== data.length) {
      const message = `forward takes pictures of shape [N, 3, H, W]; got shape ${formatShape(shape)} and ${data.length} values.`;
      throw new BneckError('shape', message);
    }
    const program = await this.#program('floats', shape);
    const logits = await program.execute(
      () => writeChannelsLast(program.floats('pictures'), data, shape),
      () => program.floats('logits').slice(),
    );
    return { data: logits, shape: [shape[0] as number, logits.length / (shape[0] as number)] };
  }

  /** Logits [count, K] of pictures as bytes, [count, resolution, resolution, 3], normalised here. */
  async forwardBytes(pictures: Uint8Array, count: number, preprocessing: Preprocessing): Promise<Float32Array> {
    const { resolution, mean, std } = preprocessing;
    const program = await this.#program('bytes', [count, 3, resolution, resolution]);
    return program.execute(
      () => {
        program.bytes('pictures').set(pictures.subarray(0, count * resolution * resolution * 3));
        program.floats('normalization').set(normalizationCoefficients(mean, std));
      },
      () => program.floats('logits').slice(),
    );
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

/** NCHW to NHWC. */
function writeChannelsLast(target: Float32Array, source: Float32Array, shape: Shape): void {
  const [images, channels, height, width] = shape as [number, number, number, number];
  const pixels = height * width;
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const plane = (n * channels + c) * pixels;
      for (let p = 0; p < pixels; p++) target[(n * pixels + p) * channels + c] = source[plane + p] as number;
    }
  }
}
