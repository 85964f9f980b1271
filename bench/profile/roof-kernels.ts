// What one thread can do at most with the instructions that the kernels use: 128-bit SIMD, multiply and
// add apart. AssemblyScript; roofs-worker.js compiles and times it.

/** Floats of an array to be copied: larger than any cache. */
export const ARRAY_FLOATS: i32 = 1 << 24;
/** Floating point operations of one turn of `multiplyAdd`. */
export const FLOPS_A_TURN: i32 = 12 * 4 * 2;

/**
 * x = x * factor + addend on 12 registers, none waiting for another, `turns` times, at least once. Returns their sum, so that it
 * is computed. The numbers come from outside and the loop ends at its bottom: V8 would make constants anew each turn.
 */
export function multiplyAdd(turns: i32, factor: f32, addend: f32): f32 {
  const a = f32x4.splat(factor);
  const b = f32x4.splat(addend);
  let x0 = f32x4.splat(0);
  let x1 = f32x4.splat(1);
  let x2 = f32x4.splat(2);
  let x3 = f32x4.splat(3);
  let x4 = f32x4.splat(4);
  let x5 = f32x4.splat(5);
  let x6 = f32x4.splat(6);
  let x7 = f32x4.splat(7);
  let x8 = f32x4.splat(8);
  let x9 = f32x4.splat(9);
  let x10 = f32x4.splat(10);
  let x11 = f32x4.splat(11);
  do {
    x0 = f32x4.add(f32x4.mul(x0, a), b);
    x1 = f32x4.add(f32x4.mul(x1, a), b);
    x2 = f32x4.add(f32x4.mul(x2, a), b);
    x3 = f32x4.add(f32x4.mul(x3, a), b);
    x4 = f32x4.add(f32x4.mul(x4, a), b);
    x5 = f32x4.add(f32x4.mul(x5, a), b);
    x6 = f32x4.add(f32x4.mul(x6, a), b);
    x7 = f32x4.add(f32x4.mul(x7, a), b);
    x8 = f32x4.add(f32x4.mul(x8, a), b);
    x9 = f32x4.add(f32x4.mul(x9, a), b);
    x10 = f32x4.add(f32x4.mul(x10, a), b);
    x11 = f32x4.add(f32x4.mul(x11, a), b);
    turns -= 1;
  } while (turns > 0);
  const low = f32x4.add(f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)), f32x4.add(x4, x5));
  const high = f32x4.add(f32x4.add(f32x4.add(x6, x7), f32x4.add(x8, x9)), f32x4.add(x10, x11));
  return f32x4.extract_lane(f32x4.add(low, high), 0);
}

/** Copies one array into another, each ARRAY_FLOATS long, the first at address 0. */
export function copy(): void {
  const bytes: usize = <usize>ARRAY_FLOATS * 4;
  for (let at: usize = 0; at < bytes; at += 64) {
    v128.store(at + bytes, v128.load(at));
    v128.store(at + bytes, v128.load(at, 16), 16);
    v128.store(at + bytes, v128.load(at, 32), 32);
    v128.store(at + bytes, v128.load(at, 48), 48);
  }
}
