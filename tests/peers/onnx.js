/**
 * Exported models in onnxruntime, native and WebAssembly, against bneck itself: the same pictures, the
 * largest difference over the largest logit. Weights are random, batch norm far from the identity.
 * Runs the built package (npm run build:ts at the root first) and exits with 1 where a difference is
 * above the tolerance. One session answers batches of 1 and 8, so the free dimensions are tried too.
 */
import process from 'node:process';

/** Of the largest |logit|, or probability. */
const TOLERANCE = 1e-4;
const BATCHES = [1, 8];

/**
 * A module that may not be there: the root's type check and tests know nothing of it.
 * @param {string} specifier
 * @param {string} remedy
 */
async function load(specifier, remedy) {
  try {
    return await import(specifier);
  } catch (error) {
    console.error(`${specifier} cannot be loaded (${/** @type {Error} */ (error).message}). ${remedy}`);
    return process.exit(1);
  }
}

const INSTALL = 'Run `npm ci` in tests/peers.';
const BUILD = 'Run `npm run build` in the root.';
const native = await load('onnxruntime-node', INSTALL);
const web = await load('onnxruntime-web', INSTALL);
const { Model, mobilenetV2, mobilenetV3, defaultPreprocessing } = await load('../../dist/index.js', BUILD);
const { buildGraph } = await load('../../dist/graph/build-graph.js', BUILD);
const { referenceForward } = await load('../../dist/graph/reference.js', BUILD);
const { referenceState, referenceTensor } = await load('../../dist/graph/reference-tensor.js', BUILD);
const { exportOnnx } = await load('../../dist/model/export-onnx.js', BUILD);
web.env.wasm.numThreads = 1;

/** @param {Float32Array} logits of one picture */
function softmax(logits) {
  const highest = logits.reduce((most, logit) => Math.max(most, logit));
  const powers = Array.from(logits, (logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map((power) => power / sum);
}

/**
 * Uniform in [0, 1), the same each time.
 * @param {number} seed
 */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A model as training leaves it: running statistics are those of its activations, for pictures of this
 * size that the oracle takes with momentum 1, and scales and shifts are spread around 1 and 0. With
 * statistics drawn at random, activations grow through the network and rounding with them: bneck and
 * onnxruntime were then both up to 1e-3 from the oracle (Large 1.25), and the comparison measured that.
 * @param {any} architecture
 * @param {number} height
 * @param {number} width
 */
function livelyModel(architecture, height, width) {
  const model = Model.create(architecture, { preprocessing: defaultPreprocessing(height), threads: 2 });
  const random = randomNumbers(1);
  const { weights } = model.file;
  for (const [name, { data, shape }] of weights) {
    if (!(data instanceof Float32Array) || name.includes('running')) continue;
    const fan = shape.slice(1).reduce((/** @type {number} */ product, /** @type {number} */ size) => product * size, 1);
    for (let i = 0; i < data.length; i++) {
      if (shape.length > 1) data[i] = (random() - 0.5) * Math.sqrt(24 / fan);
      else data[i] = name.endsWith('weight') ? 0.5 + random() : (random() - 0.5) / 2;
    }
  }
  const graph = buildGraph(architecture);
  for (const node of graph.nodes) if (node.op === 'batch_norm2d') node.attributes.momentum = 1;
  const shape = [2, 3, height, width];
  const pictures = Array.from({ length: 6 * height * width }, () => 4 * random() - 2);
  const state = referenceState(weights);
  referenceForward(graph, state, referenceTensor(shape, pictures), { training: true });
  for (const [name, { data }] of state) {
    if (!name.endsWith('running_var')) continue;
    // A channel that hardly moved in this small batch must not be blown up in the next.
    const mean = data.reduce((/** @type {number} */ sum, /** @type {number} */ x) => sum + x, 0) / data.length;
    for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i], mean / 2);
  }
  const { logits } = referenceForward(graph, state, referenceTensor(shape, pictures));
  const largest = logits.data.reduce((/** @type {number} */ most, /** @type {number} */ x) => Math.max(most, x), 0);
  for (const [name, { data }] of weights) {
    if (name.includes('running')) data.set(state.get(name).data);
    // Logits of some 4, so that softmax has more to say than 0 and 1.
    if (name.startsWith(`${graph.output}.`)) for (let i = 0; i < data.length; i++) data[i] *= 4 / largest;
  }
  return model;
}

/**
 * Pictures for a model, and its own answers.
 * @param {any} model
 * @param {number} batch
 * @param {{ height: number, width: number, withPreprocessing?: boolean, softmax?: boolean }} options
 */
async function ownAnswers(model, batch, options) {
  const { height, width } = options;
  const random = randomNumbers(batch + 7);
  const count = batch * height * width * 3;
  const classes = model.architecture.classes;
  const data = options.withPreprocessing
    ? Uint8Array.from({ length: count }, () => random() * 256)
    : Float32Array.from({ length: count }, () => 4 * random() - 2);
  const logits = options.withPreprocessing
    ? await model.forwardBytes(data, batch)
    : (await model.forward({ data, shape: [batch, 3, height, width] })).data;
  if (!options.softmax) return { data, answers: logits };
  const rows = Array.from({ length: batch }, (_, n) => softmax(logits.subarray(n * classes, (n + 1) * classes)));
  return { data, answers: Float32Array.from(rows.flat()) };
}

/**
 * @param {Float32Array} found
 * @param {Float32Array} wanted
 */
function relativeDifference(found, wanted) {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let [largest, difference] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    largest = Math.max(largest, Math.abs(/** @type {number} */ (wanted[i])));
    // NaN stays NaN, and is not within any tolerance.
    difference = Math.max(difference, Math.abs(/** @type {number} */ (found[i]) - /** @type {number} */ (wanted[i])));
  }
  return difference / largest;
}

/** Title, architecture, and options of the export with the pictures' size. */
const CASES = [
  ['Large', mobilenetV3('large'), { height: 224, width: 224 }],
  ['Large, batch norm kept', mobilenetV3('large'), { height: 128, width: 128, keepBatchNorm: true }],
  ['Large, fixed to 128', mobilenetV3('large'), { height: 128, width: 128, resolution: 128 }],
  ['Small', mobilenetV3('small'), { height: 224, width: 224 }],
  ['Small, 223 x 160', mobilenetV3('small'), { height: 223, width: 160 }],
  ['Small, batch norm kept', mobilenetV3('small'), { height: 96, width: 96, keepBatchNorm: true }],
  ['Small, bytes', mobilenetV3('small'), { height: 96, width: 96, withPreprocessing: true }],
  ['Small, softmax', mobilenetV3('small'), { height: 96, width: 96, softmax: true }],
  [
    'Small, bytes, softmax, BN',
    mobilenetV3('small'),
    { height: 96, width: 96, withPreprocessing: true, softmax: true, keepBatchNorm: true },
  ],
  ...[0.35, 0.5, 0.75, 1.25].flatMap((width) =>
    ['large', 'small'].map((size) => [
      `${size} ${width}`,
      mobilenetV3(size, { width, classes: 10 }),
      { height: 128, width: 128 },
    ]),
  ),
  ['Large, dilated', mobilenetV3('large', { dilated: true }), { height: 128, width: 128 }],
  ['Large, reduced tail', mobilenetV3('large', { reducedTail: true }), { height: 128, width: 128 }],
  [
    'Small, dilated, reduced tail',
    mobilenetV3('small', { dilated: true, reducedTail: true }),
    { height: 128, width: 128 },
  ],
  ['Small, reduction 8', mobilenetV3('small', { reduction: 8, classes: 10 }), { height: 32, width: 32 }],
  [
    'walkthrough variant',
    mobilenetV3('large', {
      squeeze: { rounding: 'floor', bias: false, activation: 'relu6' },
      reluActivation: 'relu6',
      expandAlways: true,
    }),
    { height: 96, width: 96 },
  ],
  ['Small, SAME padding', mobilenetV3('small', { padding: 'same' }), { height: 127, width: 127 }],
  [
    'Large 0.5, SAME, dilated',
    mobilenetV3('large', { width: 0.5, padding: 'same', dilated: true }),
    { height: 96, width: 96 },
  ],
  [
    'Small 0.75 as in timm',
    mobilenetV3('small', { width: 0.75, scaling: 'timm', batchNormEpsilon: 1e-5 }),
    { height: 96, width: 96 },
  ],
  ['Large minimal, SAME', mobilenetV3('large', { minimal: true, padding: 'same' }), { height: 96, width: 96 }],
  ['V2', mobilenetV2(), { height: 224, width: 224 }],
  ['V2, batch norm kept', mobilenetV2(), { height: 96, width: 96, keepBatchNorm: true }],
  ['V2 0.5, bytes', mobilenetV2({ width: 0.5 }), { height: 96, width: 96, withPreprocessing: true }],
];

let failures = 0;
console.log(`${'model'.padEnd(30)} batch   onnxruntime-node    onnxruntime-web   (tolerance ${TOLERANCE})`);
for (const [title, architecture, options] of CASES) {
  const model = livelyModel(architecture, options.height, options.width);
  const bytes = exportOnnx(model.file, options);
  const sessions = [
    await native.InferenceSession.create(bytes, { intraOpNumThreads: 2 }),
    await web.InferenceSession.create(bytes, { executionProviders: ['wasm'] }),
  ];
  for (const batch of BATCHES) {
    const { data, answers } = await ownAnswers(model, batch, options);
    const { height, width } = options;
    const differences = [];
    for (const [index, session] of sessions.entries()) {
      const { Tensor } = index === 0 ? native : web;
      const pictures = options.withPreprocessing
        ? new Tensor('uint8', data, [batch, height, width, 3])
        : new Tensor('float32', data, [batch, 3, height, width]);
      const results = await session.run({ pictures });
      differences.push(relativeDifference(results[options.softmax ? 'probabilities' : 'logits'].data, answers));
    }
    const wrong = differences.some((difference) => !(difference <= TOLERANCE));
    if (wrong) failures += 1;
    const columns = differences.map((difference) => difference.toExponential(2).padStart(18)).join(' ');
    console.log(`${title.padEnd(30)} ${String(batch).padStart(5)} ${columns}${wrong ? '   WRONG' : ''}`);
  }
  for (const session of sessions) await session.release();
  await model.dispose();
}
console.log(failures === 0 ? 'All within the tolerance.' : `${failures} above the tolerance.`);
process.exitCode = failures === 0 ? 0 : 1;
