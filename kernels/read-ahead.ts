// Reading ahead. WebAssembly has no instruction that asks for memory before it is needed, but a load whose value nobody wants does: the processor goes on with what stands behind it for as
// long as its window of instructions reaches. So the matrix tiles, which have all they need in caches, load a byte of what later steps will want in every eighth turn;
// src/program/read-ahead.ts says of what, and the interpreter tells it before each tile.

/** What the tile of a step has left to read, and how far apart; each thread has its own. */
let ahead: usize = 0;
let end: usize = 0;
let distance: usize = 0;

/** From now on `bytes` from `from` on are read, each time `apart` further on. */
export function read_ahead(from: usize, bytes: usize, apart: usize): void {
  ahead = from;
  end = from + bytes;
  distance = apart;
}

/** How far apart to read. Where tiles have half the columns, there are twice as many. */
export function distance_ahead(): usize {
  return WIDE ? distance : distance >> 1;
}

/** Where to begin to read so many times; where less is left, `otherwise`. */
export function next_ahead(times: i32, otherwise: usize): usize {
  const from = ahead;
  const next = from + <usize>times * distance_ahead();
  if (next > end) return otherwise;
  ahead = next;
  return from;
}
