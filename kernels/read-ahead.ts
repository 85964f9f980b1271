// Reading ahead. WebAssembly has no instruction that asks for memory before it is needed, but a load whose value nobody wants does: the processor goes on with what stands behind it for as
// long as its window of instructions reaches. So the matrix tiles, which have all they need in caches, load a byte of what is wanted later in every eighth turn. In inference that is weights of
// later steps: src/program/read-ahead.ts says which, and the interpreter tells it before each tile. In training it is the rows that a kernel's next block begins with.

const LINE_BYTES: usize = 64;

/** What is left to read, what then, how far apart at most, and how far apart those tiles do that asked last; each thread has its own. */
let ahead: usize = 0;
let end: usize = 0;
let second: usize = 0;
let secondEnd: usize = 0;
let distance: usize = 0;
let apart: usize = 0;

/** From now on `bytes` from `from` on are read, each time `most` further on, or less. */
export function read_ahead(from: usize, bytes: usize, most: usize): void {
  ahead = from;
  end = from + bytes;
  second = secondEnd = 0;
  distance = most;
}

/** From now on two runs of memory are read, in the time that a product of [rows][k] and [k][columns] takes (productReadsAhead, src/kernels/kernel.ts); either may be empty. */
export function read_two_ahead(from: usize, bytes: usize, then: usize, thenBytes: usize, rows: i32, k: i32, columns: i32): void {
  const reads = <usize>max((k >> 3) * ((rows + 4) / 5) * ((columns + 15) / 16), 1);
  read_ahead(from, bytes, min((bytes + thenBytes + reads - 1) / reads, LINE_BYTES));
  second = then;
  secondEnd = then + thenBytes;
}

/** Where tiles that read so many times begin; where nothing is left, at `otherwise`, and stay there. */
export function next_ahead(times: i32, otherwise: usize): usize {
  if (ahead == end) {
    ahead = second;
    end = secondEnd;
    second = secondEnd;
  }
  // where tiles have half the columns, there are twice as many
  const bytes = min(<usize>times * (WIDE ? distance : distance >> 1), end - ahead);
  apart = bytes / <usize>max(times, 1);
  const from = ahead;
  ahead = from + bytes;
  return apart > 0 ? from : otherwise;
}

/** How far apart they read. */
export function apart_ahead(): usize {
  return apart;
}
