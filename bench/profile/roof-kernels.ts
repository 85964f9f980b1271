// What one thread can do at most with the instructions that the kernels use: 128-bit SIMD, or what V8 makes of pairs of them (docs/kernels.md,
// "Wide vectors"), multiply and add apart. AssemblyScript; roofs-worker.js compiles and times it.

/** Floats of an array to be copied: larger than any cache. */
export const ARRAY_FLOATS: i32 = 1 << 26;
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

/** multiplyAdd on 12 pairs of registers, whose ends are left side by side at `out`, so that V8 may make 12 of 24. */
export function multiplyAddPairs(turns: i32, factor: f32, addend: f32, out: usize): void {
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
  let x12 = f32x4.splat(12);
  let x13 = f32x4.splat(13);
  let x14 = f32x4.splat(14);
  let x15 = f32x4.splat(15);
  let x16 = f32x4.splat(16);
  let x17 = f32x4.splat(17);
  let x18 = f32x4.splat(18);
  let x19 = f32x4.splat(19);
  let x20 = f32x4.splat(20);
  let x21 = f32x4.splat(21);
  let x22 = f32x4.splat(22);
  let x23 = f32x4.splat(23);
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
    x12 = f32x4.add(f32x4.mul(x12, a), b);
    x13 = f32x4.add(f32x4.mul(x13, a), b);
    x14 = f32x4.add(f32x4.mul(x14, a), b);
    x15 = f32x4.add(f32x4.mul(x15, a), b);
    x16 = f32x4.add(f32x4.mul(x16, a), b);
    x17 = f32x4.add(f32x4.mul(x17, a), b);
    x18 = f32x4.add(f32x4.mul(x18, a), b);
    x19 = f32x4.add(f32x4.mul(x19, a), b);
    x20 = f32x4.add(f32x4.mul(x20, a), b);
    x21 = f32x4.add(f32x4.mul(x21, a), b);
    x22 = f32x4.add(f32x4.mul(x22, a), b);
    x23 = f32x4.add(f32x4.mul(x23, a), b);
    turns -= 1;
  } while (turns > 0);
  v128.store(out, x1, 16);
  v128.store(out, x0, 0);
  v128.store(out, x3, 48);
  v128.store(out, x2, 32);
  v128.store(out, x5, 80);
  v128.store(out, x4, 64);
  v128.store(out, x7, 112);
  v128.store(out, x6, 96);
  v128.store(out, x9, 144);
  v128.store(out, x8, 128);
  v128.store(out, x11, 176);
  v128.store(out, x10, 160);
  v128.store(out, x13, 208);
  v128.store(out, x12, 192);
  v128.store(out, x15, 240);
  v128.store(out, x14, 224);
  v128.store(out, x17, 272);
  v128.store(out, x16, 256);
  v128.store(out, x19, 304);
  v128.store(out, x18, 288);
  v128.store(out, x21, 336);
  v128.store(out, x20, 320);
  v128.store(out, x23, 368);
  v128.store(out, x22, 352);
}

/** Reads an array of ARRAY_FLOATS at address 0 in eight places at once, so that no prefetcher's new start is waited for, and leaves at `out` what depends on all of it. */
export function read(out: usize): void {
  const part: usize = <usize>ARRAY_FLOATS / 2;
  let seen = f32x4.splat(0);
  for (let at: usize = 0; at < part; at += 64) {
    seen = v128.or(seen, v128.or(v128.load(at), v128.load(at + part)));
    seen = v128.or(seen, v128.or(v128.load(at + 2 * part), v128.load(at + 3 * part)));
    seen = v128.or(seen, v128.or(v128.load(at + 4 * part), v128.load(at + 5 * part)));
    seen = v128.or(seen, v128.or(v128.load(at + 6 * part), v128.load(at + 7 * part)));
  }
  v128.store(out, seen);
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
