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
