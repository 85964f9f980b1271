// Weights from their saved layout (OIHW) into the order the inner loops read them, with batch norm's
// scale folded in where `scale` is given; a map's rows into that order; and gradients from task order back into the saved layout.

import { map_step, pack_columns } from './panel';

/**
 * packed[panel][k][8]: column n = 8 * panel + j of the forward matrix, k = (ky * K + kx) * in + ci for weight
 * [out][in][taps = K * K]; columns past `outChannels` are zeros. scale [out] or 0. A tile is one panel.
 */
export function f32_pack_panels_forward(
  weight: usize, scale: usize, packed: usize, outChannels: i32, inChannels: i32, taps: i32, tile: i32, scratch: usize,
): void {
  const depth = inChannels * taps;
  const target = packed + (<usize>tile * <usize>depth << 5);
  for (let j = 0; j < 8; j++) {
    const column = tile * 8 + j;
    let out = target + (<usize>j << 2);
    if (column >= outChannels) {
      for (let k = 0; k < depth; k++) {
        store<f32>(out, 0.0);
        out += 32;
      }
      continue;
    }
    const factor: f32 = scale == 0 ? 1.0 : load<f32>(scale + (<usize>column << 2));
    const row = weight + (<usize>column * <usize>depth << 2);
    for (let tap = 0; tap < taps; tap++) {
      let source = row + (<usize>tap << 2);
      for (let channel = 0; channel < inChannels; channel++) {
        store<f32>(out, load<f32>(source) * factor);
        out += 32;
        source += <usize>taps << 2;
      }
    }
  }
}

/**
 * packed[panel][k][8]: column n = input channel 8 * panel + j of the transposed matrix, k = output channel, for
 * weight [out][in]; columns past `inChannels` are zeros. A tile is one panel.
 */
export function f32_pack_panels_transposed(
  weight: usize, packed: usize, outChannels: i32, inChannels: i32, tile: i32, scratch: usize,
): void {
  let target = packed + (<usize>tile * <usize>outChannels << 5);
  const first = tile * 8;
  let source = weight + (<usize>first << 2);
  for (let k = 0; k < outChannels; k++) {
    for (let j = 0; j < 8; j++) {
      store<f32>(target + (<usize>j << 2), first + j < inChannels ? load<f32>(source + (<usize>j << 2)) : <f32>0.0);
    }
    target += 32;
    source += <usize>inChannels << 2;
  }
}

/**
 * packed[panel][taps - 1 - tap][8] = weight [channels][taps], as a depthwise convolution's gradient passes through it: in reverse; channels past the last are zeros. Forward it is
 * f32_pack_panels_forward of one input channel. A tile is one panel.
 */
export function f32_pack_depthwise_transposed(weight: usize, packed: usize, channels: i32, taps: i32, tile: i32, scratch: usize): void {
  let target = packed + (<usize>(tile * taps) << 5);
  for (let tap = taps - 1; tap >= 0; tap--) {
    for (let channel = tile * 8; channel < tile * 8 + 8; channel++) {
      store<f32>(target, channel < channels ? load<f32>(weight + (<usize>(channel * taps + tap) << 2)) : <f32>0.0);
      target += 4;
    }
  }
}

/**
 * packed <- x [rows][channels] in panels of eight channels, map_step (panel.ts) apart; channels are a multiple of 8.
 * A tile is `rowsPerTask` rows.
 */
export function f32_pack_rows_forward(x: usize, packed: usize, rows: i32, channels: i32, rowsPerTask: i32, tile: i32, scratch: usize): void {
  const first = tile * rowsPerTask;
  const stride = <usize>channels << 2;
  pack_columns(packed + (<usize>first << 5), map_step(rows), x + <usize>first * stride, stride, min(rowsPerTask, rows - first), channels);
}

/** x [rows][channels] <- packed, as f32_pack_rows_forward has it; channels are a multiple of 8. A tile is `rowsPerTask` rows. */
export function f32_unpack_rows_forward(packed: usize, x: usize, rows: i32, channels: i32, rowsPerTask: i32, tile: i32, scratch: usize): void {
  const step = map_step(rows);
  const first = tile * rowsPerTask;
  const stride = <usize>channels << 2;
  for (let row: usize = first; row < <usize>min(first + rowsPerTask, rows); row++) {
    let source = packed + (row << 5);
    const end = x + (row + 1) * stride;
    for (let target = end - stride; target < end; target += 32) {
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
      source += step;
    }
  }
}

/**
 * out = the sum over tasks, in task order, of partials[task], each [groups][rows][columns], written as
 * [groups][columns][rows] (rows = 1: as it is). The length groups * rows * columns is a multiple of 4.
 * A tile is 4096 values of a partial.
 */
export function f32_partials_grad_weight(
  partials: usize, out: usize, partialCount: i32, groups: i32, rows: i32, columns: i32, tile: i32, scratch: usize,
): void {
  const length = groups * rows * columns;
  const stride = <usize>length << 2;
  const end = min((tile + 1) * 4096, length);
  for (let i = tile * 4096; i < end; i += 4) {
    let source = partials + (<usize>i << 2);
    let sum = v128.load(source);
    for (let task = 1; task < partialCount; task++) {
      source += stride;
      sum = f32x4.add(sum, v128.load(source));
    }
    if (rows == 1) {
      v128.store(out + (<usize>i << 2), sum);
    } else {
      store_transposed(out, i, rows, columns, f32x4.extract_lane(sum, 0));
      store_transposed(out, i + 1, rows, columns, f32x4.extract_lane(sum, 1));
      store_transposed(out, i + 2, rows, columns, f32x4.extract_lane(sum, 2));
      store_transposed(out, i + 3, rows, columns, f32x4.extract_lane(sum, 3));
    }
  }
}

function store_transposed(out: usize, index: i32, rows: i32, columns: i32, value: f32): void {
  const size = rows * columns;
  const group = index / size;
  const inside = index % size;
  const row = inside / columns;
  const column = inside % columns;
  store<f32>(out + (<usize>(group * size + column * rows + row) << 2), value);
}
