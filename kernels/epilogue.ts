// What happens to output rows of an inference kernel while they are in cache: activation, then residual.

import { HARD_SWISH, NONE, clamp, hard_swish, high_of, low_of, offset_of, slope_of, activate } from './activation';

/** y = activation(y) + residual, in place, rows `stride` bytes apart; residual (0: none) has the same stride. */
export function finish_rows(y: usize, stride: usize, rows: i32, columns: i32, activation: i32, residual: usize): void {
  if (activation == NONE && residual == 0) return;
  const low = low_of(activation);
  const high = high_of(activation);
  const slope = slope_of(activation);
  const offset = offset_of(activation);
  const vectors = <usize>(columns & ~3) << 2;
  const bytes = <usize>columns << 2;
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    if (activation == HARD_SWISH) {
      for (; c < vectors; c += 16) v128.store(y + c, hard_swish(v128.load(y + c)));
    } else if (activation != NONE) {
      for (; c < vectors; c += 16) {
        v128.store(y + c, clamp(f32x4.add(f32x4.mul(v128.load(y + c), slope), offset), low, high));
      }
    }
    if (activation != NONE) {
      for (c = vectors; c < bytes; c += 4) {
        store<f32>(y + c, f32x4.extract_lane(activate(v128.load32_splat(y + c), activation), 0));
      }
    }
    if (residual != 0) {
      for (c = 0; c < vectors; c += 16) v128.store(y + c, f32x4.add(v128.load(y + c), v128.load(residual + c)));
      for (; c < bytes; c += 4) store<f32>(y + c, load<f32>(y + c) + load<f32>(residual + c));
      residual += stride;
    }
    y += stride;
  }
}
