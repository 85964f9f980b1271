/**
 * The session on the real engine: programs for training, averaging and inference over one model, all of
 * one batch size.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { normalizationCoefficients } from '../model/normalization.ts';
import { optimizerStateNames, type UpdateOptions, updateRates } from '../program/lower-optimizer.ts';
import { Engine, type LoadedProgram } from '../runtime/engine.ts';
import type { ModelMemory } from '../runtime/model-memory.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import type { Session, SessionOptions, SessionState, StepResult } from './session.ts';
import { loadPrograms, type SessionPrograms } from './session-programs.ts';
import { asMixed, type BatchLabels, targetsOf } from './targets.ts';

export class TrainingSession implements Session {
  readonly batch: number;
  readonly #options: SessionOptions;
  readonly #engine: Engine;
  readonly #model: ModelMemory;
  readonly #programs: SessionPrograms;
  readonly #normalization: Float32Array;
  #steps = 0;
  /** Updates before the optimizer was started anew. */
  #stepsBeforeOptimizer = 0;
  #accumulated = 0;
  #batchesTracked: bigint;
  /** Programs whose packed weights are those of now. */
  readonly #prepared = new Set<LoadedProgram>();

  private constructor(options: SessionOptions, engine: Engine, model: ModelMemory, programs: SessionPrograms) {
    this.batch = options.batch;
    this.#options = options;
    this.#engine = engine;
    this.#model = model;
    this.#programs = programs;
    this.#normalization = normalizationCoefficients(options.mean, options.std);
    this.#batchesTracked = batchesTracked(options.weights);
  }

  /** @throws BneckError('memory') where the batch does not fit, 'shape' where weights and architecture disagree */
  static async create(options: SessionOptions): Promise<TrainingSession> {
    const { architecture, optimizer, microBatches = 1, keepsAverage = false } = options;
    const graph = buildGraph(architecture);
    const engine = new Engine(await createThreadPool(options.threads));
    try {
      const optimizerNames = optimizerStateNames(optimizer);
      const model = engine.createModel(graph, { optimizerNames, sumsGradients: microBatches > 1, keepsAverage });
      model.write(options.weights);
      model.average?.write(options.weights);
      return new TrainingSession(options, engine, model, await loadPrograms(engine, model, graph, options));
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  get steps(): number {
    return this.#steps;
  }

  get accumulated(): number {
    return this.#accumulated;
  }

  get featureCount(): number {
    return this.#head.featureCount;
  }

  get #head() {
    const { head } = this.#programs;
    assert(head, 'the session trains the head');
    return head;
  }

  get memoryBytes(): number {
    return this.#engine.heap.bytes;
  }

  /** The training program, with its profile. */
  get program(): LoadedProgram {
    return this.#programs.training.program;
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
    const rates = this.#nextRates(training.update, learningRate);
    return this.#run(training.program, pictures, labels, () => training.program.floats('rates').set(rates));
  }

  stepHead(features: Float32Array, labels: BatchLabels, learningRate: number): Promise<StepResult> {
    const { training, featureCount } = this.#head;
    assert(this.#accumulated === 0, 'the head is trained between updates');
    const pictures = this.batch * this.#microBatches;
    assert(features.length === pictures * featureCount, `features of ${pictures} pictures`);
    this.#checkLabels(labels, pictures);
    const rates = this.#nextRates(training.update, learningRate);
    return this.#execute(training.program, labels, () => {
      training.program.floats('features').set(features);
      training.program.floats('rates').set(rates);
    });
  }

  /** Counts an update, and gives what it takes from step to step. */
  #nextRates(update: UpdateOptions, learningRate: number): Float32Array {
    this.#steps += 1;
    return updateRates(this.#model.layout, update, learningRate, this.#steps - this.#stepsBeforeOptimizer);
  }

  restartOptimizer(): void {
    this.#model.clearOptimizer();
    this.#stepsBeforeOptimizer = this.#steps;
  }

  get #microBatches(): number {
    return this.#options.microBatches ?? 1;
  }

  #run(program: LoadedProgram, pictures: Uint8Array, labels: BatchLabels, write = () => {}): Promise<StepResult> {
    this.#batchesTracked += 1n;
    return this.#execute(program, labels, () => {
      program.bytes('pictures').set(pictures);
      program.floats('normalization').set(this.#normalization);
      write();
    });
  }

  /** Runs a program that ends in the loss. */
  #execute(program: LoadedProgram, labels: BatchLabels, write: () => void): Promise<StepResult> {
    const { architecture, labelSmoothing, classWeights = null, seed } = this.#options;
    const targets = targetsOf(labels, { classes: architecture.classes, labelSmoothing, classWeights });
    this.#prepared.clear();
    // Each micro-batch has dropout's random numbers of its own.
    const batchesDone = this.#steps * this.#microBatches + this.#accumulated;
    return program.execute(
      () => {
        program.floats('targets').set(targets);
        if (program.program.ports.dropoutState) program.integers('dropoutState').set([seed | 0, batchesDone]);
        write();
      },
      () => ({ losses: program.floats('losses').slice(), logits: program.floats('logits').slice() }),
    );
  }

  predict(pictures: Uint8Array, count: number): Promise<Float32Array> {
    return this.#infer(this.#programs.inference, pictures, count, this.#options.architecture.classes);
  }

  features(pictures: Uint8Array, count: number): Promise<Float32Array> {
    return this.#infer(this.#head.backbone, pictures, count, this.featureCount);
  }

  /** @param width numbers a picture that the program gives */
  async #infer(program: LoadedProgram, pictures: Uint8Array, count: number, width: number): Promise<Float32Array> {
    this.#checkSize(pictures, this.batch);
    assert(count <= this.batch, 'no more pictures than a batch holds');
    if (!this.#prepared.has(program)) {
      await program.prepare();
      this.#prepared.add(program);
    }
    return program.execute(
      () => {
        program.bytes('pictures').set(pictures);
        program.floats('normalization').set(this.#normalization);
      },
      () => program.floats('logits').slice(0, count * width),
    );
  }

  #check(pictures: Uint8Array, labels: BatchLabels): void {
    this.#checkSize(pictures, asMixed(labels).labels.length);
    this.#checkLabels(labels, this.batch);
  }

  #checkLabels(batchLabels: BatchLabels, count: number): void {
    const { labels, partners } = asMixed(batchLabels);
    assert(labels.length === count, `labels of ${count} pictures`);
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
    this.#prepared.clear();
    return averaging.execute(
      () => averaging.floats('rates').set([decay, 1 - decay]),
      () => {},
    );
  }

  weights(): StateDict {
    return (this.#model.average ?? this.#model).read(this.#batchesTracked);
  }

  state(): SessionState {
    assert(this.#accumulated === 0, 'a session is saved between updates');
    return {
      weights: this.#model.read(this.#batchesTracked),
      optimizer: this.#model.readOptimizer(),
      average: this.#model.average?.read(this.#batchesTracked) ?? null,
    };
  }

  restore({ weights, optimizer, average }: SessionState, steps: number, optimizerSteps = steps): void {
    assert(this.#accumulated === 0, 'a session is restored between updates');
    assert((average === null) === (this.#model.average === null), 'averages are restored where they are kept');
    this.#model.write(weights);
    this.#model.writeOptimizer(optimizer);
    if (average !== null) this.#model.average?.write(average);
    this.#batchesTracked = batchesTracked(weights);
    this.#steps = steps;
    this.#stepsBeforeOptimizer = steps - optimizerSteps;
    this.#prepared.clear();
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
