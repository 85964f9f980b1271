// Weight updates over all parameters of one group at once, [length] floats. What changes from step to
// step (the learning rate, bias corrections) stands in `rates`, written by the trainer before each step.
// The arithmetic is that of torch.optim.

const FLOATS_PER_TILE: i32 = 16384;

/**
 * g = gradient + decay * w; v = momentum * v + g; w -= rate * (nesterov ? g + momentum * v : v).
 * rates [1]: learning rate. weights, velocity updated (a velocity of zeros starts as PyTorch's does).
 * A tile is 16384 floats.
 */
export function f32_sgd_update(
  weights: usize, gradients: usize, velocity: usize, rates: usize, length: i32, nesterov: i32, momentum: f32, decay: f32,
  tile: i32, scratch: usize,
): void {
  const rate = v128.load32_splat(rates);
  const keep = f32x4.splat(momentum);
  const pull = f32x4.splat(decay);
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    const w = v128.load(weights + i);
    const g = f32x4.add(v128.load(gradients + i), f32x4.mul(pull, w));
    const v = f32x4.add(f32x4.mul(keep, v128.load(velocity + i)), g);
    v128.store(velocity + i, v);
    const step = nesterov ? f32x4.add(g, f32x4.mul(keep, v)) : v;
    v128.store(weights + i, f32x4.sub(w, f32x4.mul(rate, step)));
  }
}

/**
 * Adam (Kingma and Ba 2015): m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
 * w = shrink * w - rate * m / (sqrt(v) * correction + epsilon). rates [5]: learning rate / (1 - beta1^t),
 * 1 / sqrt(1 - beta2^t), 1 - beta1, 1 - beta2, shrink (from double precision, as PyTorch). Weight decay is
 * either added to the gradient (`decay`, L2) or, in AdamW (Loshchilov and Hutter 2019), decoupled from it:
 * shrink = 1 - learning rate * decay. A tile is 16384 floats.
 */
export function f32_adam_update(
  weights: usize, gradients: usize, first: usize, second: usize, rates: usize, length: i32,
  beta1: f32, beta2: f32, epsilon: f32, decay: f32, tile: i32, scratch: usize,
): void {
  const rate = v128.load32_splat(rates);
  const correction = v128.load32_splat(rates, 4);
  const keep1 = f32x4.splat(beta1);
  const take1 = v128.load32_splat(rates, 8);
  const keep2 = f32x4.splat(beta2);
  const take2 = v128.load32_splat(rates, 12);
  const shrink = v128.load32_splat(rates, 16);
  const floor = f32x4.splat(epsilon);
  const pull = f32x4.splat(decay);
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    const w = v128.load(weights + i);
    const g = f32x4.add(v128.load(gradients + i), f32x4.mul(pull, w));
    const m = f32x4.add(f32x4.mul(keep1, v128.load(first + i)), f32x4.mul(take1, g));
    const v = f32x4.add(f32x4.mul(keep2, v128.load(second + i)), f32x4.mul(take2, f32x4.mul(g, g)));
    v128.store(first + i, m);
    v128.store(second + i, v);
    const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(v), correction), floor);
    v128.store(weights + i, f32x4.sub(f32x4.mul(shrink, w), f32x4.mul(rate, f32x4.div(m, divisor))));
  }
}

/**
 * RMSprop (Tieleman and Hinton 2012): s = alpha s + (1 - alpha) g^2; b = momentum * b + g / root;
 * w -= rate * b, with root = sqrt(s) + epsilon as PyTorch has it, or sqrt(s + epsilon) as TensorFlow
 * (`inside` = 1). rates [2]: learning rate, 1 - alpha (from double precision). decay is added to the gradient.
 * A tile is 16384 floats.
 */
export function f32_rmsprop_update(
  weights: usize, gradients: usize, square: usize, velocity: usize, rates: usize, length: i32, inside: i32,
  alpha: f32, epsilon: f32, momentum: f32, decay: f32, tile: i32, scratch: usize,
): void {
  const rate = v128.load32_splat(rates);
  const take = v128.load32_splat(rates, 4);
  const keep = f32x4.splat(alpha);
  const carry = f32x4.splat(momentum);
  const pull = f32x4.splat(decay);
  const within = f32x4.splat(inside ? epsilon : 0.0);
  const beside = f32x4.splat(inside ? 0.0 : epsilon);
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    const w = v128.load(weights + i);
    const g = f32x4.add(v128.load(gradients + i), f32x4.mul(pull, w));
    const s = f32x4.add(f32x4.mul(keep, v128.load(square + i)), f32x4.mul(take, f32x4.mul(g, g)));
    v128.store(square + i, s);
    const root = f32x4.add(f32x4.sqrt(f32x4.add(s, within)), beside);
    const b = f32x4.add(f32x4.mul(carry, v128.load(velocity + i)), f32x4.div(g, root));
    v128.store(velocity + i, b);
    v128.store(weights + i, f32x4.sub(w, f32x4.mul(rate, b)));
  }
}

/**
 * averages = rates[0] * averages + rates[1] * values: an exponential moving average of weights. rates [2]:
 * decay, 1 - decay (from double precision); 0 and 1 copy. averages, values [length]. A tile is 16384 floats.
 */
export function f32_moving_average_update(
  averages: usize, values: usize, rates: usize, length: i32, tile: i32, scratch: usize,
): void {
  const keep = v128.load32_splat(rates);
  const take = v128.load32_splat(rates, 4);
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    const moved = f32x4.mul(take, v128.load(values + i));
    v128.store(averages + i, f32x4.add(f32x4.mul(keep, v128.load(averages + i)), moved));
  }
}
