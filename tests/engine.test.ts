/**
 * Whole networks on the engine against the oracle (src/graph/reference.ts, double precision): logits,
 * losses, every gradient and the running statistics of one training step, and inference after it. And
 * the promise of equal bits: any number of threads, planner on or off.
 */
import { describe, expect, test } from 'vitest';
import { RandomStream } from '../src/base/random.ts';
import type { StateDict } from '../src/base/tensor.ts';
import { buildGraph } from '../src/graph/build-graph.ts';
import type { Graph } from '../src/graph/graph.ts';
import { initialWeights } from '../src/graph/initial-weights.ts';
import type { ReferenceTensor } from '../src/graph/op.ts';
import { referenceForward, referenceStep } from '../src/graph/reference.ts';
import { referenceState, referenceTensor } from '../src/graph/reference-tensor.ts';
import type { Architecture } from '../src/models/architecture.ts';
import { mobilenetV2 } from '../src/models/mobilenet-v2.ts';
import { mobilenetV3 } from '../src/models/mobilenet-v3.ts';
import { lowerInference } from '../src/program/lower-inference.ts';
import type { OptimizerOptions } from '../src/train/session.ts';
import { TrainingSession } from '../src/train/training-session.ts';

const MEAN = [0.485, 0.456, 0.406] as const;
const STD = [0.229, 0.224, 0.225] as const;
const SGD: OptimizerOptions = { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 1e-4 };
const ADAM: OptimizerOptions = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/** Batch norms in front of a ReLU6 of MobileNetV2. */
const BEFORE_RELU6 = /^features\.(0|18|\d+\.conv\.[01])\.1\./;

/**
 * Fresh weights with batch norm and biases moved away from 0 and 1. In V2, whose ReLU6 has a kink every few
 * thousand values, batch norm centres them between the kinks.
 */
function livelyWeights(architecture: Architecture): StateDict {
  const weights = initialWeights(buildGraph(architecture), 1);
  const stream = new RandomStream(2, 'initialWeights');
  for (const [name, { data }] of weights) {
    if (!(data instanceof Float32Array)) continue;
    const centred = architecture.family === 'mobilenet_v2' && BEFORE_RELU6.test(name);
    const classifier = name.startsWith('classifier') && name.endsWith('weight');
    for (let i = 0; i < data.length; i++) {
      if (name.endsWith('.bias') || name.endsWith('running_mean')) data[i] = stream.normal() * 0.2 + (centred ? 3 : 0);
      else if (data[i] === 1) data[i] = (1 + 0.3 * stream.uniform()) * (centred ? 0.4 : 1);
      if (classifier) data[i] = 10 * (data[i] as number);
    }
  }
  return weights;
}

/** Pictures that differ as real ones do: a colour and a slope of their own under some noise. Keeps batch norm well conditioned. */
function batchOf(count: number, resolution: number, classes: number, key = 0) {
  const stream = new RandomStream(3, 'augment', key);
  const pictures = new Uint8Array(count * resolution * resolution * 3);
  for (let n = 0; n < count; n++) {
    const base = [0, 0, 0].map(() => 40 + stream.integer(120));
    const slope = stream.uniform();
    for (let i = 0; i < resolution * resolution * 3; i++) {
      const row = Math.floor(i / 3 / resolution) / resolution;
      const column = (Math.floor(i / 3) % resolution) / resolution;
      const ramp = 60 * (slope * row + (1 - slope) * column);
      pictures[n * resolution * resolution * 3 + i] = (base[i % 3] as number) + ramp + stream.integer(36);
    }
  }
  return { pictures, labels: Int32Array.from({ length: count }, () => stream.integer(classes)) };
}

/** Bytes HWC to the normalised NCHW tensor that the oracle takes. */
function toReference(pictures: Uint8Array, count: number, resolution: number) {
  const input = referenceTensor([count, 3, resolution, resolution]);
  const pixels = resolution * resolution;
  for (let i = 0; i < pictures.length; i++) {
    const c = i % 3;
    const n = Math.floor(i / 3 / pixels);
    const p = Math.floor(i / 3) % pixels;
    input.data[(n * 3 + c) * pixels + p] = ((pictures[i] as number) / 255 - (MEAN[c] as number)) / (STD[c] as number);
  }
  return input;
}

/** |a - b| / |b| in the Euclidean norm; `floor` keeps gradients that are zero in exact arithmetic from dividing by nothing. */
function relativeError(actual: Float32Array, expected: Float64Array, floor = 0): number {
  let [difference, norm] = [0, 0];
  expected.forEach((value, i) => {
    difference += ((actual[i] as number) - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor);
}

function sessionFor(architecture: Architecture, batch: number, resolution: number, extra: object = {}) {
  return TrainingSession.create({
    architecture,
    weights: livelyWeights(architecture),
    batch,
    resolution,
    mean: MEAN,
    std: STD,
    optimizer: SGD,
    labelSmoothing: 0.1,
    seed: 5,
    threads: 2,
    ...extra,
  });
}

const NETWORKS: [string, Architecture, number, number][] = [
  ['Small, reduction 8', mobilenetV3('small', { classes: 5, width: 0.35, reduction: 8 }), 4, 32],
  ['Large, odd size', mobilenetV3('large', { classes: 7, width: 0.35, reduction: 16 }), 3, 47],
  [
    'Large, dilated, reduced tail',
    mobilenetV3('large', { classes: 3, width: 0.35, dilated: true, reducedTail: true }),
    4,
    64,
  ],
  ['V2', mobilenetV2({ classes: 5, width: 0.35, reduction: 8 }), 8, 16],
  [
    'walkthrough variant',
    mobilenetV3('large', {
      classes: 4,
      width: 0.5,
      reduction: 8,
      reluActivation: 'relu6',
      expandAlways: true,
      squeeze: { rounding: 'floor', bias: false, activation: 'relu6' },
    }),
    3,
    24,
  ],
];

/** Where an activation's slope jumps. A value within rounding of one may fall on either side. */
const KINKS = { relu: [0], relu6: [0, 6], hard_swish: [-3, 3], hard_sigmoid: [-3, 3] } as const;

/** Single precision errs by less than this, after batch norms over as few values as here. */
const MARGIN = 1e-4;

/** The first activation with values near a kink, by name of the layer in front of it, and their channels. */
function valuesAtKinks(graph: Graph, tensors: ReadonlyMap<string, ReferenceTensor>) {
  for (const node of graph.nodes) {
    if (node.op !== 'activation') continue;
    const { data, shape } = tensors.get(node.inputs[0] as string) as ReferenceTensor;
    const [, channels = 1, height = 1, width = 1] = shape;
    const near = new Set<number>();
    data.forEach((value, index) => {
      if (!KINKS[node.attributes.function].some((kink) => Math.abs(value - kink) < MARGIN)) return;
      near.add(Math.floor(index / (height * width)) % channels);
    });
    if (near.size === 0) continue;
    const layer = graph.nodes.find(({ output }) => output === node.inputs[0]);
    return { layer: layer?.name ?? '', channels: near };
  }
  return null;
}

/** Moves biases (weights where there is none) until no value lies where single precision could fall on the other side of a kink. */
function moveFromKinks(graph: Graph, weights: StateDict, input: ReferenceTensor): void {
  for (let trial = 0; trial < 100; trial++) {
    const options = { training: true, seed: 5, step: 1 };
    const found = valuesAtKinks(graph, referenceForward(graph, referenceState(weights), input, options).tensors);
    if (!found) return;
    const name = weights.has(`${found.layer}.bias`) ? `${found.layer}.bias` : `${found.layer}.weight`;
    const { data, shape } = weights.get(name) as { data: Float32Array; shape: readonly number[] };
    const each = data.length / (shape[0] as number);
    for (const channel of found.channels) {
      for (let i = channel * each; i < (channel + 1) * each; i++) data[i] = (data[i] as number) + 7 * MARGIN;
    }
  }
  throw new Error('no weights without a value at a kink');
}

describe.each(NETWORKS)('%s', (_, architecture, batch, resolution) => {
  test('a training step and inference agree with the oracle', async () => {
    const graph = buildGraph(architecture);
    const { pictures, labels } = batchOf(batch, resolution, architecture.classes);
    const input = toReference(pictures, batch, resolution);
    const initial = livelyWeights(architecture);
    moveFromKinks(graph, initial, input);
    const state = referenceState(initial);
    const options = { training: true, seed: 5, step: 1, labelSmoothing: 0.1 };
    const expected = referenceStep(graph, state, input, [...labels], options);
    const session = await sessionFor(architecture, batch, resolution, { weights: initial });
    const result = await session.step(pictures, labels, 0);
    const logits = await session.predict(pictures, batch);
    const [gradients, weights] = [session.gradients(), session.weights()];
    await session.dispose();

    expect(relativeError(result.logits, expected.logits.data)).toBeLessThan(1e-4);
    expect(relativeError(result.losses, expected.losses.data)).toBeLessThan(1e-4);
    const squares = [...expected.gradients.values()].map(({ data }) => data.reduce((sum, x) => sum + x * x, 0));
    const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    for (const [name, gradient] of expected.gradients) {
      const error = relativeError(gradients.get(name)?.data as Float32Array, gradient.data, norm * 1e-4);
      expect(error, `gradient of ${name}`).toBeLessThan(1e-3);
    }
    for (const { name, trainable, dtype } of graph.parameters) {
      if (trainable || dtype === 'int64') continue;
      const error = relativeError(weights.get(name)?.data as Float32Array, state.get(name)?.data as Float64Array, 1e-3);
      expect(error, name).toBeLessThan(1e-5);
    }
    const inference = referenceForward(graph, state, input);
    expect(relativeError(logits, inference.logits.data)).toBeLessThan(1e-4);
  });
});

test('inference by products of quarters agrees with the oracle, in the same bits on one thread and three', async () => {
  const architecture = mobilenetV3('small', { classes: 9, reduction: 8 });
  const [batch, resolution] = [4, 56];
  const graph = buildGraph(architecture);
  const { steps } = lowerInference(graph, [batch, 3, resolution, resolution], { input: 'bytes' });
  expect(steps.filter(({ kernel }) => kernel.endsWith('__strassen')).length).toBe(5);
  const { pictures } = batchOf(batch, resolution, 9);
  const weights = livelyWeights(architecture);
  const [one, three] = await Promise.all(
    [1, 3].map(async (threads) => {
      const session = await sessionFor(architecture, batch, resolution, { weights, threads });
      const logits = await session.predict(pictures, batch);
      await session.dispose();
      return logits;
    }),
  );
  expect(three).toEqual(one);
  const expected = referenceForward(graph, referenceState(weights), toReference(pictures, batch, resolution));
  expect(relativeError(one as Float32Array, expected.logits.data)).toBeLessThan(1e-5);
});

describe('equal bits', () => {
  const architecture = mobilenetV3('small', { classes: 6, width: 0.5, reduction: 8 });

  async function weightsAfter(steps: number, extra: object): Promise<StateDict> {
    const session = await sessionFor(architecture, 8, 32, { optimizer: ADAM, ...extra });
    for (let step = 0; step < steps; step++) {
      const { pictures, labels } = batchOf(8, 32, 6, step);
      await session.step(pictures, labels, 1e-3);
    }
    const weights = session.weights();
    await session.dispose();
    return weights;
  }

  function bits(weights: StateDict): Map<string, string> {
    return new Map([...weights].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('base64')]));
  }

  test('weights after 50 steps are the same for 1, 2 and 3 threads and planner on and off', async () => {
    const one = await weightsAfter(50, { threads: 1 });
    for (const { data } of one.values()) {
      if (data instanceof Float32Array) expect(data.every(Number.isFinite)).toBe(true);
    }
    const expected = bits(one);
    expect(bits(await weightsAfter(50, { threads: 2 }))).toEqual(expected);
    expect(bits(await weightsAfter(50, { threads: 3 }))).toEqual(expected);
    expect(bits(await weightsAfter(50, { threads: 2, planMemory: false }))).toEqual(expected);
  });
});
