// Batch norm's statistics. While a convolution's output rows are still in cache, each task adds them
// up, as sums of (y - p) and (y - p)^2 around a pivot p (its first row), which keeps the variance
// exact where the mean is far from zero. Tasks leave (count, mean, M2); the finalize kernel merges
// them in task order (Chan, Golub, LeVeque 1979) in double precision.
//
// A task's partial: [count, -, -, -][mean: channels][M2: channels], floats.

import { HARD_SWISH, hard_swish_slope, held, high_of, inside, low_of } from './activation';
import { VECTOR } from './vector';

export function partial_bytes(channels: i32): usize {
  return 16 + (<usize>channels << 3);
}

/** Bytes of a task's accumulators: [pivot, sum, sum of squares][channels]. */
export function accumulator_bytes(channels: i32): usize {
  return (<usize>channels << 2) * 3;
}

export function begin_statistics(accumulators: usize, firstRow: usize, channels: i32): void {
  const bytes = <usize>channels << 2;
  memory.copy(accumulators, firstRow, bytes);
  memory.fill(accumulators + bytes, 0, bytes * 2);
}

/** Adds rows of y, `stride` bytes apart. The rows of one call are summed first, then added: two levels keep rounding small. */
export function add_statistics(accumulators: usize, y: usize, stride: usize, rows: i32, channels: i32): void {
  const bytes = <usize>channels << 2;
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    const pivot = v128.load(accumulators + c);
    let sum0 = f32x4.splat(0.0), sum1 = sum0, square0 = sum0, square1 = sum0;
    let source = y + c;
    const pairs = source + <usize>(rows & ~1) * stride;
    while (source != pairs) {
      const d0 = f32x4.sub(v128.load(source), pivot);
      const d1 = f32x4.sub(v128.load(source + stride), pivot);
      sum0 = f32x4.add(sum0, d0);
      sum1 = f32x4.add(sum1, d1);
      square0 = f32x4.add(square0, f32x4.mul(d0, d0));
      square1 = f32x4.add(square1, f32x4.mul(d1, d1));
      source += stride * 2;
    }
    if ((rows & 1) != 0) {
      const d0 = f32x4.sub(v128.load(source), pivot);
      sum0 = f32x4.add(sum0, d0);
      square0 = f32x4.add(square0, f32x4.mul(d0, d0));
    }
    const sums = accumulators + bytes + c;
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.add(sum0, sum1)));
    v128.store(sums + bytes, f32x4.add(v128.load(sums + bytes), f32x4.add(square0, square1)));
  }
}

/** Writes `channels` channels of a partial that covers `allChannels`, from channel `first` on. */
export function end_statistics(accumulators: usize, partial: usize, count: i32, first: i32, channels: i32, allChannels: i32): void {
  if (first == 0) store<f32>(partial, <f32>count);
  const bytes = <usize>channels << 2;
  const mean = partial + 16 + (<usize>first << 2);
  const m2 = mean + (<usize>allChannels << 2);
  const n = f32x4.splat(<f32>count);
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    const sum = v128.load(accumulators + bytes + c);
    const average = f32x4.div(sum, n);
    v128.store(mean + c, f32x4.add(v128.load(accumulators + c), average));
    v128.store(m2 + c, f32x4.sub(v128.load(accumulators + bytes * 2 + c), f32x4.mul(sum, average)));
  }
}

const CHANNELS_PER_TILE: i32 = 32;

/**
 * Merges the partials of all tasks; writes what the forward and backward passes need, and moves the
 * running statistics (running = (1 - momentum) * running + momentum * batch, with the unbiased
 * variance, as torch.nn.BatchNorm2d).
 * partials [partialCount][4 + 2 channels]; weight, bias, runningMean, runningVariance [channels];
 * coefficients [2][channels] <- scale = weight / sqrt(var + epsilon), shift = bias - mean * scale;
 * saved [2][channels] <- mean, 1 / sqrt(var + epsilon). A tile is 32 channels.
 */
export function f32_batch_norm_statistics_forward(
  partials: usize, weight: usize, bias: usize, runningMean: usize, runningVariance: usize, coefficients: usize, saved: usize,
  partialCount: i32, channels: i32, epsilon: f32, momentum: f32, tile: i32, scratch: usize,
): void {
  const end = min((tile + 1) * CHANNELS_PER_TILE, channels);
  const partialStride = partial_bytes(channels);
  const channelBytes = <usize>channels << 2;
  for (let channel = tile * CHANNELS_PER_TILE; channel < end; channel++) {
    const c = <usize>channel << 2;
    let count: f64 = 0.0, mean: f64 = 0.0, m2: f64 = 0.0;
    let partial = partials;
    for (let task = 0; task < partialCount; task++) {
      const n = <f64>load<f32>(partial);
      const delta = <f64>load<f32>(partial + 16 + c) - mean;
      const total = count + n;
      mean += (delta * n) / total;
      m2 += <f64>load<f32>(partial + 16 + channelBytes + c) + (delta * delta * count * n) / total;
      count = total;
      partial += partialStride;
    }
    const variance = max(m2 / count, 0.0);
    const inverse = 1.0 / Math.sqrt(variance + <f64>epsilon);
    const scale = <f64>load<f32>(weight + c) * inverse;
    store<f32>(coefficients + c, <f32>scale);
    store<f32>(coefficients + channelBytes + c, <f32>(<f64>load<f32>(bias + c) - mean * scale));
    store<f32>(saved + c, <f32>mean);
    store<f32>(saved + channelBytes + c, <f32>inverse);
    const rate = <f64>momentum;
    const unbiased = count > 1.0 ? m2 / (count - 1.0) : variance;
    store<f32>(runningMean + c, <f32>((1.0 - rate) * <f64>load<f32>(runningMean + c) + rate * mean));
    store<f32>(runningVariance + c, <f32>((1.0 - rate) * <f64>load<f32>(runningVariance + c) + rate * max(unbiased, 0.0)));
  }
}

/**
 * Scale and shift of batch norm in inference: scale = weight / sqrt(runningVariance + epsilon),
 * shift = bias - runningMean * scale. All [channels]; coefficients [2][channels] written. A tile is 32 channels.
 */
export function f32_batch_norm_fold_forward(
  weight: usize, bias: usize, runningMean: usize, runningVariance: usize, coefficients: usize,
  channels: i32, epsilon: f32, factor: f32, tile: i32, scratch: usize,
): void {
  const end = min((tile + 1) * CHANNELS_PER_TILE, channels);
  for (let channel = tile * CHANNELS_PER_TILE; channel < end; channel++) {
    const c = <usize>channel << 2;
    const scale = <f64>load<f32>(weight + c) * <f64>factor / Math.sqrt(<f64>load<f32>(runningVariance + c) + <f64>epsilon);
    store<f32>(coefficients + c, <f32>scale);
    const shift = <f64>load<f32>(bias + c) * <f64>factor - <f64>load<f32>(runningMean + c) * scale;
    store<f32>(coefficients + (<usize>channels << 2) + c, <f32>shift);
  }
}

/**
 * Adds the two sums that batch norm's gradient needs over rows: sums [2][channels] +=
 * (dz, dz * (y - mean)), with dz = da * activation'(y * scale + shift). da and y rows stand `stride` bytes apart.
 */
export function add_gradient_sums(
  sums: usize, da: usize, daStride: usize, y: usize, yStride: usize, rows: i32, channels: i32,
  coefficients: usize, mean: usize, coefficientStride: usize, activation: i32,
): void {
  const bytes = <usize>channels << 2;
  const low = low_of(activation);
  const high = high_of(activation);
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    const scale = v128.load(coefficients + c);
    const shift = v128.load(coefficients + coefficientStride + c);
    const average = v128.load(mean + c);
    let sum = f32x4.splat(0.0);
    let product = sum;
    let gradient = da + c;
    let source = y + c;
    const last = source + <usize>rows * yStride;
    if (activation == HARD_SWISH) {
      const three = held(3.0), minusThree = held(-3.0), third = held(<f32>(1.0 / 3.0)), half = held(0.5), one = held(1.0);
      do {
        const value = v128.load(source);
        const dz = f32x4.mul(v128.load(gradient), hard_swish_slope(f32x4.add(f32x4.mul(value, scale), shift), three, minusThree, third, half, one));
        sum = f32x4.add(sum, dz);
        product = f32x4.add(product, f32x4.mul(dz, f32x4.sub(value, average)));
        gradient += daStride;
        source += yStride;
      } while (source != last);
    } else {
      do {
        const value = v128.load(source);
        const dz = v128.and(v128.load(gradient), inside(f32x4.add(f32x4.mul(value, scale), shift), low, high));
        sum = f32x4.add(sum, dz);
        product = f32x4.add(product, f32x4.mul(dz, f32x4.sub(value, average)));
        gradient += daStride;
        source += yStride;
      } while (source != last);
    }
    v128.store(sums + c, f32x4.add(v128.load(sums + c), sum));
    v128.store(sums + bytes + c, f32x4.add(v128.load(sums + bytes + c), product));
  }
}

/**
 * The gradient sums of a whole tensor, where no kernel's epilogue could gather them. da, y
 * [rows][channels]; partials [tasks][2][channels] written. A tile is `rowsPerTask` rows.
 */
export function f32_batch_norm_sums_grad_input(
  da: usize, y: usize, coefficients: usize, saved: usize, partials: usize,
  rows: i32, channels: i32, rowsPerTask: i32, activation: i32, tile: i32, scratch: usize,
): void {
  const stride = <usize>channels << 2;
  const first = tile * rowsPerTask;
  const end = min(first + rowsPerTask, rows);
  const partial = partials + <usize>tile * stride * 2;
  memory.fill(partial, 0, stride * 2);
  for (let row = first; row < end; row += 64) {
    const at = <usize>row * stride;
    add_gradient_sums(partial, da + at, stride, y + at, stride, min(64, end - row), channels, coefficients, saved, stride, activation);
  }
}

/**
 * From the gradient sums to the parameters' gradients and the factors of
 * dy = k1 * dz + k2 * y + k3 (the gradient of batch norm in training, Ioffe and Szegedy 2015, written as a
 * line in y). partials [partialCount][2][channels]; coefficients, saved as
 * f32_batch_norm_statistics_forward left them; dWeight, dBias [channels] and factors [3][channels]
 * written. `count` is the number of values a channel was normalised over. A tile is 32 channels.
 */
export function f32_batch_norm_factors_grad_input(
  partials: usize, coefficients: usize, saved: usize, dWeight: usize, dBias: usize, factors: usize,
  partialCount: i32, channels: i32, count: i32, tile: i32, scratch: usize,
): void {
  const end = min((tile + 1) * CHANNELS_PER_TILE, channels);
  const channelBytes = <usize>channels << 2;
  for (let channel = tile * CHANNELS_PER_TILE; channel < end; channel++) {
    const c = <usize>channel << 2;
    let sum: f64 = 0.0, product: f64 = 0.0;
    let partial = partials + c;
    for (let task = 0; task < partialCount; task++) {
      sum += <f64>load<f32>(partial);
      product += <f64>load<f32>(partial + channelBytes);
      partial += channelBytes * 2;
    }
    const mean = <f64>load<f32>(saved + c);
    const inverse = <f64>load<f32>(saved + channelBytes + c);
    const k1 = <f64>load<f32>(coefficients + c);
    const dScale = product * inverse;
    const k2 = (-k1 * dScale * inverse) / <f64>count;
    store<f32>(dWeight + c, <f32>dScale);
    store<f32>(dBias + c, <f32>sum);
    store<f32>(factors + c, <f32>k1);
    store<f32>(factors + channelBytes + c, <f32>k2);
    store<f32>(factors + channelBytes * 2 + c, <f32>((-k1 * sum) / <f64>count - k2 * mean));
  }
}
