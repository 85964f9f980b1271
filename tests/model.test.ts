/** `Model` as a person uses it: compiled shapes, answers, and what is refused. */
import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { RandomStream } from '../src/base/random.ts';
import { buildGraph } from '../src/graph/build-graph.ts';
import { initialWeights } from '../src/graph/initial-weights.ts';
import { Model } from '../src/model/model.ts';
import { Predictor } from '../src/model/predictor.ts';
import { mobilenetV3 } from '../src/models/mobilenet-v3.ts';
import { pictureGroups } from '../src/program/picture-groups.ts';
import { SingleThreadPool } from '../src/runtime/single-thread-pool.ts';
import { createThreadPool } from '../src/runtime/thread-pool.node.ts';

const ARCHITECTURE = mobilenetV3('small', { classes: 7, width: 0.35 });
const PREPROCESSING = { resolution: 64, resize: 64, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

function randomBytes(length: number): Uint8Array {
  const stream = new RandomStream(5, 'augment');
  return Uint8Array.from({ length }, () => stream.integer(256));
}

/** [count, side, side, 3] bytes to normalised [count, 3, side, side] floats. */
function normalised(pictures: Uint8Array, count: number, side: number): Float32Array {
  const { mean, std } = PREPROCESSING;
  const pixels = side * side;
  return Float32Array.from({ length: pictures.length }, (_, i) => {
    const [n, c, p] = [Math.floor(i / pixels / 3), Math.floor(i / pixels) % 3, i % pixels];
    return ((pictures[(n * pixels + p) * 3 + c] as number) / 255 - (mean[c] as number)) / (std[c] as number);
  }).subarray(0, count * pixels * 3);
}

const makePredictor = async (keptShapes: number) =>
  new Predictor(ARCHITECTURE, initialWeights(buildGraph(ARCHITECTURE), 1), await createThreadPool(1), { keptShapes });

const shape = (side: number) => [1, 3, side, side];
const tensor = (side: number) => ({ data: new Float32Array(3 * side * side), shape: shape(side) });

describe('shapes', () => {
  test('those met lately make room for each other', async () => {
    const predictor = await makePredictor(2);
    for (const side of [40, 41, 42, 43]) await predictor.forward(tensor(side));
    const { memoryBytes } = predictor;
    for (let side = 44; side < 60; side++) await predictor.forward(tensor(side));
    // Sixteen more programs would take four times as much.
    expect(predictor.memoryBytes).toBeLessThan(1.2 * memoryBytes);
    await predictor.dispose();
  });

  test('compiled ones stay', async () => {
    const predictor = await makePredictor(1);
    const compiled = await predictor.compile('floats', shape(40));
    const before = await predictor.forward(tensor(40));
    for (const side of [41, 42, 43]) await predictor.forward(tensor(side));
    expect(await predictor.compile('floats', shape(40))).toBe(compiled);
    expect(await predictor.forward(tensor(40))).toEqual(before);
    await predictor.dispose();
  });

  test('one that was met and is compiled later stays as well', async () => {
    const predictor = await makePredictor(1);
    await predictor.forward(tensor(40));
    const compiled = await predictor.compile('floats', shape(40));
    for (const side of [41, 42]) await predictor.forward(tensor(side));
    expect(await predictor.compile('floats', shape(40))).toBe(compiled);
    await predictor.dispose();
  });

  test('each call gets its answer, also when many wait and few shapes are kept', async () => {
    const [few, many] = [await makePredictor(1), await makePredictor(8)];
    const sides = [40, 48, 40, 56, 48, 40];
    const ask = (predictor: Predictor) => Promise.all(sides.map((side) => predictor.forward(tensor(side))));
    expect(await ask(few)).toEqual(await ask(many));
    await Promise.all([few.dispose(), many.dispose()]);
  });
});

test('the kernels for unshared memory and for wide vectors give the bits of those for shared memory', async () => {
  const kernels = await readFile(new URL('../wasm/kernels-inference-single.wasm', import.meta.url));
  const single = new SingleThreadPool(await WebAssembly.compile(kernels));
  const weights = initialWeights(buildGraph(ARCHITECTURE), 1);
  const predictors = [
    new Predictor(ARCHITECTURE, weights, single),
    new Predictor(ARCHITECTURE, weights, await createThreadPool(3, false)),
    new Predictor(ARCHITECTURE, weights, await createThreadPool(2, true)),
  ];
  const pictures = randomBytes(64 * 64 * 3);
  const [unshared, shared, wide] = await Promise.all(
    predictors.map((asked) => asked.forwardBytes(pictures, 1, PREPROCESSING)),
  );
  expect(unshared).toEqual(shared);
  expect(wide).toEqual(shared);
  await Promise.all(predictors.map((asked) => asked.dispose()));
});

describe('Model', () => {
  const model = Model.create(ARCHITECTURE, { seed: 3, preprocessing: PREPROCESSING, threads: 2 });
  afterAll(() => model.dispose());

  test('forward and forwardBytes agree', async () => {
    const pictures = randomBytes(2 * 64 * 64 * 3);
    await model.compile({ batch: 2 });
    const fromBytes = await model.forwardBytes(pictures, 2);
    const fromFloats = await model.forward({ data: normalised(pictures, 2, 64), shape: [2, 3, 64, 64] });
    expect(fromFloats.shape).toEqual([2, 7]);
    fromFloats.data.forEach((logit, index) => {
      expect(fromBytes[index]).toBeCloseTo(logit, 5);
    });
  });

  test('pictures that a batch takes in groups get the logits that they get alone', async () => {
    const [count, side] = [5, 160];
    const groups = pictureGroups(buildGraph(ARCHITECTURE), [count, 3, side, side]);
    expect([groups.nodes > 0, groups.pictures]).toEqual([true, 1]);
    const pictures = randomBytes(count * side * side * 3);
    const data = normalised(pictures, count, side);
    const { data: together } = await model.forward({ data, shape: [count, 3, side, side] });
    for (let i = 0; i < count; i++) {
      const picture = data.slice(i * side * side * 3, (i + 1) * side * side * 3);
      const { data: alone } = await model.forward({ data: picture, shape: shape(side) });
      alone.forEach((logit, k) => {
        expect(together[i * 7 + k]).toBeCloseTo(logit, 6);
      });
    }
    expect(new Set(together).size).toBe(together.length);
  });

  test('classify gives the classes of the highest logits', async () => {
    const data = randomBytes(64 * 64 * 3);
    const logits = await model.forwardBytes(data, 1);
    const answers = await model.classify({ width: 64, height: 64, data }, { top: 7 });
    const order = [...logits.keys()].sort((a, b) => (logits[b] as number) - (logits[a] as number));
    expect(answers.map(({ index }) => index)).toEqual(order);
    expect(answers.map(({ label }) => label)).toEqual(order.map(String));
    expect(answers.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
  });

  test.each([
    [{ batch: 0 }, 'batch 0'],
    [{ batch: 1.5 }, 'batch 1.5'],
    [{ resolution: 9000, input: 'tensor' as const }, 'resolution 9000'],
    [{ resolution: 96 }, 'pictures reach this model at 64 px'],
  ])('compile refuses %j', async (options, message) => {
    await expect(model.compile(options)).rejects.toMatchObject({
      code: 'option',
      message: expect.stringContaining(message),
    });
  });

  test('classify of several pictures at once gives what it gives of each alone', async () => {
    const pictures = Array.from({ length: 6 }, (_, number) => ({
      width: 80,
      height: 70,
      data: Uint8Array.from({ length: 80 * 70 * 3 }, (_, index) => (index * (2 * number + 31)) % 251),
    }));
    const alone = [];
    for (const picture of pictures) alone.push(await model.classify(picture));
    expect(await Promise.all(pictures.map((picture) => model.classify(picture)))).toEqual(alone);
    expect(new Set(alone.map(([first]) => first?.probability)).size).toBe(pictures.length);
  });

  // The second is the size that the network takes, so that nothing is resized.
  test.each([
    [80, 70],
    [64, 64],
  ])(
    'pixels of %dx%d may be changed as soon as classify was called: before the engine is there, when it is free and when it works',
    async (width, height) => {
      const fresh = Model.create(ARCHITECTURE, { seed: 3, preprocessing: PREPROCESSING, threads: 2 });
      const data = new Uint8Array(width * height * 3);
      const ask = (seed: number) => {
        data.forEach((_, index) => {
          data[index] = (index * (2 * seed + 31)) % 251;
        });
        const answer = fresh.classify({ width, height, data });
        data.fill(0);
        return answer;
      };
      const cold = [ask(1), ask(2)];
      const first = await Promise.all(cold);
      const free = [await ask(1), await ask(2)];
      const working = [ask(1), ask(2)];
      expect(free).toEqual(first);
      expect(await Promise.all(working)).toEqual(first);
      expect(first[0]).not.toEqual(first[1]);
      await fresh.dispose();
      await expect(ask(1)).rejects.toMatchObject({ code: 'runtime', message: 'The model was disposed of.' });
    },
  );

  test('classify drops the alpha of RGBA pixels', async () => {
    const rgb = randomBytes(64 * 64 * 3);
    const rgba = Uint8ClampedArray.from({ length: 64 * 64 * 4 }, (_, i) =>
      i % 4 === 3 ? i % 256 : (rgb[3 * Math.floor(i / 4) + (i % 4)] as number),
    );
    const asked = [rgb, rgba].map((data) => model.classify({ width: 64, height: 64, data }));
    const [fromRgb, fromRgba] = await Promise.all(asked);
    expect(fromRgba).toEqual(fromRgb);
  });

  test('bytes that are not as many as the pictures are refused', async () => {
    const refusal = { code: 'shape', message: expect.stringContaining('are 12288 bytes; got 12287') };
    await expect(model.forwardBytes(randomBytes(64 * 64 * 3 - 1), 1)).rejects.toMatchObject(refusal);
    await expect(model.forwardBytes(new Uint8Array(0), 0)).rejects.toMatchObject({ code: 'shape' });
  });

  test.each([[[0, 3, 8, 8]], [[1, 3, 8.5, 8]], [[1, 4, 8, 8]], [[3, 8, 8]]])(
    'forward refuses shape %j',
    async (bad) => {
      const length = bad.reduce((product, size) => product * size, 1);
      const asked = model.forward({ data: new Float32Array(length), shape: bad });
      await expect(asked).rejects.toMatchObject({ code: 'shape' });
    },
  );

  test('with threads 0 the calling thread does the work: the same bits, and events come in between', async () => {
    expect(await createThreadPool(0)).toBeInstanceOf(SingleThreadPool);
    const alone = Model.create(ARCHITECTURE, { seed: 3, preprocessing: PREPROCESSING, threads: 0 });
    const pictures = randomBytes(2 * 64 * 64 * 3);
    let events = 0;
    const timer = setInterval(() => events++, 0);
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push(await alone.forwardBytes(pictures, 2));
    clearInterval(timer);
    expect(answers).toEqual(Array(20).fill(await model.forwardBytes(pictures, 2)));
    expect(events).toBeGreaterThan(1);
    await alone.dispose();
    await expect(alone.forwardBytes(pictures, 2)).rejects.toMatchObject({ code: 'runtime' });
  });

  test.each([[{ threads: -1 }], [{ threads: 257 }], [{ keptShapes: 0 }], [{ keptShapes: 0.5 }]])(
    'create refuses %j',
    (options) => {
      expect(() => Model.create(ARCHITECTURE, options)).toThrow('give a whole number from');
    },
  );

  test('a disposed model answers no more', async () => {
    const disposed = Model.create(ARCHITECTURE, { threads: 1 });
    await disposed.compile({ resolution: 32, input: 'tensor' });
    await disposed.dispose();
    await expect(disposed.compile()).rejects.toMatchObject({ code: 'runtime' });
  });
});
