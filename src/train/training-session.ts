/**
 * The session on the real engine: a training program and, over the same weights, an inference program
 * for validation, both of one batch size.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { normalizationCoefficients } from '../model/normalization.ts';
import type { Architecture } from '../models/architecture.ts';
import { lowerAverage } from '../program/lower-average.ts';
import { lowerInference } from '../program/lower-inference.ts';
import { optimizerStateNames, type UpdateOptions, updateRates } from '../program/lower-optimizer.ts';
import { lowerTraining } from '../program/lower-training.ts';
import type { Program } from '../program/program.ts';
import { Engine, type LoadedProgram } from '../runtime/engine.ts';
import type { ModelMemory } from '../runtime/model-memory.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import type { Session, SessionOptions, SessionState, StepResult } from './session.ts';
import { asMixed, type BatchLabels, targetsOf } from './targets.ts';

interface Programs {
  /** Gradient and update. */
  readonly training: LoadedProgram;
  /** The gradient of a micro-batch that is not the last of its update. */
  readonly accumulation: LoadedProgram | null;
  readonly averaging: LoadedProgram | null;
  readonly inference: LoadedProgram;
}

function updateOf({ optimizer, microBatches, clipNorm, decayNormAndBias }: SessionOptions): UpdateOptions {
  return { optimizer, microBatches, clipNorm, decayNormAndBias };
}

export class TrainingSession implements Session {
  readonly batch: number;
  readonly #options: SessionOptions;
  readonly #engine: Engine;
  readonly #model: ModelMemory;
  readonly #update: UpdateOptions;
  readonly #programs: Programs;
  readonly #normalization: Float32Array;
  #steps = 0;
  /** Micro-batches of the next update that are done. */
  #accumulated = 0;
  #batchesTracked: bigint;
  #prepared = false;

  private constructor(options: SessionOptions, engine: Engine, model: ModelMemory, programs: Programs) {
    this.batch = options.batch;
    this.#options = options;
    this.#engine = engine;
    this.#model = model;
    this.#update = updateOf(options);
    this.#programs = programs;
    this.#normalization = normalizationCoefficients(options.mean, options.std);
    this.#batchesTracked = batchesTracked(options.weights);
  }

  /** @throws BneckError('memory') where the batch does not fit, 'shape' where weights and architecture disagree */
  static async create(options: SessionOptions): Promise<TrainingSession> {
    const { architecture, batch, resolution, optimizer, batchNormMomentum } = options;
    const { planMemory = true, microBatches = 1, keepsAverage = false } = options;
    const graph = buildGraph(architecture);
    const shape = [batch, 3, resolution, resolution];
    const common = { input: 'bytes', batchNormMomentum, planMemory } as const;
    const training = lowerTraining(graph, shape, { ...common, ...updateOf(options) });
    const gradient = { ...common, optimizer: { kind: 'none' }, microBatches } as const;
    const accumulation = microBatches > 1 ? lowerTraining(graph, shape, gradient) : null;
    const inference = lowerInference(graph, shape, { input: 'bytes', planMemory });
    const engine = new Engine(await createThreadPool(options.threads));
    try {
      const optimizerNames = optimizerStateNames(optimizer);
      const model = engine.createModel(graph, { optimizerNames, sumsGradients: microBatches > 1, keepsAverage });
      model.write(options.weights);
      model.average?.write(options.weights);
      return new TrainingSession(options, engine, model, {
        training: await engine.load(training, model),
        accumulation: accumulation && (await engine.load(accumulation, model)),
        averaging: keepsAverage ? await engine.load(lowerAverage(graph), model) : null,
        inference: await engine.load(inference, model.average ?? model),
      });
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
    return this.#programs.training;
  }

  accumulate(pictures: Uint8Array, labels: BatchLabels): Promise<StepResult> {
    const { accumulation } = this.#programs;
    assert(accumulation && this.#accumulated < this.#microBatches - 1, 'an update follows the last micro-batch');
    this.#check(pictures, labels);
    this.#accumulated += 1;
    return this.#run(accumulation, pictures, labels);
  }

  step(pictures: Uint8Array, labels: BatchLabels, learningRate: number): Promise<StepResult> {
    const { training } = this.#programs;
    assert(this.#accumulated === this.#microBatches - 1, 'an update takes all its micro-batches');
    this.#check(pictures, labels);
    this.#accumulated = 0;
    this.#steps += 1;
    const rates = updateRates(this.#model.layout, this.#update, learningRate, this.#steps);
    return this.#run(training, pictures, labels, () => training.floats('rates').set(rates));
  }

  get #microBatches(): number {
    return this.#options.microBatches ?? 1;
  }

  #run(program: LoadedProgram, pictures: Uint8Array, labels: BatchLabels, write = () => {}): Promise<StepResult> {
    const { architecture, labelSmoothing, classWeights = null, seed } = this.#options;
    const targets = targetsOf(labels, { classes: architecture.classes, labelSmoothing, classWeights });
    const pictureBytes = new Uint8Array(pictures);
    this.#batchesTracked += 1n;
    this.#prepared = false;
    // Each micro-batch has dropout's random numbers of its own.
    const batchesDone = this.#steps * this.#microBatches + this.#accumulated;
    return program.execute(
      () => {
        program.bytes('pictures').set(pictureBytes);
        program.floats('normalization').set(this.#normalization);
        program.floats('targets').set(targets);
        if (program.program.ports.dropoutState) {
          program.integers('dropoutState').set([seed | 0, batchesDone]);
        }
        write();
      },
      () => ({ losses: program.floats('losses').slice(), logits: program.floats('logits').slice() }),
    );
  }

  async predict(pictures: Uint8Array, count: number): Promise<Float32Array> {
    this.#checkSize(pictures, this.batch);
    assert(count <= this.batch, 'no more pictures than a batch holds');
    const copy = new Uint8Array(pictures); // slice of a Buffer would be a view
    const { inference } = this.#programs;
    if (!this.#prepared) {
      await inference.prepare();
      this.#prepared = true;
    }
    return inference.execute(
      () => {
        inference.bytes('pictures').set(copy);
        inference.floats('normalization').set(this.#normalization);
      },
      () => inference.floats('logits').slice(0, count * this.#options.architecture.classes),
    );
  }

  #check(pictures: Uint8Array, batchLabels: BatchLabels): void {
    const { labels, partners } = asMixed(batchLabels);
    this.#checkSize(pictures, labels.length);
    const { classes } = this.#options.architecture;
    for (const label of [...labels, ...partners]) {
      if (label >= 0 && label < classes) continue;
      throw new BneckError('data', `The label ${label} is not one of ${classes} classes (0 to ${classes - 1}).`);
    }
  }

  #checkSize(pictures: Uint8Array, count: number): void {
    const { resolution } = this.#options;
    const wanted = this.batch * resolution * resolution * 3;
    if (pictures.length !== wanted || count !== this.batch) {
      const message = `A step takes ${this.batch} pictures of ${resolution}x${resolution} RGB (${wanted} bytes) and their labels; got ${pictures.length} bytes and ${count} labels.`;
      throw new BneckError('shape', message);
    }
  }

  average(decay: number): Promise<void> {
    const { averaging } = this.#programs;
    assert(averaging, 'averages are kept');
    this.#prepared = false;
    return averaging.execute(
      () => averaging.floats('rates').set([decay, 1 - decay]),
      () => {},
    );
  }

  weights(): StateDict {
    return (this.#model.average ?? this.#model).read(this.#batchesTracked);
  }

  state(): SessionState {
    return {
      weights: this.#model.read(this.#batchesTracked),
      optimizer: this.#model.readOptimizer(),
      average: this.#model.average?.read(this.#batchesTracked) ?? null,
    };
  }

  restore({ weights, optimizer, average }: SessionState, steps: number): void {
    assert(this.#accumulated === 0, 'a session is restored between updates');
    assert((average === null) === (this.#model.average === null), 'averages are restored where they are kept');
    this.#model.write(weights);
    this.#model.writeOptimizer(optimizer);
    if (average !== null) this.#model.average?.write(average);
    this.#batchesTracked = batchesTracked(weights);
    this.#steps = steps;
    this.#prepared = false;
  }

  /** The gradients of the last step, as the optimizer took them. */
  gradients(): StateDict {
    return this.#model.readGradients();
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
  const program = lowerTraining(graph, shape, { input: 'bytes', optimizer, microBatches: 2 });
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
