/** What a session does with gradients before the update, on the real engine. */
import { afterEach, describe, expect, test } from 'vitest';
import { RandomStream } from '../../src/base/random.ts';
import type { StateDict } from '../../src/base/tensor.ts';
import { buildGraph } from '../../src/graph/build-graph.ts';
import { initialWeights } from '../../src/graph/initial-weights.ts';
import { referenceStep } from '../../src/graph/reference.ts';
import { referenceState, referenceTensor } from '../../src/graph/reference-tensor.ts';
import { mobilenetV3 } from '../../src/models/mobilenet-v3.ts';
import { rateShareByDepth, splitHead } from '../../src/program/split-head.ts';
import type { SessionOptions } from '../../src/train/session.ts';
import { TrainingSession } from '../../src/train/training-session.ts';

const CLASSES = 5;
const architecture = mobilenetV3('small', { classes: CLASSES, width: 0.1, reduction: 8, dropout: 0 });
const BATCH = 4;

const sessions: TrainingSession[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.dispose();
});

async function sessionWith(options: Partial<SessionOptions> = {}): Promise<TrainingSession> {
  const session = await TrainingSession.create({
    architecture,
    weights: initialWeights(buildGraph(architecture), 1),
    batch: BATCH,
    resolution: 32,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
    labelSmoothing: 0,
    seed: 0,
    threads: 1,
    ...options,
  });
  sessions.push(session);
  return session;
}

function batchOf(key: number) {
  const stream = new RandomStream(4, 'augment', key);
  const pictures = Uint8Array.from({ length: BATCH * 32 * 32 * 3 }, () => stream.integer(256));
  return { pictures, labels: Int32Array.from({ length: BATCH }, () => stream.integer(CLASSES)) };
}

function dataOf(state: StateDict, name: string): Float32Array {
  const data = state.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(name);
  return data;
}

function norm(gradients: StateDict): number {
  const squares = [...gradients.keys()].map((name) => dataOf(gradients, name).reduce((sum, g) => sum + g * g, 0));
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
}

async function gradientOf(key: number, options: Partial<SessionOptions> = {}): Promise<StateDict> {
  const session = await sessionWith(options);
  const { pictures, labels } = batchOf(key);
  await session.step(pictures, labels, 0);
  return session.gradients();
}

test('an update on micro-batches takes the mean of their gradients, and starts the next sum at zero', async () => {
  const keys = [0, 1, 2, 3];
  const parts: StateDict[] = [];
  for (const key of keys) parts.push(await gradientOf(key));
  const session = await sessionWith({ microBatches: keys.length });
  for (let update = 1; update <= 2; update++) {
    for (const key of keys.slice(0, -1)) await session.accumulate(batchOf(key).pictures, batchOf(key).labels);
    const before = session.weights();
    await session.step(batchOf(3).pictures, batchOf(3).labels, 0);
    expect(session.steps).toBe(update);
    expect(session.weights().get('classifier.3.weight')).toEqual(before.get('classifier.3.weight'));
    const mean = session.gradients();
    for (const name of mean.keys()) {
      const sum = new Float32Array(dataOf(mean, name).length);
      for (const part of parts)
        sum.forEach((value, i) => {
          sum[i] = value + (dataOf(part, name)[i] as number);
        });
      expect(dataOf(mean, name), name).toEqual(sum.map((value) => value / keys.length));
    }
  }
  // Batch norm sees each micro-batch by itself.
  expect(session.weights().get('features.0.1.num_batches_tracked')?.data).toEqual(BigInt64Array.of(8n));
});

test('micro-batches and updates come in turn', async () => {
  const session = await sessionWith({ microBatches: 2 });
  const { pictures, labels } = batchOf(0);
  expect(() => session.step(pictures, labels, 0)).toThrow(/all its micro-batches/);
  await session.accumulate(pictures, labels);
  expect(() => session.accumulate(pictures, labels)).toThrow(/an update follows/);
  expect(() => session.restore(session.state(), 0)).toThrow(/between updates/);
});

test('gradients are clipped by the norm of all of them', async () => {
  const whole = await gradientOf(0);
  const clipped = await gradientOf(0, { clipNorm: norm(whole) / 4 });
  expect(norm(clipped) / norm(whole)).toBeCloseTo(0.25, 6);
  for (const name of whole.keys()) {
    const wanted = dataOf(whole, name);
    expect(Math.max(...dataOf(clipped, name).map((g, i) => Math.abs(g - (wanted[i] as number) / 4)))).toBeLessThan(
      1e-6,
    );
  }
  expect(await gradientOf(0, { clipNorm: norm(whole) * 1.01 })).toEqual(whole);
});

test('weight decay spares batch norm and biases unless it is asked to', async () => {
  const start = initialWeights(buildGraph(architecture), 1);
  const optimizer = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1, weightDecay: 1 } as const;
  const { pictures, labels } = batchOf(0);
  for (const decayNormAndBias of [false, true]) {
    // With an epsilon of 1 the update is all but the decay.
    const session = await sessionWith({ optimizer, decayNormAndBias });
    await session.step(pictures, labels, 0.01);
    const shrunk = (name: string) => {
      const [before, after] = [start, session.weights()].map((state) => dataOf(state, name)[0] as number);
      return ((after as number) / (before as number)).toFixed(2);
    };
    expect(shrunk('classifier.3.weight')).toBe('0.99');
    expect(shrunk('features.0.1.weight')).toBe(decayNormAndBias ? '0.99' : '1.00');
  }
});

test('averages: predictions and saved weights are theirs, training goes on without them', async () => {
  const { pictures, labels } = batchOf(0);
  const [plain, session] = [await sessionWith(), await sessionWith({ keepsAverage: true })];
  const start = session.weights();
  for (const trained of [plain, session])
    for (let step = 0; step < 3; step++) await trained.step(pictures, labels, 0.1);
  expect(session.state().weights).toEqual(plain.weights());
  expect(session.weights().get('classifier.3.weight')).toEqual(start.get('classifier.3.weight'));

  await session.average(0);
  expect(session.weights()).toEqual(plain.weights());
  expect(await session.predict(pictures, BATCH)).toEqual(await plain.predict(pictures, BATCH));

  await session.step(pictures, labels, 0.1);
  const [kept, moved] = [session.weights(), session.state().weights];
  await session.average(0.75);
  for (const name of ['features.0.1.running_var', 'classifier.0.weight']) {
    dataOf(session.weights(), name).forEach((value, i) => {
      const wanted = 0.75 * (dataOf(kept, name)[i] as number) + 0.25 * (dataOf(moved, name)[i] as number);
      expect(Math.abs(value - wanted)).toBeLessThanOrEqual(2e-7 * Math.abs(wanted));
    });
  }

  const twin = await sessionWith({ keepsAverage: true });
  twin.restore(session.state(), session.steps);
  expect(twin.state()).toEqual(session.state());
  expect(await twin.predict(pictures, BATCH)).toEqual(await session.predict(pictures, BATCH));
});

describe('the head alone', () => {
  const graph = buildGraph(architecture);
  const { head, isHeadParameter } = splitHead(graph);
  const adam = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 } as const;

  test('features and head together are the network, to the bit where linear layers are not packed', async () => {
    const session = await sessionWith({ trainsHead: true, batch: 2 });
    const { pictures, labels } = batchOf(0);
    const two = pictures.subarray(0, pictures.length / 2);
    const { logits } = await session.stepHead(await session.features(two, 2), labels.subarray(0, 2), 0);
    expect(logits).toEqual(await session.predict(two, 2));
    expect(new Set(logits).size).toBe(logits.length);
  });

  test('features and head together are the network, but for the order of sums where they are', async () => {
    const session = await sessionWith({ trainsHead: true });
    const { pictures, labels } = batchOf(0);
    const features = await session.features(pictures, BATCH);
    expect(features).toHaveLength(BATCH * session.featureCount);
    const { logits } = await session.stepHead(features, labels, 0);
    const whole = await session.predict(pictures, BATCH);
    const largest = whole.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(0);
    // of four pictures, inference adds up a linear layer's products in another order (docs/decisions.md)
    whole.forEach((logit, index) => {
      expect(Math.abs((logits[index] as number) - logit)).toBeLessThan(1e-5 * largest);
    });
  });

  test('its gradient is that of the oracle, and nothing else moves', async () => {
    const session = await sessionWith({ trainsHead: true, labelSmoothing: 0.1 });
    const { pictures, labels } = batchOf(1);
    const features = await session.features(pictures, BATCH);
    const before = session.weights();
    await session.stepHead(features, labels, 0.1);
    const input = referenceTensor([BATCH, session.featureCount, 1, 1]);
    input.data.set(features);
    const options = { training: true, labelSmoothing: 0.1 };
    const expected = referenceStep(head, referenceState(before), input, [...labels], options).gradients;
    expect(expected.size).toBe(4);
    for (const [name, { data }] of expected) {
      const found = dataOf(session.gradients(), name);
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      data.forEach((value, i) => {
        expect(Math.abs((found[i] as number) - value), name).toBeLessThan(1e-5 * largest);
      });
    }
    for (const [name, tensor] of session.weights()) {
      if (isHeadParameter(name)) expect(tensor.data, name).not.toEqual(before.get(name)?.data);
      else expect(tensor.data, name).toEqual(before.get(name)?.data);
    }
  });

  test('it takes as many pictures as an update of the network', async () => {
    const session = await sessionWith({ trainsHead: true, microBatches: 2 });
    const { pictures, labels } = batchOf(0);
    const features = await session.features(pictures, BATCH);
    expect(() => session.stepHead(features, labels, 0)).toThrow(/features of 8 pictures/);
    const twice = Float32Array.from([...features, ...features]);
    const { losses } = await session.stepHead(twice, Int32Array.from([...labels, ...labels]), 0);
    expect(losses.subarray(0, BATCH)).toEqual(losses.subarray(BATCH));
  });

  test('an optimizer that was started anew knows nothing of the head', async () => {
    const session = await sessionWith({ trainsHead: true, optimizer: adam });
    const { pictures, labels } = batchOf(2);
    const features = await session.features(pictures, BATCH);
    for (let step = 0; step < 3; step++) await session.stepHead(features, labels, 0.01);
    session.restartOptimizer();
    const fresh = await sessionWith({ weights: session.weights(), optimizer: adam });
    for (const each of [session, fresh]) for (let step = 0; step < 2; step++) await each.step(pictures, labels, 0.01);
    expect(session.state()).toEqual(fresh.state());
    const resumed = await sessionWith({ optimizer: adam });
    resumed.restore(session.state(), 5, 2);
    for (const each of [session, resumed]) await each.step(pictures, labels, 0.01);
    expect(resumed.state()).toEqual(session.state());
  });
});

test('learning rates grow with depth', async () => {
  const rateShare = rateShareByDepth(buildGraph(architecture), 0.01);
  expect(rateShare('features.0.0.weight')).toBeCloseTo(0.01, 12);
  expect(rateShare('classifier.3.bias')).toBe(1);
  expect(rateShare('features.6.block.0.0.weight') / rateShare('features.5.block.1.1.bias')).toBeCloseTo(
    100 ** (1 / 13),
    10,
  );
  const session = await sessionWith({ firstRateShare: 0.01 });
  const { pictures, labels } = batchOf(3);
  const before = session.weights();
  await session.step(pictures, labels, 0.5);
  const [after, gradients] = [session.weights(), session.gradients()];
  for (const name of gradients.keys()) {
    const rate = Math.fround(0.5 * rateShare(name));
    const wanted = dataOf(before, name).map((w, i) =>
      Math.fround(w - Math.fround(rate * (dataOf(gradients, name)[i] as number))),
    );
    expect(dataOf(after, name), name).toEqual(wanted);
  }
});
