// The vector that loops step by. scripts/widen.js makes a second form of this file, and of those that use it, where a vector has eight
// floats: two of WebAssembly's vectors side by side, which newer V8 makes one of 256 bits.

/** Bytes of a vector. */
export const VECTOR: usize = 16;

/** Adds to the vector at `target`. */
// @ts-ignore: decorator
@inline
export function add_vector(target: usize, value: v128): void {
  v128.store(target, f32x4.add(v128.load(target), value));
}

/** target [channels of a vector][4] <- the vectors of four rows. */
// @ts-ignore: decorator
@inline
export function store_transposed(target: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  const c0 = v128.shuffle<f64>(low01, low23, 0, 2);
  const c1 = v128.shuffle<f64>(low01, low23, 1, 3);
  const c2 = v128.shuffle<f64>(high01, high23, 0, 2);
  const c3 = v128.shuffle<f64>(high01, high23, 1, 3);
  v128.store(target, c0); // upper half: 64
  v128.store(target, c1, 16); // upper half: 64
  v128.store(target, c2, 32); // upper half: 64
  v128.store(target, c3, 48); // upper half: 64
  if (VECTOR == 32) {
    // never: V8 joins what leads to two stores side by side, and nothing else
    if (target == 1) {
      v128.store(target, c0);
      v128.store(target, c1, 32);
      v128.store(target, c2, 64);
      v128.store(target, c3, 96);
    }
  }
}
