// Tensors are kept as they left their convolution, before batch norm. A kernel that reads one brings
// rows of it into its scratch memory in their final form, in panels of eight channels as matrix tiles read them; these are the loads. A row is the channels
// of one pixel; rows stand `stride` bytes apart. Channels come in multiples of 4.
//
// normalized: a = activation(y * scale + shift) * gate
// gradient:   dy = k1 * dz + k2 * y + k3,  dz = (da * gate + pooled) * activation'(y * scale + shift)
//
// Activations are those of maps: all but hard-sigmoid.

import { HARD_SWISH, NONE, clamp, hard_swish, hard_swish_slope, held, high_of, inside, low_of } from './activation';
import { touch } from './touch';
import { VECTOR } from './vector';
import { gradient_one, incoming_row, normalize_one } from './view-row';

/** From the place of a vector's channels in panels `step` bytes apart to that of the next; `c` is the first ones' byte. */
function next_vector(target: usize, c: usize, step: usize): usize {
  if (VECTOR == 32) return target + step;
  return target + ((c & 16) == 0 ? 16 : step - 16);
}

function normalize_four(target: usize, step: usize, x: usize, stride: usize, coefficients: usize, activation: i32, gate: usize): void {
  const low = low_of(activation);
  const high = high_of(activation);
  const zero = held(0.0), three = held(3.0), six = held(6.0), sixth = held(<f32>(1.0 / 6.0));
  const shift = coefficients + stride;
  const x1 = x + stride;
  const x2 = x1 + stride;
  const x3 = x2 + stride;
  let c: usize = 0;
  do {
    let r0 = v128.load(x + c);
    let r1 = v128.load(x1 + c);
    let r2 = v128.load(x2 + c);
    let r3 = v128.load(x3 + c);
    if (coefficients != 0) {
      const s = v128.load(coefficients + c);
      const t = v128.load(shift + c);
      r0 = f32x4.add(f32x4.mul(r0, s), t);
      r1 = f32x4.add(f32x4.mul(r1, s), t);
      r2 = f32x4.add(f32x4.mul(r2, s), t);
      r3 = f32x4.add(f32x4.mul(r3, s), t);
      if (activation == HARD_SWISH) {
        r0 = hard_swish(r0, zero, three, six, sixth);
        r1 = hard_swish(r1, zero, three, six, sixth);
        r2 = hard_swish(r2, zero, three, six, sixth);
        r3 = hard_swish(r3, zero, three, six, sixth);
      } else if (activation != NONE) {
        r0 = clamp(r0, low, high);
        r1 = clamp(r1, low, high);
        r2 = clamp(r2, low, high);
        r3 = clamp(r3, low, high);
      }
    }
    if (gate != 0) {
      const factor = v128.load(gate + c);
      r0 = f32x4.mul(r0, factor);
      r1 = f32x4.mul(r1, factor);
      r2 = f32x4.mul(r2, factor);
      r3 = f32x4.mul(r3, factor);
    }
    v128.store(target, r0);
    v128.store(target, r1, 32);
    v128.store(target, r2, 64);
    v128.store(target, r3, 96);
    target = next_vector(target, c, step);
    c += VECTOR;
  } while (c != stride);
}

/**
 * target [channels / 8][rows][8] <- the normalized rows number `first` onward of x [..][channels]. coefficients [2][channels], or 0: the values as they are;
 * gate [images][channels], or 0. Panels stand `step` bytes apart; what is behind the last channel is not written, and counts for nothing.
 */
export function load_normalized(
  target: usize, step: usize, x: usize, coefficients: usize, activation: i32, gate: usize, first: i32, rows: i32, channels: i32, rowsPerImage: i32,
): void {
  const stride = <usize>channels << 2;
  x += <usize>first * stride;
  touch(x, rows, stride, stride, target);
  for (let row = 0; row < rows; row += 4) {
    let factors: usize = 0;
    let four = row + 4 <= rows;
    if (gate != 0) {
      const image = (first + row) / rowsPerImage;
      factors = gate + <usize>image * stride;
      four = four && (first + row + 3) / rowsPerImage == image;
    }
    if (four) {
      normalize_four(target, step, x, stride, coefficients, activation, factors);
      x += stride << 2;
    } else {
      for (let one = row; one < min(row + 4, rows); one++) {
        if (gate != 0) factors = gate + <usize>((first + one) / rowsPerImage) * stride;
        normalize_one(target + (<usize>(one - row) << 5), step, x, stride, coefficients, activation, factors);
        x += stride;
      }
    }
    target += 128;
  }
}

function gradient_four(
  target: usize, step: usize, da: usize, y: usize, stride: usize, coefficients: usize, factors: usize, activation: i32,
): void {
  const low = low_of(activation);
  const high = high_of(activation);
  const three = held(3.0), minusThree = held(-3.0), third = held(<f32>(1.0 / 3.0)), half = held(0.5), one = held(1.0);
  const shift = coefficients + stride;
  const k2 = factors + stride;
  const k3 = k2 + stride;
  const y1 = y + stride;
  const y2 = y1 + stride;
  const y3 = y2 + stride;
  const da1 = da + stride;
  const da2 = da1 + stride;
  const da3 = da2 + stride;
  let c: usize = 0;
  do {
    let r0 = v128.load(y + c);
    let r1 = v128.load(y1 + c);
    let r2 = v128.load(y2 + c);
    let r3 = v128.load(y3 + c);
    let d0 = v128.load(da + c);
    let d1 = v128.load(da1 + c);
    let d2 = v128.load(da2 + c);
    let d3 = v128.load(da3 + c);
    if (activation != NONE) {
      const s = v128.load(coefficients + c);
      const t = v128.load(shift + c);
      if (activation == HARD_SWISH) {
        d0 = f32x4.mul(d0, hard_swish_slope(f32x4.add(f32x4.mul(r0, s), t), three, minusThree, third, half, one));
        d1 = f32x4.mul(d1, hard_swish_slope(f32x4.add(f32x4.mul(r1, s), t), three, minusThree, third, half, one));
        d2 = f32x4.mul(d2, hard_swish_slope(f32x4.add(f32x4.mul(r2, s), t), three, minusThree, third, half, one));
        d3 = f32x4.mul(d3, hard_swish_slope(f32x4.add(f32x4.mul(r3, s), t), three, minusThree, third, half, one));
      } else {
        d0 = v128.and(d0, inside(f32x4.add(f32x4.mul(r0, s), t), low, high));
        d1 = v128.and(d1, inside(f32x4.add(f32x4.mul(r1, s), t), low, high));
        d2 = v128.and(d2, inside(f32x4.add(f32x4.mul(r2, s), t), low, high));
        d3 = v128.and(d3, inside(f32x4.add(f32x4.mul(r3, s), t), low, high));
      }
    }
    const f1 = v128.load(factors + c);
    const f2 = v128.load(k2 + c);
    const f3 = v128.load(k3 + c);
    r0 = f32x4.add(f32x4.mul(d0, f1), f32x4.add(f32x4.mul(r0, f2), f3));
    r1 = f32x4.add(f32x4.mul(d1, f1), f32x4.add(f32x4.mul(r1, f2), f3));
    r2 = f32x4.add(f32x4.mul(d2, f1), f32x4.add(f32x4.mul(r2, f2), f3));
    r3 = f32x4.add(f32x4.mul(d3, f1), f32x4.add(f32x4.mul(r3, f2), f3));
    v128.store(target, r0);
    v128.store(target, r1, 32);
    v128.store(target, r2, 64);
    v128.store(target, r3, 96);
    target = next_vector(target, c, step);
    c += VECTOR;
  } while (c != stride);
}

/**
 * target [channels / 8][rows][8] <- the gradients dy of rows number `first` onward, panels as in load_normalized. da [..][channels] or 0; y likewise;
 * coefficients [2][channels]; factors [3][channels]; gate, pooled [images][channels] or 0; incoming: room for four rows.
 */
export function load_gradient(
  target: usize, step: usize, incoming: usize, da: usize, y: usize, coefficients: usize, factors: usize, activation: i32,
  gate: usize, pooled: usize, first: i32, rows: i32, channels: i32, rowsPerImage: i32,
): void {
  const stride = <usize>channels << 2;
  const plain = da != 0 && gate == 0 && pooled == 0;
  y += <usize>first * stride;
  if (da != 0) da += <usize>first * stride;
  if (da != 0) touch(da, rows, stride, stride, target);
  touch(y, rows, stride, stride, target);
  for (let row = 0; row < rows; row += 4) {
    const count = min(4, rows - row);
    let source = da;
    if (!plain) {
      source = incoming;
      for (let i = 0; i < count; i++) {
        const vector = <usize>((first + row + i) / rowsPerImage) * stride;
        const at = <usize>i * stride;
        incoming_row(incoming + at, da == 0 ? <usize>0 : da + at, stride, gate == 0 ? <usize>0 : gate + vector, pooled == 0 ? <usize>0 : pooled + vector);
      }
    }
    if (count == 4) gradient_four(target, step, source, y, stride, coefficients, factors, activation);
    else {
      for (let i: usize = 0; i < <usize>count; i++) {
        const at = i * stride;
        gradient_one(target + (i << 5), step, source + at, y + at, stride, coefficients, factors, activation);
      }
    }
    target += 128;
    y += stride << 2;
    if (da != 0) da += stride << 2;
  }
}
