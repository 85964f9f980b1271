/**
 * A small engine for trainer tests: weights of a real (tiny) architecture, of which only the last
 * layer's bias is trained, by a rule that depends on every pixel, label, learning rate and on the
 * optimizer's memory. If the trainer loses, repeats or reorders anything, the bits differ.
 */
import { BneckError } from '../../src/base/errors.ts';
import { float32Tensor, type StateDict } from '../../src/base/tensor.ts';
import { type DataSource, memoryDataset } from '../../src/data/dataset.ts';
import type { Picture } from '../../src/data/picture.ts';
import type { TrainingEngine } from '../../src/train/run-setup.node.ts';
import type { Session, SessionOptions, SessionState, StepResult } from '../../src/train/session.ts';
import { asMixed, type BatchLabels } from '../../src/train/targets.ts';

const BIAS = 'classifier.3.bias';

function copy(state: StateDict): StateDict {
  return new Map([...state].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }])) as StateDict;
}

export interface FakeOptions {
  /** Called before each step with its number from 1; may throw. */
  readonly beforeStep?: (step: number) => void;
  /** Called before the features of each batch. */
  readonly beforeFeatures?: () => void;
  /** Called before each prediction. */
  readonly beforePredict?: () => void;
  /** The step, from 1, whose loss is not a number. */
  readonly divergeAt?: number;
  readonly largest?: number;
}

class FakeSession implements Session {
  readonly batch: number;
  readonly memoryBytes = 1000;
  steps = 0;
  accumulated = 0;
  readonly featureCount = 2;
  #optimizerSteps = 0;
  disposed = false;
  readonly #options: SessionOptions;
  readonly #fake: FakeOptions;
  #weights: StateDict;
  #velocity: Float32Array;
  #averageBias: Float32Array;
  readonly #pulls: Float32Array;

  constructor(options: SessionOptions, fake: FakeOptions) {
    this.#options = options;
    this.#fake = fake;
    this.batch = options.batch;
    this.#weights = copy(options.weights);
    this.#velocity = new Float32Array(options.architecture.classes);
    this.#pulls = new Float32Array(options.architecture.classes);
    this.#averageBias = this.#bias.slice();
  }

  get #bias(): Float32Array {
    return this.#weights.get(BIAS)?.data as Float32Array;
  }

  /** What predictions are made with. */
  get #judged(): Float32Array {
    return this.#options.keepsAverage ? this.#averageBias : this.#bias;
  }

  #brightness(pictures: Uint8Array, place: number): number {
    const bytes = this.#options.resolution ** 2 * 3;
    let sum = 0;
    for (let i = 0; i < bytes; i++) sum += (pictures[place * bytes + i] as number) * (1 + (i % 7));
    return sum / bytes / 1024;
  }

  #logits(pictures: Uint8Array, count: number, bias = this.#bias): Float32Array {
    const { classes } = this.#options.architecture;
    const logits = new Float32Array(count * classes);
    for (let place = 0; place < count; place++) {
      const light = this.#brightness(pictures, place);
      for (let c = 0; c < classes; c++) {
        logits[place * classes + c] = (bias[c] as number) - (light - c / classes) ** 2;
      }
    }
    return logits;
  }

  /** The pull on each class's bias. */
  #gradient(pictures: Uint8Array, batchLabels: BatchLabels): void {
    const { labels, partners, share } = asMixed(batchLabels);
    for (let place = 0; place < this.batch; place++) {
      const pull = this.#brightness(pictures, place);
      for (const [label, part] of [
        [labels[place], share],
        [partners[place], 1 - share],
      ] as [number, number][]) {
        this.#pulls[label] = (this.#pulls[label] as number) + part * pull;
      }
    }
  }

  async accumulate(pictures: Uint8Array, labels: BatchLabels): Promise<StepResult> {
    this.#fake.beforeStep?.(this.steps + 1);
    this.#gradient(pictures, labels);
    this.accumulated += 1;
    return { losses: new Float32Array(this.batch), logits: this.#logits(pictures, this.batch) };
  }

  async step(pictures: Uint8Array, labels: BatchLabels, learningRate: number): Promise<StepResult> {
    const taken = pictures.slice();
    await Promise.resolve();
    this.#fake.beforeStep?.(this.steps + 1);
    this.steps += 1;
    this.#optimizerSteps += 1;
    this.accumulated = 0;
    const logits = this.#logits(taken, this.batch);
    const losses = Float32Array.from({ length: this.batch }, (_, place) => 1 / (this.steps + place + 1));
    if (this.#fake.divergeAt === this.steps) losses[0] = Number.NaN;
    this.#gradient(taken, labels);
    this.#pulls.forEach((pull, label) => {
      const kick = this.#options.seed / 100 / this.#optimizerSteps;
      this.#velocity[label] = 0.9 * (this.#velocity[label] as number) + pull + kick;
      this.#bias[label] = (this.#bias[label] as number) - learningRate * (this.#velocity[label] as number);
    });
    this.#pulls.fill(0);
    return { losses, logits };
  }

  async predict(pictures: Uint8Array, count: number): Promise<Float32Array> {
    this.#fake.beforePredict?.();
    return this.#logits(pictures, count, this.#judged);
  }

  async features(pictures: Uint8Array, count: number): Promise<Float32Array> {
    this.#fake.beforeFeatures?.();
    const light = (place: number) => this.#brightness(pictures, place);
    return Float32Array.from({ length: 2 * count }, (_, at) => light(at >> 1) * ((at & 1) + 1));
  }

  /** The bias of one class each time, by all features. */
  async stepHead(features: Float32Array, batchLabels: BatchLabels, learningRate: number): Promise<StepResult> {
    this.#fake.beforeStep?.(this.steps + 1);
    this.steps += 1;
    this.#optimizerSteps += 1;
    const { labels } = asMixed(batchLabels);
    labels.forEach((label, place) => {
      const pull = (features[2 * place] as number) * (features[2 * place + 1] as number);
      this.#velocity[label] = 0.5 * (this.#velocity[label] as number) + pull / this.#optimizerSteps;
      this.#bias[label] = (this.#bias[label] as number) + learningRate * (this.#velocity[label] as number);
    });
    const { classes } = this.#options.architecture;
    const losses = Float32Array.from(labels, (_, place) => 2 / (this.steps + place + 1));
    return { losses, logits: new Float32Array(labels.length * classes) };
  }

  restartOptimizer(): void {
    this.#velocity.fill(0);
    this.#optimizerSteps = 0;
  }

  async average(decay: number): Promise<void> {
    this.#bias.forEach((value, label) => {
      this.#averageBias[label] = decay * (this.#averageBias[label] as number) + (1 - decay) * value;
    });
  }

  weights(): StateDict {
    return this.#options.keepsAverage ? this.#averaged() : copy(this.#weights);
  }

  #averaged(): StateDict {
    return copy(this.#weights).set(BIAS, float32Tensor([this.#averageBias.length], this.#averageBias.slice()));
  }

  state(): SessionState {
    const velocity = float32Tensor([this.#velocity.length], this.#velocity.slice());
    return {
      weights: copy(this.#weights),
      optimizer: new Map([[`${BIAS}.velocity`, velocity]]),
      average: this.#options.keepsAverage ? this.#averaged() : null,
    };
  }

  restore({ weights, optimizer, average }: SessionState, steps: number, optimizerSteps = steps): void {
    this.#optimizerSteps = optimizerSteps;
    this.#weights = copy(weights);
    this.#velocity = Float32Array.from(optimizer.get(`${BIAS}.velocity`)?.data as Float32Array);
    if (average !== null) this.#averageBias = Float32Array.from(average.get(BIAS)?.data as Float32Array);
    this.steps = steps;
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

export function fakeEngine(fake: FakeOptions = {}): TrainingEngine & { readonly sessions: FakeSession[] } {
  const sessions: FakeSession[] = [];
  return {
    sessions,
    createSession: async (options) => {
      const session = new FakeSession(options, fake);
      sessions.push(session);
      return session;
    },
    largestBatch: () => fake.largest ?? 65536,
  };
}

/** A 9 x 8 picture of noise. */
function noise(seed: number): Picture {
  const data = Uint8Array.from(
    { length: 9 * 8 * 3 },
    (_, i) => (Math.imul(i + 1, 2654435761 + seed * 97) >>> 24) & 255,
  );
  return { width: 9, height: 8, data };
}

export interface FakeData {
  readonly classes?: readonly string[];
  readonly train?: number;
  readonly validation?: number;
  /** Numbers of training pictures that cannot be read. */
  readonly bad?: readonly number[];
  readonly firstSeed?: number;
}

/** Data in memory: pictures of noise, classes in turn. */
export function fakeData(options: FakeData = {}): DataSource {
  const { classes = ['a', 'b', 'c'], train = 20, validation = 7, bad = [], firstSeed = 0 } = options;
  const part = (title: string, count: number, first: number) => {
    const pictures = Array.from({ length: count }, (_, index) => noise(first + index));
    const labels = pictures.map((_, index) => index % classes.length);
    return memoryDataset(
      classes,
      pictures,
      labels,
      pictures.map((_, index) => `${title}-${index}.png`),
    );
  };
  const good = part('train', train, firstSeed);
  const read = async (index: number) => {
    if (!bad.includes(index)) return good.read(index);
    throw new BneckError('image', `${good.name(index)}: cut off; replace or remove it, or have bad pictures skipped`);
  };
  return {
    kind: 'class-folders',
    path: 'memory',
    classes,
    train: { ...good, read },
    validation: part('validation', validation, 1000),
    ignored: 0,
  };
}
