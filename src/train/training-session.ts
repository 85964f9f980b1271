/**
 * The session on the real engine: a training program and, over the same weights, an inference program
 * for validation, both of one batch size.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { normalizationCoefficients } from '../model/normalization.ts';
import type { Architecture } from '../models/architecture.ts';
import { lowerInference } from '../program/lower-inference.ts';
import { optimizerRates, optimizerStateNames } from '../program/lower-optimizer.ts';
import { lowerTraining } from '../program/lower-training.ts';
import type { Program } from '../program/program.ts';
import { Engine, type LoadedProgram } from '../runtime/engine.ts';
import type { ModelMemory } from '../runtime/model-memory.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import type { Session, SessionOptions, StepResult } from './session.ts';

export class TrainingSession implements Session {
  readonly batch: number;
  readonly #options: SessionOptions;
  readonly #engine: Engine;
  readonly #model: ModelMemory;
  readonly #training: LoadedProgram;
  readonly #inference: LoadedProgram;
  readonly #normalization: Float32Array;
  #steps = 0;
  #batchesTracked: bigint;
  #prepared = false;

  private constructor(
    options: SessionOptions,
    engine: Engine,
    model: ModelMemory,
    training: LoadedProgram,
    inference: LoadedProgram,
  ) {
    this.batch = options.batch;
    this.#options = options;
    this.#engine = engine;
    this.#model = model;
    this.#training = training;
    this.#inference = inference;
    this.#normalization = normalizationCoefficients(options.mean, options.std);
    this.#batchesTracked = batchesTracked(options.weights);
  }

  /** @throws BneckError('memory') where the batch does not fit, 'shape' where weights and architecture disagree */
  static async create(options: SessionOptions): Promise<TrainingSession> {
    const {
      architecture,
      batch,
      resolution,
      optimizer,
      labelSmoothing,
      batchNormMomentum,
      planMemory = true,
    } = options;
    const graph = buildGraph(architecture);
    const shape = [batch, 3, resolution, resolution];
    const trainingOptions = { input: 'bytes', labelSmoothing, optimizer, batchNormMomentum, planMemory } as const;
    const training = lowerTraining(graph, shape, trainingOptions);
    const inference = lowerInference(graph, shape, { input: 'bytes', planMemory });
    const engine = new Engine(await createThreadPool(options.threads));
    try {
      const model = engine.createModel(graph, optimizerStateNames(optimizer));
      model.write(options.weights);
      const [first, second] = [await engine.load(training, model), await engine.load(inference, model)];
      return new TrainingSession(options, engine, model, first, second);
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  get steps(): number {
    return this.#steps;
  }

  get memoryBytes(): number {
    return this.#engine.heap.bytes;
  }

  /** The training program, with its profile. */
  get program(): LoadedProgram {
    return this.#training;
  }

  step(pictures: Uint8Array, labels: Int32Array, learningRate: number): Promise<StepResult> {
    this.#check(pictures, labels.length);
    const { classes } = this.#options.architecture;
    for (const label of labels) {
      if (label < 0 || label >= classes) {
        throw new BneckError('data', `The label ${label} is not one of ${classes} classes (0 to ${classes - 1}).`);
      }
    }
    const [pictureBytes, labelValues] = [new Uint8Array(pictures), new Int32Array(labels)];
    const program = this.#training;
    return program.execute(
      () => {
        this.#steps += 1;
        this.#batchesTracked += 1n;
        this.#prepared = false;
        program.bytes('pictures').set(pictureBytes);
        program.floats('normalization').set(this.#normalization);
        program.integers('labels').set(labelValues);
        program.floats('rates').set(optimizerRates(this.#options.optimizer, learningRate, this.#steps));
        if (program.program.ports.dropoutState) {
          program.integers('dropoutState').set([this.#options.seed | 0, this.#steps]);
        }
      },
      () => ({ losses: program.floats('losses').slice(), logits: program.floats('logits').slice() }),
    );
  }

  async predict(pictures: Uint8Array, count: number): Promise<Float32Array> {
    this.#check(pictures, this.batch);
    assert(count <= this.batch, 'no more pictures than a batch holds');
    const copy = new Uint8Array(pictures); // slice of a Buffer would be a view
    if (!this.#prepared) {
      await this.#inference.prepare();
      this.#prepared = true;
    }
    return this.#inference.execute(
      () => {
        this.#inference.bytes('pictures').set(copy);
        this.#inference.floats('normalization').set(this.#normalization);
      },
      () => this.#inference.floats('logits').slice(0, count * this.#options.architecture.classes),
    );
  }

  #check(pictures: Uint8Array, count: number): void {
    const { resolution } = this.#options;
    const wanted = this.batch * resolution * resolution * 3;
    if (pictures.length !== wanted || count !== this.batch) {
      const message = `A step takes ${this.batch} pictures of ${resolution}x${resolution} RGB (${wanted} bytes) and their labels; got ${pictures.length} bytes and ${count} labels.`;
      throw new BneckError('shape', message);
    }
  }

  weights(): StateDict {
    return this.#model.read(this.#batchesTracked);
  }

  /** The gradients of the last step. */
  gradients(): StateDict {
    return this.#model.readGradients();
  }

  optimizerState(): StateDict {
    return this.#model.readOptimizer();
  }

  restore(weights: StateDict, optimizerState: StateDict, steps: number): void {
    this.#model.write(weights);
    this.#model.writeOptimizer(optimizerState);
    this.#batchesTracked = batchesTracked(weights);
    this.#steps = steps;
    this.#prepared = false;
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

/** How many batches the running statistics have seen; all layers agree. */
function batchesTracked(weights: StateDict): bigint {
  for (const tensor of weights.values()) if (tensor.dtype === 'int64') return (tensor.data as BigInt64Array)[0] ?? 0n;
  return 0n;
}

/** Bytes of engine memory that training at this batch takes, scratch memory for `threads` included. */
export function trainingBytes(architecture: Architecture, resolution: number, batch: number, threads: number): number {
  const graph = buildGraph(architecture);
  const optimizer = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;
  const shape = [batch, 3, resolution, resolution];
  const program = lowerTraining(graph, shape, { input: 'bytes', labelSmoothing: 0, optimizer });
  const kept = program.buffers.filter((buffer) => buffer.region !== 'arena' && buffer.region !== 'program');
  return programBytes(program, threads) + kept.reduce((sum, buffer) => sum + buffer.bytes, 0);
}

function programBytes(program: Program, threads: number): number {
  return program.arenaBytes + program.programBytes + program.scratchBytes * threads;
}

/** The largest batch whose training fits `limitBytes`; 0 if not even 2 pictures do. */
export function largestBatch(architecture: Architecture, resolution: number, limitBytes: number, threads = 8): number {
  const fits = (batch: number) => trainingBytes(architecture, resolution, batch, threads) <= limitBytes;
  if (!fits(2)) return 0;
  let [low, high] = [2, 4];
  while (high <= 65536 && fits(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
