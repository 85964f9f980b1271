// A plane is four neighbouring channels of some rows of a map, brought together in scratch: [rows][columns] vectors
// of 16 bytes, with zeros where it reaches outside the map. It is small enough for the first-level cache,
// which is where the loops of a depthwise convolution, going over each value many times, want it. These are
// the ways in (in the forms of view.ts, hard-sigmoid left out: no map has it) and out. Pixels of the map stand `pixelStride` bytes apart.

import { HARD_SWISH, activate, clamp, hard_swish, hard_swish_slope, held, high_of, inside, low_of } from './activation';
import { VECTOR, add_vector } from './vector';

/** Planes of a panel: the eight channels that stand together in a map of inference. */
export const PANEL_PLANES: usize = 32 / VECTOR;

/** target[count] = activation(source * scale + shift) */
function normalize_run(target: usize, source: usize, pixelStride: usize, count: i32, scales: usize, shifts: usize, activation: i32): void {
  const scale = v128.load(scales), shift = v128.load(shifts);
  const end = target + <usize>count * VECTOR;
  if (activation == HARD_SWISH) {
    const zero = held(0.0), three = held(3.0), six = held(6.0), sixth = held(<f32>(1.0 / 6.0));
    do {
      v128.store(target, hard_swish(f32x4.add(f32x4.mul(v128.load(source), scale), shift), zero, three, six, sixth));
      source += pixelStride;
      target += VECTOR;
    } while (target != end);
  } else {
    const low = low_of(activation);
    const high = high_of(activation);
    do {
      v128.store(target, clamp(f32x4.add(f32x4.mul(v128.load(source), scale), shift), low, high));
      source += pixelStride;
      target += VECTOR;
    } while (target != end);
  }
}

function copy_run(target: usize, source: usize, pixelStride: usize, count: i32): void {
  const end = target + <usize>count * VECTOR;
  do {
    v128.store(target, v128.load(source));
    source += pixelStride;
    target += VECTOR;
  } while (target != end);
}

/**
 * target[rows][columns] <- activation(x * scale + shift) from (top, left) on of the image whose four channels start
 * at `image`. scale 0: the values as they are. Columns outside the map are zeros already, since a plane's columns are
 * always the same ones; so are rows outside it, unless `clear`.
 */
export function normalize_plane(
  target: usize, rows: i32, columns: i32, image: usize, pixelStride: usize, height: i32, width: i32, top: i32, left: i32, clear: bool,
  scale: usize, shift: usize, activation: i32,
): void {
  const first = max(-left, 0);
  const end = max(min(width - left, columns), first);
  for (let row = top; row < top + rows; row++) {
    if (row < 0 || row >= height || first == end) {
      if (clear) memory.fill(target, 0, <usize>columns * VECTOR);
    } else {
      const source = image + <usize>(row * width + left + first) * pixelStride;
      const run = target + <usize>first * VECTOR;
      if (scale == 0) copy_run(run, source, pixelStride, end - first);
      else normalize_run(run, source, pixelStride, end - first, scale, shift, activation);
    }
    target += <usize>columns * VECTOR;
  }
}

/** Zeros from `at` to before `end`, in vectors. */
function clear(at: usize, end: usize): void {
  for (; at < end; at += VECTOR) v128.store(at, f32x4.splat(0.0));
}

/**
 * Zeros in `count` planes [rows][columns], `planeBytes` apart, everywhere but where values of a map
 * [height][width] from (top, left) on are to stand.
 */
export function clear_around(planes: usize, count: usize, planeBytes: usize, rows: i32, columns: i32, height: i32, width: i32, top: i32, left: i32): void {
  const first = max(-left, 0);
  const end = max(min(width - left, columns), first);
  const firstRow = max(-top, 0);
  const endRow = first < end ? min(height - top, rows) : firstRow;
  const rowBytes = <usize>columns * VECTOR;
  const gap = rowBytes - <usize>(end - first) * VECTOR;
  for (let plane = planes; plane < planes + planeBytes * count; plane += planeBytes) {
    let at = plane;
    let value = plane + <usize>firstRow * rowBytes + <usize>first * VECTOR;
    for (let row = firstRow; row < endRow; row++) {
      clear(at, value);
      at = value + rowBytes - gap;
      value += rowBytes;
    }
    clear(at, plane + <usize>rows * rowBytes);
  }
}

/**
 * The planes of a panel, `planeBytes` apart, from (top, left) on of an image whose first pixel stands at `image`. What lies outside the map stays as it is.
 */
export function gather_panel(
  target: usize, planeBytes: usize, rows: i32, columns: i32, image: usize, height: i32, width: i32, top: i32, left: i32,
): void {
  const first = max(-left, 0);
  const end = max(min(width - left, columns), first);
  const firstRow = max(-top, 0);
  const endRow = first < end ? min(height - top, rows) : firstRow;
  for (let plane: usize = 0; plane < PANEL_PLANES; plane++) {
    for (let row = firstRow; row < endRow; row++) {
      copy_run(target + <usize>(row * columns + first) * VECTOR, image + (<usize>((top + row) * width + left + first) << 5) + plane * VECTOR, 32, end - first);
    }
    target += planeBytes;
  }
}

/** Pixels of dy = k1 * (da * gate + pooled) * activation'(y * scale + shift) + k2 * y + k3; those of da stand `step` bytes apart. */
function gradient_run(
  target: usize, da: usize, step: usize, y: usize, pixelStride: usize, count: i32,
  coefficients: usize, factors: usize, coefficientStride: usize, gates: usize, means: usize, activation: i32,
): void {
  const scale = v128.load(coefficients), shift = v128.load(coefficients + coefficientStride);
  const k1 = v128.load(factors), k2 = v128.load(factors + coefficientStride), k3 = v128.load(factors + coefficientStride * 2);
  const gate = v128.load(gates), pooled = v128.load(means);
  const end = target + <usize>count * VECTOR;
  if (activation == HARD_SWISH) {
    const three = held(3.0), minusThree = held(-3.0), third = held(<f32>(1.0 / 3.0)), half = held(0.5), one = held(1.0);
    do {
      const value = v128.load(y);
      const dz = f32x4.add(f32x4.mul(v128.load(da), gate), pooled);
      const slope = hard_swish_slope(f32x4.add(f32x4.mul(value, scale), shift), three, minusThree, third, half, one);
      v128.store(target, f32x4.add(f32x4.mul(f32x4.mul(dz, slope), k1), f32x4.add(f32x4.mul(value, k2), k3)));
      y += pixelStride;
      da += step;
      target += VECTOR;
    } while (target != end);
  } else {
    const low = low_of(activation);
    const high = high_of(activation);
    do {
      const value = v128.load(y);
      const dz = f32x4.add(f32x4.mul(v128.load(da), gate), pooled);
      const mask = inside(f32x4.add(f32x4.mul(value, scale), shift), low, high);
      v128.store(target, f32x4.add(f32x4.mul(v128.and(dz, mask), k1), f32x4.add(f32x4.mul(value, k2), k3)));
      y += pixelStride;
      da += step;
      target += VECTOR;
    } while (target != end);
  }
}

/**
 * target[rows][columns] <- dy from (top, left) on, as view.ts's gradient_rows. `coefficients` is [scale, shift] and
 * `factors` [k1, k2, k3] at these channels, parts `coefficientStride` bytes apart; gate, pooled: vectors.
 * Zeros as in normalize_plane.
 */
export function gradient_plane(
  target: usize, rows: i32, columns: i32, da: usize, y: usize, pixelStride: usize, height: i32, width: i32, top: i32, left: i32, clear: bool,
  coefficients: usize, factors: usize, coefficientStride: usize, activation: i32, gate: usize, pooled: usize,
): void {
  const first = max(-left, 0);
  const end = max(min(width - left, columns), first);
  for (let row = top; row < top + rows; row++) {
    if (row < 0 || row >= height || first == end) {
      if (clear) memory.fill(target, 0, <usize>columns * VECTOR);
    } else {
      const at = <usize>(row * width + left + first) * pixelStride;
      const run = target + <usize>first * VECTOR;
      // without da, zeros are read where the gradient is written next
      if (da == 0) memory.fill(run, 0, <usize>(end - first) * VECTOR);
      const source = da == 0 ? run : da + at;
      gradient_run(run, source, da == 0 ? VECTOR : pixelStride, y + at, pixelStride, end - first, coefficients, factors, coefficientStride, gate, pooled, activation);
    }
    target += <usize>columns * VECTOR;
  }
}

/**
 * y <- the plane, and its sums (y - pivot) and (y - pivot)^2 added to `accumulators` [pivot, sum, sum of squares], which
 * stand `step` bytes apart (statistics.ts).
 */
export function store_statistics(
  y: usize, pixelStride: usize, plane: usize, rowBytes: usize, rows: i32, width: i32, accumulators: usize, step: usize,
): void {
  const pivot = v128.load(accumulators);
  let sum = f32x4.splat(0.0), square = sum;
  for (let row = 0; row < rows; row++) {
    const end = plane + <usize>width * VECTOR;
    let source = plane;
    do {
      const value = v128.load(source);
      v128.store(y, value);
      y += pixelStride;
      const d = f32x4.sub(value, pivot);
      sum = f32x4.add(sum, d);
      square = f32x4.add(square, f32x4.mul(d, d));
      source += VECTOR;
    } while (source != end);
    plane += rowBytes;
  }
  add_vector(accumulators + step, sum);
  add_vector(accumulators + step * 2, square);
}

/** y <- activation(y + bias), the channels of a plane of a panel's pixels. */
export function activate_plane(y: usize, pixels: i32, bias: usize, activation: i32): void {
  const b = v128.load(bias);
  for (const end = y + (<usize>pixels << 5); y != end; y += 32) {
    const value = activate(f32x4.add(v128.load(y), b), activation);
    v128.store(y, value);
  }
}

/** dx <- the plane, or dx + the plane (accumulate). */
export function store_gradient(dx: usize, pixelStride: usize, plane: usize, rowBytes: usize, rows: i32, width: i32, accumulate: bool): void {
  for (let row = 0; row < rows; row++) {
    const end = plane + <usize>width * VECTOR;
    let source = plane;
    do {
      let value = v128.load(source);
      if (accumulate) value = f32x4.add(v128.load(dx), value);
      v128.store(dx, value);
      dx += pixelStride;
      source += VECTOR;
    } while (source != end);
    plane += rowBytes;
  }
}

/**
 * store_gradient, and batch norm's two gradient sums (add_gradient_sums of statistics.ts) over dx and the map x it
 * belongs to, added to the vectors at `sums` and `sums + step`.
 */
export function store_gradient_sums(
  dx: usize, pixelStride: usize, plane: usize, rowBytes: usize, rows: i32, width: i32, accumulate: bool,
  sums: usize, step: usize, x: usize, coefficients: usize, coefficientStride: usize, means: usize, activation: i32,
): void {
  const scale = v128.load(coefficients), shift = v128.load(coefficients + coefficientStride), mean = v128.load(means);
  let sum = f32x4.splat(0.0), product = sum;
  const low = low_of(activation);
  const high = high_of(activation);
  const three = held(3.0), minusThree = held(-3.0), third = held(<f32>(1.0 / 3.0)), half = held(0.5), one = held(1.0);
  for (let row = 0; row < rows; row++) {
    const end = plane + <usize>width * VECTOR;
    let source = plane;
    if (activation == HARD_SWISH) {
      do {
        let da = v128.load(source);
        if (accumulate) da = f32x4.add(v128.load(dx), da);
        v128.store(dx, da);
        const value = v128.load(x);
        const dz = f32x4.mul(da, hard_swish_slope(f32x4.add(f32x4.mul(value, scale), shift), three, minusThree, third, half, one));
        sum = f32x4.add(sum, dz);
        product = f32x4.add(product, f32x4.mul(dz, f32x4.sub(value, mean)));
        dx += pixelStride;
        x += pixelStride;
        source += VECTOR;
      } while (source != end);
    } else {
      do {
        let da = v128.load(source);
        if (accumulate) da = f32x4.add(v128.load(dx), da);
        v128.store(dx, da);
        const value = v128.load(x);
        const dz = v128.and(da, inside(f32x4.add(f32x4.mul(value, scale), shift), low, high));
        sum = f32x4.add(sum, dz);
        product = f32x4.add(product, f32x4.mul(dz, f32x4.sub(value, mean)));
        dx += pixelStride;
        x += pixelStride;
        source += VECTOR;
      } while (source != end);
    }
    plane += rowBytes;
  }
  add_vector(sums, sum);
  add_vector(sums + step, product);
}
