// Panels: eight columns of a matrix that stand together, [columns / 8][rows][8], as matrix tiles read all their operands (tile.ts).

/**
 * Bytes from panel to panel of a map of so many rows in inference: an odd number of cache lines, so that one row of many panels does not fall on a few places
 * of a cache.
 */
export function map_step(rows: i32): usize {
  return <usize>(((rows + 1) & ~3) + 2) << 5;
}

/** target[rows][8] <- `count` columns of a, zeros behind them. */
function pack_narrow(target: usize, a: usize, aStride: usize, rows: i32, count: usize): void {
  for (let row = 0; row < rows; row++) {
    for (let i: usize = 0; i < 8; i++) store<f32>(target + (i << 2), i < count ? load<f32>(a + (i << 2)) : <f32>0.0);
    a += aStride;
    target += 32;
  }
}

/** Bytes of `rows` rows in panels of eight columns. */
export function panel_bytes(rows: i32, columns: i32): usize {
  return <usize>rows * (<usize>((columns + 7) & ~7) << 2);
}

/** target [columns / 8, rounded up][rows][8], panels `step` bytes apart, <- a [rows][columns]. Zeros behind the last column. */
export function pack_columns(target: usize, step: usize, a: usize, aStride: usize, rows: i32, columns: i32): void {
  for (; columns >= 8; columns -= 8) {
    let source = a;
    for (const end = target + (<usize>rows << 5); target != end; target += 32) {
      const low = v128.load(source), high = v128.load(source, 16);
      v128.store(target, high, 16);
      v128.store(target, low);
      source += aStride;
    }
    a += 32;
    target += step - (<usize>rows << 5);
  }
  if (columns > 0) pack_narrow(target, a, aStride, rows, columns);
}
