/**
 * Training: the gradient of every parameter for one batch, twenty updates with each optimizer from the
 * same weights on the same batches, clipping, micro-batches, averages, and the learning rates of schedules. Dropout is off, since random numbers are each one's own; labels
 * are smoothed; weight decay pulls at the weights of convolutions and linear layers alone.
 */
import { join } from 'node:path';
import { learningRateAt, Model, mobilenetV2, mobilenetV3, TrainingSession } from './bneck.js';
import { relativeDifference, worstGradient, worstStatistic, worstWeight } from './differences.js';
import { PeerTensors, withFolder } from './peer.js';

/** @typedef {import('./bneck.js').Architecture} Architecture */
/** @typedef {import('./bneck.js').OptimizerOptions} OptimizerOptions */
/** @typedef {import('./differences.js').Row} Row */
/** @typedef {import('./differences.js').Values} Values */
/** @typedef {(name: string) => Values} Lookup */
/** @typedef {Omit<import('./bneck.js').SessionOptions, 'weights' | keyof typeof COMMON>} SessionChoices */

const GRADIENT_LIMIT = 1e-3;
const LOSS_LIMIT = 1e-3;
const STATISTICS_LIMIT = 1e-4;
/** Doubles on both sides. */
const SCHEDULE_LIMIT = 1e-10;
const STEPS = 20;
/** As in networks.py and training.py. */
const COMMON = {
  mean: /** @type {const} */ ([0.485, 0.456, 0.406]),
  std: /** @type {const} */ ([0.229, 0.224, 0.225]),
  labelSmoothing: 0.1,
  seed: 0,
};

const CLASSES = { classes: 10, dropout: 0 };

/**
 * Title, architecture, resolution, batch.
 * @type {[string, Architecture, number, number][]}
 */
const GRADIENT_CASES = [
  ['Small', mobilenetV3('small', CLASSES), 64, 16],
  ['Small 0.5, odd size', mobilenetV3('small', { ...CLASSES, width: 0.5 }), 97, 8],
  ['Large', mobilenetV3('large', CLASSES), 96, 8],
  [
    'Large 0.75, dilated, reduced tail',
    mobilenetV3('large', { ...CLASSES, width: 0.75, dilated: true, reducedTail: true }),
    64,
    8,
  ],
  ['V2', mobilenetV2(CLASSES), 96, 8],
];

/** Weight decay is strong, so that running statistics tell if it is missing or pulls at the wrong weights. */
const WEIGHT_DECAY = 0.05;
/** @type {OptimizerOptions} */
const SGD = { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: WEIGHT_DECAY };
/** @type {OptimizerOptions} */
const NESTEROV = { ...SGD, nesterov: true };
/** @type {OptimizerOptions} */
const ADAM = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: WEIGHT_DECAY };
/** @type {OptimizerOptions} As in torchvision's recipe, but for the decay. */
const RMSPROP = {
  kind: 'rmsprop',
  alpha: 0.9,
  momentum: 0.9,
  epsilon: 0.0316,
  epsilonInside: false,
  weightDecay: WEIGHT_DECAY,
};

/** @type {OptimizerOptions} */
const ADAMW = { ...ADAM, kind: 'adamw', weightDecay: 10 * WEIGHT_DECAY };
/** @type {OptimizerOptions} */
const RMSPROP_TF = { ...RMSPROP, epsilon: 0.001, epsilonInside: true };

/** @typedef {Pick<import('./bneck.js').SessionOptions, 'microBatches' | 'clipNorm' | 'decayNormAndBias'> & { averageDecay?: number }} UpdateChoices */

/**
 * Title, architecture, optimizer, learning rate, and what else belongs to an update. The limit is below the
 * gradients' norm.
 * @type {[string, Architecture, OptimizerOptions, number, UpdateChoices?][]}
 */
const TRACE_CASES = [
  ['Small, SGD with momentum', mobilenetV3('small', CLASSES), SGD, 5e-3],
  ['Small, SGD with Nesterov', mobilenetV3('small', CLASSES), NESTEROV, 5e-3],
  ['Small, Adam', mobilenetV3('small', CLASSES), ADAM, 3e-4],
  ['Small, RMSprop', mobilenetV3('small', CLASSES), RMSPROP, 5e-4],
  ['Small, RMSprop as in TensorFlow', mobilenetV3('small', CLASSES), RMSPROP_TF, 5e-4],
  ['Small, AdamW', mobilenetV3('small', CLASSES), ADAMW, 3e-4],
  ['Small, AdamW, all decayed', mobilenetV3('small', CLASSES), ADAMW, 3e-4, { decayNormAndBias: true }],
  ['Small, SGD, clipped', mobilenetV3('small', CLASSES), SGD, 5e-3, { clipNorm: 0.5 }],
  ['Small, SGD, averaged', mobilenetV3('small', CLASSES), SGD, 5e-3, { averageDecay: 0.8 }],
  ['Small, SGD, 2 micro-batches', mobilenetV3('small', CLASSES), SGD, 5e-3, { microBatches: 2 }],
  ['Large, SGD with Nesterov', mobilenetV3('large', CLASSES), NESTEROV, 2e-3],
  ['Large, Adam', mobilenetV3('large', CLASSES), ADAM, 1e-4],
  ['Large, RMSprop', mobilenetV3('large', CLASSES), RMSPROP, 2e-4],
  ['V2, SGD with momentum', mobilenetV2(CLASSES), SGD, 2e-4],
];
const TRACE_RESOLUTION = 64;
const TRACE_BATCH = 16;
const TRACE_SEED = 1;

/** @param {string} folder @param {SessionChoices} options @returns {Promise<import('./bneck.js').Session>} */
async function startSession(folder, options) {
  const { file } = await Model.load(join(folder, 'weights.safetensors'));
  return TrainingSession.create({ ...COMMON, weights: file.weights, ...options });
}

/** @param {ReadonlyMap<string, { data: Float32Array | BigInt64Array }>} state @returns {Lookup} */
function lookupIn(state) {
  return (name) => {
    const data = state.get(name)?.data;
    if (!(data instanceof Float32Array)) throw new Error(`bneck gave no ${name}.`);
    return data;
  };
}

/** @param {PeerTensors} tensors @param {string} prefix @returns {Lookup} */
function lookupWith(tensors, prefix) {
  return (name) => tensors.numbers(`${prefix}${name}`);
}

/** @param {PeerTensors} tensors @param {string} prefix */
function namesWith(tensors, prefix) {
  return tensors.names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

/** @param {string} folder */
async function readTwins(folder) {
  const [single, double] = await Promise.all(
    ['single', 'double'].map((name) => PeerTensors.read(join(folder, `${name}.safetensors`))),
  );
  return { single: /** @type {PeerTensors} */ (single), double: /** @type {PeerTensors} */ (double) };
}

/**
 * A row about the worst of many tensors.
 * @param {string} check
 * @param {number} limit
 * @param {(found: Lookup, wanted: Lookup) => { difference: number, name: string }} worst
 * @param {{ found: Lookup, single: Lookup, double: Lookup }} values
 * @returns {Row}
 */
function worstRow(check, limit, worst, { found, single, double }) {
  const { difference, name } = worst(found, single);
  const own = worst(found, double).difference;
  return { check, difference, limit, own, peer: worst(single, double).difference, note: name };
}

/**
 * @param {import('./peer.js').Peer} peer
 * @param {[string, Architecture, number, number]} gradientCase
 * @param {{ seed: number, threads: number }} options
 * @returns {Promise<Row[]>}
 */
async function compareGradients(peer, [title, architecture, resolution, batch], { seed, threads }) {
  return withFolder(async (folder) => {
    // In V2, whose batch norm adds only 1e-5 to variances, rounding grows beyond what kinks.py allows for:
    // PyTorch's own gradients are 1e-2 from those in double precision, unless the network is calm.
    const spec = { architecture, resolution, batch, seed, calm: architecture.family === 'mobilenet_v2' };
    await peer.ask('gradients', spec, folder);
    const { single, double } = await readTwins(folder);
    const optimizer = SGD;
    const session = await startSession(folder, { architecture, batch, resolution, optimizer, threads });
    const tensors = await PeerTensors.read(join(folder, 'batch.safetensors'));
    const { losses } = await session.step(tensors.bytes('pictures'), tensors.integers('labels'), 0);
    const [gradients, weights] = [session.gradients(), session.weights()];
    await session.dispose();

    const what = `${title}, ${batch} x ${resolution} x ${resolution}`;
    const names = namesWith(single, 'gradient ');
    if (names.length !== gradients.size) throw new Error(`${gradients.size} gradients in place of ${names.length}.`);
    const values = {
      found: lookupIn(gradients),
      single: lookupWith(single, 'gradient '),
      double: lookupWith(double, 'gradient '),
    };
    const check = `${what}: ${names.length} gradients`;
    const row = worstRow(check, GRADIENT_LIMIT, (a, b) => worstGradient(names, a, b), values);
    const statistics = single.names.filter((name) => name.includes('running_'));
    const running = { found: lookupIn(weights), single: lookupWith(single, ''), double: lookupWith(double, '') };
    const [one, two] = [single.numbers('losses'), double.numbers('losses')];
    return [
      row,
      {
        check: `${what}: losses`,
        difference: relativeDifference(losses, one),
        limit: LOSS_LIMIT,
        own: relativeDifference(losses, two),
        peer: relativeDifference(one, two),
      },
      worstRow(`${what}: running statistics`, STATISTICS_LIMIT, (a, b) => worstStatistic(statistics, a, b), running),
    ];
  });
}

/**
 * @param {string} folder with PyTorch's weights and batches
 * @param {SessionChoices} options
 * @param {readonly number[]} learningRates
 * @param {number | null} averageDecay
 */
async function ownTrace(folder, options, learningRates, averageDecay) {
  const session = await startSession(folder, { ...options, keepsAverage: averageDecay !== null });
  const losses = [];
  let first = session.weights();
  const { microBatches = 1 } = options;
  for (const [step, learningRate] of learningRates.entries()) {
    let sum = 0;
    for (let place = 0; place < microBatches; place++) {
      const tensors = await PeerTensors.read(join(folder, `batch-${step}-${place}.safetensors`));
      const [pictures, labels] = [tensors.bytes('pictures'), tensors.integers('labels')];
      const last = place === microBatches - 1;
      const result = last
        ? await session.step(pictures, labels, learningRate)
        : await session.accumulate(pictures, labels);
      sum += result.losses.reduce((total, loss) => total + loss, 0) / result.losses.length;
    }
    losses.push(sum / microBatches);
    // The first time it copies.
    if (averageDecay !== null) await session.average(step === 0 ? 0 : averageDecay);
    if (step === 0) first = session.state().weights;
  }
  const [last, average] = [session.state().weights, session.weights()];
  await session.dispose();
  return { losses, first, last, average };
}

/**
 * @param {import('./peer.js').Peer} peer
 * @param {[string, Architecture, OptimizerOptions, number, UpdateChoices?]} traceCase
 * @param {number} threads
 * @returns {Promise<Row[]>}
 */
async function compareTrace(peer, [title, architecture, optimizer, rate, update = {}], threads) {
  return withFolder(async (folder) => {
    const learningRates = Array.from({ length: STEPS }, (_, step) => rate * (1 - step / (2 * STEPS)));
    const { microBatches = 1, clipNorm = null, decayNormAndBias = false, averageDecay = null } = update;
    const batch = TRACE_BATCH / microBatches;
    const choices = { microBatches, clipNorm, decayNormAndBias };
    const common = { architecture, resolution: TRACE_RESOLUTION, batch, optimizer, ...choices };
    await peer.ask('trace', { ...common, averageDecay, learningRates, seed: TRACE_SEED, calm: true }, folder);
    const { single, double } = await readTwins(folder);
    const own = await ownTrace(folder, { ...common, threads }, learningRates, averageDecay);
    const [one, two] = [single.numbers('losses'), double.numbers('losses')];
    const drop = `${one[0]?.toFixed(2)} to ${one.at(-1)?.toFixed(2)}`;
    /** @type {Row[]} */
    const rows = [
      {
        check: `${title}: losses of ${STEPS} steps`,
        difference: relativeDifference(own.losses, one),
        limit: LOSS_LIMIT,
        own: relativeDifference(own.losses, two),
        peer: relativeDifference(one, two),
        note: drop,
      },
    ];
    for (const [when, state] of /** @type {const} */ ([
      ['first', own.first],
      ['last', own.last],
    ])) {
      const names = namesWith(single, `${when} `);
      const values = {
        found: lookupIn(state),
        single: lookupWith(single, `${when} `),
        double: lookupWith(double, `${when} `),
      };
      const check = `${title}: running statistics, ${when} step`;
      rows.push(worstRow(check, STATISTICS_LIMIT, (a, b) => worstStatistic(names, a, b), values));
    }
    const averages = namesWith(single, 'average ');
    if (averages.length > 0) {
      const values = {
        found: lookupIn(own.average),
        single: lookupWith(single, 'average '),
        double: lookupWith(double, 'average '),
      };
      const check = `${title}: ${averages.length} averages`;
      rows.push(worstRow(check, STATISTICS_LIMIT, (a, b) => worstWeight(averages, a, b), values));
    }
    return rows;
  });
}

/** @type {import('./run.js').Check} */
export async function checkGradients(peer, { threads, wanted }) {
  const rows = [];
  for (const [index, gradientCase] of GRADIENT_CASES.entries()) {
    if (wanted(gradientCase[0]))
      rows.push(...(await compareGradients(peer, gradientCase, { seed: index + 1, threads })));
  }
  return rows;
}

const COURSE = { learningRate: 0.4, totalSteps: 500 };
/** @type {import('./bneck.js').Schedule[]} */
const SCHEDULES = [
  { kind: 'constant', ...COURSE, warmupSteps: 20 },
  { kind: 'cosine', ...COURSE, warmupSteps: 25, leastRate: 0.001 },
  { kind: 'step', ...COURSE, warmupSteps: 7, everySteps: 20, factor: 0.9 },
  { kind: 'exponential', ...COURSE, warmupSteps: 10, everySteps: 50, factor: 0.6 },
  { kind: 'one-cycle', ...COURSE, warmupSteps: 150, startShare: 1 / 25, endShare: 1 / 25e4 },
];

/** @type {import('./run.js').Check} */
export async function checkSchedules(peer, { wanted }) {
  const rows = [];
  for (const schedule of SCHEDULES) {
    const check = `Schedule ${schedule.kind}: learning rates of ${schedule.totalSteps} steps`;
    if (!wanted(check)) continue;
    const { rates } = await peer.ask('schedule_rates', { ...schedule }, '');
    const own = rates.map((/** @type {number} */ _, /** @type {number} */ step) => learningRateAt(schedule, step));
    rows.push({ check, difference: relativeDifference(own, rates), limit: SCHEDULE_LIMIT });
  }
  return rows;
}

/** @type {import('./run.js').Check} */
export async function checkTraces(peer, { threads, wanted }) {
  const rows = [];
  for (const traceCase of TRACE_CASES) {
    if (wanted(traceCase[0])) rows.push(...(await compareTrace(peer, traceCase, threads)));
  }
  return rows;
}
