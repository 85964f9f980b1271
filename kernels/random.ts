// Philox4x32-10, the stream of src/base/random.ts: a random word is a function of its position and key.

/** Word `lane` (0 to 3) of the block with counter (c0, c1, 0, 0) under key (k0, k1). */
export function philox_word(c0: u32, c1: u32, k0: u32, k1: u32, lane: i32): u32 {
  let c2: u32 = 0, c3: u32 = 0;
  for (let round = 0; round < 10; round++) {
    const p0 = <u64>0xd2511f53 * <u64>c0;
    const p1 = <u64>0xcd9e8d57 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  if (lane == 0) return c0;
  if (lane == 1) return c1;
  return lane == 2 ? c2 : c3;
}
