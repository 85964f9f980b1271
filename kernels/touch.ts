// Reading memory in its order.

/**
 * Reads every cache line of `pixels` runs of `bytes`: in the order of memory, which the processor's prefetcher follows
 * to the second-level cache; from there it is then gathered in another order. `sink` takes a vector that depends on all.
 */
export function touch(source: usize, pixels: i32, pixelStride: usize, bytes: usize, sink: usize): void {
  if (bytes == pixelStride) {
    bytes *= <usize>pixels;
    pixels = 1;
  }
  let seen = v128.load(sink);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let at: usize = 0; at < bytes; at += 64) seen = v128.or(seen, v128.load(source + at));
    source += pixelStride;
  }
  v128.store(sink, seen);
}
