/** Rows of kernels/statistics.ts: batch norm's statistics, folding and gradient. */
import { ceilDivide, type Kernel, mapActivation, multipleOf4, type Sizes, size } from './kernel.ts';
import { array, at, range, writeGradientSums } from './reference-views.ts';

const channels = (s: Sizes) => size(s, 'channels');
const partialCount = (s: Sizes) => size(s, 'partialCount');
const channelTiles = (s: Sizes) => ceilDivide(channels(s), 32);
const rowTasks = (s: Sizes) => ceilDivide(size(s, 'rows'), size(s, 'rowsPerTask'));

export const batchNormStatisticsForward: Kernel = {
  name: 'f32_batch_norm_statistics_forward',
  file: 'statistics',
  pointers: {
    partials: { access: 'read', fill: 'positive', length: (s) => partialCount(s) * (4 + 2 * channels(s)) },
    weight: { access: 'read', length: channels },
    bias: { access: 'read', length: channels },
    runningMean: { access: 'update', length: channels },
    runningVariance: { access: 'update', fill: 'positive', length: channels },
    coefficients: { access: 'write', length: (s) => 2 * channels(s) },
    saved: { access: 'write', length: (s) => 2 * channels(s) },
  },
  integers: ['partialCount', 'channels'],
  floats: ['epsilon', 'momentum'],
  tiles: channelTiles,
  scratchBytes: () => 0,
  flops: (s) => 12 * partialCount(s) * channels(s),
  reduction: partialCount,
  reference(s, arrays) {
    const partials = array(arrays, 'partials');
    const [coefficients, saved] = [array(arrays, 'coefficients'), array(arrays, 'saved')];
    const [runningMean, runningVariance] = [array(arrays, 'runningMean'), array(arrays, 'runningVariance')];
    const n = channels(s);
    const momentum = size(s, 'momentum');
    const starts = range(0, partialCount(s)).map((task) => task * (4 + 2 * n));
    const count = starts.reduce((sum, start) => sum + at(partials, start), 0);
    for (let c = 0; c < n; c++) {
      const mean = starts.reduce((sum, start) => sum + at(partials, start) * at(partials, start + 4 + c), 0) / count;
      const m2 = starts.reduce(
        (sum, start) =>
          sum + at(partials, start + 4 + n + c) + at(partials, start) * (at(partials, start + 4 + c) - mean) ** 2,
        0,
      );
      const inverse = 1 / Math.sqrt(m2 / count + size(s, 'epsilon'));
      const scale = at(array(arrays, 'weight'), c) * inverse;
      coefficients[c] = scale;
      coefficients[n + c] = at(array(arrays, 'bias'), c) - mean * scale;
      saved[c] = mean;
      saved[n + c] = inverse;
      runningMean[c] = (1 - momentum) * at(runningMean, c) + momentum * mean;
      // of a single value there is no unbiased variance
      const unbiased = count > 1 ? m2 / (count - 1) : m2 / count;
      runningVariance[c] = (1 - momentum) * at(runningVariance, c) + momentum * unbiased;
    }
  },
  cases: [
    { sizes: { partialCount: 5, channels: 40, epsilon: 1e-3, momentum: 0.01 } },
    { sizes: { partialCount: 1, channels: 8, epsilon: 1e-5, momentum: 0.1 } },
  ],
};

export const batchNormFoldForward: Kernel = {
  name: 'f32_batch_norm_fold_forward',
  file: 'statistics',
  pointers: {
    weight: { access: 'read', length: channels },
    bias: { access: 'read', length: channels },
    runningMean: { access: 'read', length: channels },
    runningVariance: { access: 'read', fill: 'positive', length: channels },
    coefficients: { access: 'write', length: (s) => 2 * channels(s) },
  },
  integers: ['channels'],
  floats: ['epsilon', 'factor'],
  tiles: channelTiles,
  scratchBytes: () => 0,
  flops: (s) => 8 * channels(s),
  reduction: () => 1,
  reference(s, arrays) {
    const coefficients = array(arrays, 'coefficients');
    for (let c = 0; c < channels(s); c++) {
      const deviation = Math.sqrt(at(array(arrays, 'runningVariance'), c) + size(s, 'epsilon'));
      const factor = size(s, 'factor');
      const scale = (at(array(arrays, 'weight'), c) * factor) / deviation;
      coefficients[c] = scale;
      coefficients[channels(s) + c] =
        at(array(arrays, 'bias'), c) * factor - at(array(arrays, 'runningMean'), c) * scale;
    }
  },
  cases: [
    { sizes: { channels: 37, epsilon: 1e-3, factor: 1 } },
    { sizes: { channels: 8, epsilon: 1e-5, factor: 0.4 } },
  ],
};

export const batchNormSumsGradInput: Kernel = {
  name: 'f32_batch_norm_sums_grad_input',
  file: 'statistics',
  pointers: {
    da: { access: 'read', length: (s) => size(s, 'rows') * channels(s) },
    y: { access: 'read', length: (s) => size(s, 'rows') * channels(s) },
    coefficients: { access: 'read', length: (s) => 2 * channels(s) },
    saved: { access: 'read', length: (s) => 2 * channels(s) },
    partials: { access: 'write', length: (s) => rowTasks(s) * 2 * channels(s) },
  },
  integers: ['rows', 'channels', 'rowsPerTask', 'activation'],
  floats: [],
  tiles: rowTasks,
  scratchBytes: () => 0,
  flops: (s) => 8 * size(s, 'rows') * channels(s),
  reduction: (s) => size(s, 'rowsPerTask'),
  constraint: (s) => multipleOf4('channels')(s) ?? mapActivation('activation')(s),
  reference(s, arrays) {
    const operands = {
      da: arrays.da,
      y: array(arrays, 'y'),
      coefficients: array(arrays, 'coefficients'),
      activation: size(s, 'activation'),
    };
    for (let task = 0; task < rowTasks(s); task++) {
      const first = task * size(s, 'rowsPerTask');
      const taskRows = range(first, Math.min(first + size(s, 'rowsPerTask'), size(s, 'rows')));
      writeGradientSums(array(arrays, 'partials'), task, operands, array(arrays, 'saved'), taskRows, channels(s));
    }
  },
  cases: [
    { sizes: { rows: 150, channels: 20, rowsPerTask: 70, activation: 3 } },
    { sizes: { rows: 5, channels: 8, rowsPerTask: 3, activation: 1 } },
    { sizes: { rows: 65, channels: 4, rowsPerTask: 65, activation: 0 } },
  ],
};

export const batchNormFactorsGradInput: Kernel = {
  name: 'f32_batch_norm_factors_grad_input',
  file: 'statistics',
  pointers: {
    partials: { access: 'read', length: (s) => partialCount(s) * 2 * channels(s) },
    coefficients: { access: 'read', length: (s) => 2 * channels(s) },
    saved: { access: 'read', length: (s) => 2 * channels(s) },
    dWeight: { access: 'write', length: channels },
    dBias: { access: 'write', length: channels },
    factors: { access: 'write', length: (s) => 3 * channels(s) },
  },
  integers: ['partialCount', 'channels', 'count'],
  floats: [],
  tiles: channelTiles,
  scratchBytes: () => 0,
  flops: (s) => 2 * partialCount(s) * channels(s),
  reduction: partialCount,
  reference(s, arrays) {
    const partials = array(arrays, 'partials');
    const factors = array(arrays, 'factors');
    const n = channels(s);
    for (let c = 0; c < n; c++) {
      let sum = 0;
      let product = 0;
      for (let task = 0; task < partialCount(s); task++) {
        sum += at(partials, task * 2 * n + c);
        product += at(partials, (task * 2 + 1) * n + c);
      }
      const mean = at(array(arrays, 'saved'), c);
      const inverse = at(array(arrays, 'saved'), n + c);
      const k1 = at(array(arrays, 'coefficients'), c);
      const k2 = (-k1 * product * inverse * inverse) / size(s, 'count');
      array(arrays, 'dWeight')[c] = product * inverse;
      array(arrays, 'dBias')[c] = sum;
      factors[c] = k1;
      factors[n + c] = k2;
      factors[2 * n + c] = (-k1 * sum) / size(s, 'count') - k2 * mean;
    }
  },
  cases: [{ sizes: { partialCount: 7, channels: 36, count: 50 } }],
};
