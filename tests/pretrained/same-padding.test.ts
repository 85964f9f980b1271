/** SAME padding in the engine: a training step and inference against the oracle, and what it cannot do. */
import { expect, test } from 'vitest';
import { RandomStream } from '../../src/base/random.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import { referenceForward, referenceStep } from '../../src/graph/reference.ts';
import { referenceState, referenceTensor } from '../../src/graph/reference-tensor.ts';
import { validateGraph } from '../../src/graph/validate-graph.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { lowerInference } from '../../src/program/lower-inference.ts';
import { validateProgram } from '../../src/program/validate-program.ts';
import { TrainingSession } from '../../src/train/training-session.ts';

const architecture = mobilenetV3('small', { width: 0.35, classes: 4, scaling: 'timm', padding: 'same', dropout: 0 });
const graph = buildGraph(architecture);
const [BATCH, RESOLUTION] = [3, 44];

function relativeError(actual: ArrayLike<number>, expected: Float64Array, floor: number): number {
  let [difference, norm] = [0, 0];
  expected.forEach((value, i) => {
    difference += ((actual[i] as number) - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor);
}

test('a training step and inference agree with the oracle', async () => {
  validateGraph(graph);
  const stream = new RandomStream(9, 'augment');
  const length = BATCH * RESOLUTION * RESOLUTION * 3;
  const pictures = Uint8Array.from({ length }, (_, i) => 60 * Math.floor((3 * i) / length) + stream.integer(80));
  const input = referenceTensor([BATCH, 3, RESOLUTION, RESOLUTION]);
  const pixels = RESOLUTION * RESOLUTION;
  pictures.forEach((byte, i) => {
    const [image, pixel] = [Math.floor(i / 3 / pixels), Math.floor(i / 3) % pixels];
    input.data[(image * 3 + (i % 3)) * pixels + pixel] = byte / 127.5 - 1;
  });
  const weights = initialWeights(graph, 4);
  for (const [name, { data }] of weights) {
    if (data instanceof Float32Array && name.endsWith('.bias')) {
      for (let i = 0; i < data.length; i++) data[i] = 0.2 * stream.normal();
    }
  }
  const state = referenceState(weights);
  const labels = Int32Array.of(0, 3, 1);
  const options = { training: true, seed: 1, step: 1, labelSmoothing: 0 };
  const expected = referenceStep(graph, state, input, [...labels], options);

  const session = await TrainingSession.create({
    architecture,
    weights,
    batch: BATCH,
    resolution: RESOLUTION,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
    labelSmoothing: 0,
    seed: 1,
    threads: 1,
  });
  const result = await session.step(pictures, labels, 0);
  const logits = await session.predict(pictures, BATCH);
  const gradients = session.gradients();
  await session.dispose();

  expect(relativeError(result.logits, expected.logits.data, 1e-6)).toBeLessThan(1e-4);
  expect(relativeError(logits, referenceForward(graph, state, input).logits.data, 1e-6)).toBeLessThan(1e-4);
  const squares = [...expected.gradients.values()].map(({ data }) => data.reduce((sum, x) => sum + x * x, 0));
  const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  for (const [name, gradient] of expected.gradients) {
    const found = gradients.get(name)?.data as Float32Array;
    expect(relativeError(found, gradient.data, norm * 1e-4), name).toBeLessThan(1e-3);
  }
});

test('programs are valid where height and width ask for the same zeros, and refused where not', () => {
  for (const [height, width] of [
    [32, 96],
    [33, 33],
    [224, 192],
    [97, 161],
  ] as const) {
    validateProgram(lowerInference(graph, [1, 3, height, width], { input: 'floats' }));
  }
  for (const [height, width] of [
    [224, 223],
    [64, 48],
  ] as const) {
    expect(() => lowerInference(graph, [1, 3, height, width], { input: 'floats' })).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  }
});
