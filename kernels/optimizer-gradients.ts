// What happens to gradients between the backward pass and the update: sums over micro-batches, and
// clipping by the norm of all of them. Each call works on a run of [length] floats, a multiple of 4.

const FLOATS_PER_TILE: i32 = 16384;

/** sums += gradients. Both [length]. A tile is 16384 floats. flops: length; bytes: 12 length. */
export function f32_gradient_sum_update(sums: usize, gradients: usize, length: i32, tile: i32, scratch: usize): void {
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    v128.store(sums + i, f32x4.add(v128.load(sums + i), v128.load(gradients + i)));
  }
}

/**
 * gradients = (sums + gradients) * scale; sums = 0: the mean over micro-batches, of which the last is in
 * `gradients`. Both [length]. A tile is 16384 floats. flops: 2 length; bytes: 16 length.
 */
export function f32_gradient_mean_update(
  sums: usize, gradients: usize, length: i32, scale: f32, tile: i32, scratch: usize,
): void {
  const factor = f32x4.splat(scale);
  const zero = f32x4.splat(0.0);
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    const sum = f32x4.add(v128.load(sums + i), v128.load(gradients + i));
    v128.store(gradients + i, f32x4.mul(sum, factor));
    v128.store(sums + i, zero);
  }
}

/**
 * Sums of squares: partials[tile] = four numbers, whose sum is that of gradient^2 over the tile. gradients
 * [length]; partials [tiles][4] written. Added in double precision in a fixed order. A tile is 16384
 * floats. flops: 2 length; bytes: 4 length.
 */
export function f32_gradient_norm_forward(gradients: usize, partials: usize, length: i32, tile: i32, scratch: usize): void {
  let even = f64x2.splat(0.0), odd = even;
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    const g = v128.load(gradients + i);
    const low = f64x2.promote_low_f32x4(g);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(g, g, 2, 3, 2, 3));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  const target = partials + (<usize>tile << 4);
  store<f32>(target, <f32>f64x2.extract_lane(even, 0));
  store<f32>(target, <f32>f64x2.extract_lane(even, 1), 4);
  store<f32>(target, <f32>f64x2.extract_lane(odd, 0), 8);
  store<f32>(target, <f32>f64x2.extract_lane(odd, 1), 12);
}

/**
 * gradients *= limit / (norm + 1e-6) where that is below 1, with norm = sqrt(sum of all partials), as
 * torch.nn.utils.clip_grad_norm_. gradients [length]; partials [partialCount][4], of all runs of
 * parameters together. Each tile adds them up by itself, in their order. A tile is 16384 floats.
 * flops: length; bytes: 8 length where clipped.
 */
export function f32_gradient_clip_update(
  partials: usize, gradients: usize, length: i32, partialCount: i32, limit: f32, tile: i32, scratch: usize,
): void {
  let square: f64 = 0.0;
  const partialsEnd = partials + (<usize>partialCount << 4);
  for (let partial = partials; partial < partialsEnd; partial += 4) square += <f64>load<f32>(partial);
  const factor = <f64>limit / (Math.sqrt(square) + 1e-6);
  if (factor >= 1.0) return;
  const scale = f32x4.splat(<f32>factor);
  const end = <usize>min((tile + 1) * FLOATS_PER_TILE, length) << 2;
  for (let i = <usize>(tile * FLOATS_PER_TILE) << 2; i < end; i += 16) {
    v128.store(gradients + i, f32x4.mul(v128.load(gradients + i), scale));
  }
}
