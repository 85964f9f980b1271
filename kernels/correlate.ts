// The inner loops of depthwise convolutions: four channels at a time, four neighbouring outputs in registers,
// so that a value is loaded once for all the outputs of a row that it reaches. Filters of 3 and 5 have
// loops of their own; any other geometry goes over a list of taps.

/** Room for a tap list of up to 15 x 15. */
export const TAP_BYTES: usize = 8 * 225;

/** Tap number `index`: the offsets of its weight and of its value. */
export function add_tap(taps: usize, index: i32, weight: usize, value: isize): void {
  store<usize>(taps + (<usize>index << 3), weight);
  store<isize>(taps + (<usize>index << 3), value, 4);
}

/**
 * target[count][channels] = initial + sum over taps of weight[tap] * value[tap]; outputs stand
 * `targetStep` bytes apart, the values of neighbouring outputs `sourceStep`. initial: 0, or the
 * bytes of one vector of channels (bias), or target itself when `accumulate`.
 */
export function correlate_taps(
  target: usize, targetStep: usize, count: i32, source: usize, sourceStep: usize,
  taps: usize, tapCount: i32, weight: usize, channels: i32, bias: usize, accumulate: bool,
): void {
  const bytes = <usize>channels << 2;
  const endTap = taps + (<usize>tapCount << 3);
  for (let c: usize = 0; c < bytes; c += 16) {
    let output = target + c;
    let value = source + c;
    const filter = weight + c;
    const initial = bias == 0 ? f32x4.splat(0.0) : v128.load(bias + c);
    let i = 0;
    for (; i + 4 <= count; i += 4) {
      const output1 = output + targetStep;
      const output2 = output1 + targetStep;
      const output3 = output2 + targetStep;
      let s0 = initial, s1 = initial, s2 = initial, s3 = initial;
      if (accumulate) {
        s0 = v128.load(output);
        s1 = v128.load(output1);
        s2 = v128.load(output2);
        s3 = v128.load(output3);
      }
      for (let tap = taps; tap < endTap; tap += 8) {
        const w = v128.load(filter + load<usize>(tap));
        let at = value + load<usize>(tap, 4);
        s0 = f32x4.add(s0, f32x4.mul(w, v128.load(at)));
        at += sourceStep;
        s1 = f32x4.add(s1, f32x4.mul(w, v128.load(at)));
        at += sourceStep;
        s2 = f32x4.add(s2, f32x4.mul(w, v128.load(at)));
        at += sourceStep;
        s3 = f32x4.add(s3, f32x4.mul(w, v128.load(at)));
      }
      v128.store(output, s0);
      v128.store(output1, s1);
      v128.store(output2, s2);
      v128.store(output3, s3);
      output = output3 + targetStep;
      value += sourceStep * 4;
    }
    for (; i < count; i++) {
      let sum = accumulate ? v128.load(output) : initial;
      for (let tap = taps; tap < endTap; tap += 8) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(filter + load<usize>(tap)), v128.load(value + load<usize>(tap, 4))));
      }
      v128.store(output, sum);
      output += targetStep;
      value += sourceStep;
    }
  }
}

/** Outputs of a 3 x 3 filter, stride 1; see correlate. */
function correlate_k3s1(
  target: usize, targetStep: usize, count: i32, source: usize, rowStep: usize, pixel: usize,
  weight: usize, weightStep: isize, channels: i32, bias: usize, accumulate: bool,
): void {
  const bytes = <usize>channels << 2;
  for (let c: usize = 0; c < bytes; c += 16) {
    const filter = weight + c;
    const initial = bias == 0 ? f32x4.splat(0.0) : v128.load(bias + c);
    for (let i = 0; i < count; i += 4) {
      const first = min(i, count - 4); // the last four outputs may be computed again
      const output = target + c + <usize>first * targetStep;
      const output1 = output + targetStep;
      const output2 = output1 + targetStep;
      const output3 = output2 + targetStep;
      let s0 = initial, s1 = initial, s2 = initial, s3 = initial;
      if (accumulate) {
        s0 = v128.load(output);
        s1 = v128.load(output1);
        s2 = v128.load(output2);
        s3 = v128.load(output3);
      }
      let row = source + c + <usize>first * pixel;
      let w = filter;
      for (let ky = 0; ky < 3; ky++) {
        let at = row;
        row += rowStep;
        const w0 = v128.load(w); w += weightStep;
        const w1 = v128.load(w); w += weightStep;
        const w2 = v128.load(w); w += weightStep;
        let x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w1, x));
        s1 = f32x4.add(s1, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w2, x));
        s1 = f32x4.add(s1, f32x4.mul(w1, x));
        s2 = f32x4.add(s2, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s1 = f32x4.add(s1, f32x4.mul(w2, x));
        s2 = f32x4.add(s2, f32x4.mul(w1, x));
        s3 = f32x4.add(s3, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s2 = f32x4.add(s2, f32x4.mul(w2, x));
        s3 = f32x4.add(s3, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s3 = f32x4.add(s3, f32x4.mul(w2, x));
      }
      v128.store(output, s0);
      v128.store(output1, s1);
      v128.store(output2, s2);
      v128.store(output3, s3);
    }
  }
}

/** Outputs of a 3 x 3 filter, stride 2; see correlate. */
function correlate_k3s2(
  target: usize, targetStep: usize, count: i32, source: usize, rowStep: usize, pixel: usize,
  weight: usize, weightStep: isize, channels: i32, bias: usize, accumulate: bool,
): void {
  const bytes = <usize>channels << 2;
  for (let c: usize = 0; c < bytes; c += 16) {
    const filter = weight + c;
    const initial = bias == 0 ? f32x4.splat(0.0) : v128.load(bias + c);
    for (let i = 0; i < count; i += 4) {
      const first = min(i, count - 4); // the last four outputs may be computed again
      const output = target + c + <usize>first * targetStep;
      const output1 = output + targetStep;
      const output2 = output1 + targetStep;
      const output3 = output2 + targetStep;
      let s0 = initial, s1 = initial, s2 = initial, s3 = initial;
      if (accumulate) {
        s0 = v128.load(output);
        s1 = v128.load(output1);
        s2 = v128.load(output2);
        s3 = v128.load(output3);
      }
      let row = source + c + <usize>first * pixel * 2;
      let w = filter;
      for (let ky = 0; ky < 3; ky++) {
        let at = row;
        row += rowStep;
        const w0 = v128.load(w); w += weightStep;
        const w1 = v128.load(w); w += weightStep;
        const w2 = v128.load(w); w += weightStep;
        let x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w2, x));
        s1 = f32x4.add(s1, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s1 = f32x4.add(s1, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s1 = f32x4.add(s1, f32x4.mul(w2, x));
        s2 = f32x4.add(s2, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s2 = f32x4.add(s2, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s2 = f32x4.add(s2, f32x4.mul(w2, x));
        s3 = f32x4.add(s3, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s3 = f32x4.add(s3, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s3 = f32x4.add(s3, f32x4.mul(w2, x));
      }
      v128.store(output, s0);
      v128.store(output1, s1);
      v128.store(output2, s2);
      v128.store(output3, s3);
    }
  }
}

/** Outputs of a 5 x 5 filter, stride 1; see correlate. */
function correlate_k5s1(
  target: usize, targetStep: usize, count: i32, source: usize, rowStep: usize, pixel: usize,
  weight: usize, weightStep: isize, channels: i32, bias: usize, accumulate: bool,
): void {
  const bytes = <usize>channels << 2;
  for (let c: usize = 0; c < bytes; c += 16) {
    const filter = weight + c;
    const initial = bias == 0 ? f32x4.splat(0.0) : v128.load(bias + c);
    for (let i = 0; i < count; i += 4) {
      const first = min(i, count - 4); // the last four outputs may be computed again
      const output = target + c + <usize>first * targetStep;
      const output1 = output + targetStep;
      const output2 = output1 + targetStep;
      const output3 = output2 + targetStep;
      let s0 = initial, s1 = initial, s2 = initial, s3 = initial;
      if (accumulate) {
        s0 = v128.load(output);
        s1 = v128.load(output1);
        s2 = v128.load(output2);
        s3 = v128.load(output3);
      }
      let row = source + c + <usize>first * pixel;
      let w = filter;
      for (let ky = 0; ky < 5; ky++) {
        let at = row;
        row += rowStep;
        const w0 = v128.load(w); w += weightStep;
        const w1 = v128.load(w); w += weightStep;
        const w2 = v128.load(w); w += weightStep;
        const w3 = v128.load(w); w += weightStep;
        const w4 = v128.load(w); w += weightStep;
        let x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w1, x));
        s1 = f32x4.add(s1, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w2, x));
        s1 = f32x4.add(s1, f32x4.mul(w1, x));
        s2 = f32x4.add(s2, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w3, x));
        s1 = f32x4.add(s1, f32x4.mul(w2, x));
        s2 = f32x4.add(s2, f32x4.mul(w1, x));
        s3 = f32x4.add(s3, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w4, x));
        s1 = f32x4.add(s1, f32x4.mul(w3, x));
        s2 = f32x4.add(s2, f32x4.mul(w2, x));
        s3 = f32x4.add(s3, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s1 = f32x4.add(s1, f32x4.mul(w4, x));
        s2 = f32x4.add(s2, f32x4.mul(w3, x));
        s3 = f32x4.add(s3, f32x4.mul(w2, x));
        at += pixel; x = v128.load(at);
        s2 = f32x4.add(s2, f32x4.mul(w4, x));
        s3 = f32x4.add(s3, f32x4.mul(w3, x));
        at += pixel; x = v128.load(at);
        s3 = f32x4.add(s3, f32x4.mul(w4, x));
      }
      v128.store(output, s0);
      v128.store(output1, s1);
      v128.store(output2, s2);
      v128.store(output3, s3);
    }
  }
}

/** Outputs of a 5 x 5 filter, stride 2; see correlate. */
function correlate_k5s2(
  target: usize, targetStep: usize, count: i32, source: usize, rowStep: usize, pixel: usize,
  weight: usize, weightStep: isize, channels: i32, bias: usize, accumulate: bool,
): void {
  const bytes = <usize>channels << 2;
  for (let c: usize = 0; c < bytes; c += 16) {
    const filter = weight + c;
    const initial = bias == 0 ? f32x4.splat(0.0) : v128.load(bias + c);
    for (let i = 0; i < count; i += 4) {
      const first = min(i, count - 4); // the last four outputs may be computed again
      const output = target + c + <usize>first * targetStep;
      const output1 = output + targetStep;
      const output2 = output1 + targetStep;
      const output3 = output2 + targetStep;
      let s0 = initial, s1 = initial, s2 = initial, s3 = initial;
      if (accumulate) {
        s0 = v128.load(output);
        s1 = v128.load(output1);
        s2 = v128.load(output2);
        s3 = v128.load(output3);
      }
      let row = source + c + <usize>first * pixel * 2;
      let w = filter;
      for (let ky = 0; ky < 5; ky++) {
        let at = row;
        row += rowStep;
        const w0 = v128.load(w); w += weightStep;
        const w1 = v128.load(w); w += weightStep;
        const w2 = v128.load(w); w += weightStep;
        const w3 = v128.load(w); w += weightStep;
        const w4 = v128.load(w); w += weightStep;
        let x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w2, x));
        s1 = f32x4.add(s1, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w3, x));
        s1 = f32x4.add(s1, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s0 = f32x4.add(s0, f32x4.mul(w4, x));
        s1 = f32x4.add(s1, f32x4.mul(w2, x));
        s2 = f32x4.add(s2, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s1 = f32x4.add(s1, f32x4.mul(w3, x));
        s2 = f32x4.add(s2, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s1 = f32x4.add(s1, f32x4.mul(w4, x));
        s2 = f32x4.add(s2, f32x4.mul(w2, x));
        s3 = f32x4.add(s3, f32x4.mul(w0, x));
        at += pixel; x = v128.load(at);
        s2 = f32x4.add(s2, f32x4.mul(w3, x));
        s3 = f32x4.add(s3, f32x4.mul(w1, x));
        at += pixel; x = v128.load(at);
        s2 = f32x4.add(s2, f32x4.mul(w4, x));
        s3 = f32x4.add(s3, f32x4.mul(w2, x));
        at += pixel; x = v128.load(at);
        s3 = f32x4.add(s3, f32x4.mul(w3, x));
        at += pixel; x = v128.load(at);
        s3 = f32x4.add(s3, f32x4.mul(w4, x));
      }
      v128.store(output, s0);
      v128.store(output1, s1);
      v128.store(output2, s2);
      v128.store(output3, s3);
    }
  }
}

/** Whether `correlate` has a loop for this filter and this many outputs. */
export function is_special(kernel: i32, stride: i32, dilation: i32, count: i32, accumulate: bool): bool {
  return (kernel == 3 || kernel == 5) && stride <= 2 && dilation == 1 && count >= 4 && !(accumulate && (count & 3) != 0);
}

/**
 * target[count][channels] = initial + sum over (ky, kx) of weight[ky][kx] * source[ky][stride * i + kx], for
 * filters that `is_special` names. Outputs stand `targetStep` bytes apart, source rows `rowStep`, source
 * pixels `pixel`, weights `weightStep` (negative: the filter is flipped). initial: the channels at `bias`
 * (0: zeros), or target itself when `accumulate`.
 */
export function correlate(
  kernel: i32, stride: i32, target: usize, targetStep: usize, count: i32, source: usize, rowStep: usize, pixel: usize,
  weight: usize, weightStep: isize, channels: i32, bias: usize, accumulate: bool,
): void {
  if (kernel == 3) {
    if (stride == 1) correlate_k3s1(target, targetStep, count, source, rowStep, pixel, weight, weightStep, channels, bias, accumulate);
    else correlate_k3s2(target, targetStep, count, source, rowStep, pixel, weight, weightStep, channels, bias, accumulate);
  } else {
    if (stride == 1) correlate_k5s1(target, targetStep, count, source, rowStep, pixel, weight, weightStep, channels, bias, accumulate);
    else correlate_k5s2(target, targetStep, count, source, rowStep, pixel, weight, weightStep, channels, bias, accumulate);
  }
}
