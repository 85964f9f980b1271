// Matrix products of operands in the order of the tiles (tile.ts; pack-rows.ts and view.ts bring them into it), and the edges that no tile covers. Strides are in bytes;
// bias and residual 0: none; a residual is laid out as c, and may be c.

import { activate } from './activation';
import { InPlanes, InRows, multiply_tiles } from './tile';

function copy_floats(target: usize, source: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(target + (<usize>i << 2), load<f32>(source + (<usize>i << 2)));
}

/** target[rows][width] <- `count` columns of a, zeros behind them. */
function pack_narrow(target: usize, width: usize, a: usize, aStride: usize, rows: i32, count: usize): void {
  for (let row = 0; row < rows; row++) {
    for (let i: usize = 0; i < width; i++) store<f32>(target + (i << 2), i < count ? load<f32>(a + (i << 2)) : <f32>0.0);
    a += aStride;
    target += width << 2;
  }
}

/**
 * target [columns / width, rounded up][rows][width] <- a [rows][columns]: columns by fours (width 4), as the rows of a product with a transposed, or by
 * eights (width 8), as panels of b. Zeros behind the last column.
 */
export function pack_columns(target: usize, width: i32, a: usize, aStride: usize, rows: i32, columns: i32): void {
  for (; columns >= width; columns -= width) {
    let source = a;
    const end = target + <usize>rows * (<usize>width << 2);
    do {
      v128.store(target, v128.load(source));
      if (width == 8) v128.store(target + 16, v128.load(source, 16));
      source += aStride;
      target += <usize>width << 2;
    } while (target != end);
    a += <usize>width << 2;
  }
  if (columns > 0) pack_narrow(target, width, a, aStride, rows, columns);
}

/** Bytes of scratch in which the edges of c are computed: a tile and a bias. */
export const EDGE_BYTES: usize = 192;

/** Bytes of scratch that multiply_panels takes as `temporary`, for so many rows of k floats. */
export function temporary_bytes(rows: i32, k: i32): usize {
  return EDGE_BYTES + (<usize>((rows + 3) & ~3) * <usize>k << 2);
}

/** The upper left `rows` x `columns` of a 4 x 8 tile: what is left over at the edges of c. */
function multiply_edge(
  a: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, temporary: usize,
): void {
  const vector = temporary + 128;
  if (bias != 0) copy_floats(vector, bias, columns);
  if (residual != 0) {
    for (let row: usize = 0; row < <usize>rows; row++) copy_floats(temporary + (row << 5), residual + row * cStride, columns);
  }
  multiply_tiles<InRows>(a, 4, k, b, 8, temporary, 32, bias == 0 ? <usize>0 : vector, activation, residual == 0 ? <usize>0 : temporary, 0);
  for (let row: usize = 0; row < <usize>rows; row++) copy_floats(c + row * cStride, temporary + (row << 5), columns);
}

/**
 * One row of c by 32 columns at a time: what is left over below the tiles, without the work of three more rows. a is packed, one of
 * the last rows; panels of b as in multiply_tiles, columns a multiple of 32.
 */
function multiply_row(
  a: usize, k: i32, b: usize, columns: i32, c: usize, bias: usize, activation: i32, residual: usize,
): void {
  const end = a + (<usize>k << 4);
  const panel = <usize>k << 5;
  for (let column: usize = 0; column < <usize>columns << 2; column += 128) {
    let s0 = f32x4.splat(0.0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    let b0 = b;
    let b1 = b0 + panel;
    let b2 = b1 + panel;
    let b3 = b2 + panel;
    b = b3 + panel;
    let at = a;
    do {
      const x = v128.load32_splat(at);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b0)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b0, 16)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(b1)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(b1, 16)));
      s4 = f32x4.add(s4, f32x4.mul(x, v128.load(b2)));
      s5 = f32x4.add(s5, f32x4.mul(x, v128.load(b2, 16)));
      s6 = f32x4.add(s6, f32x4.mul(x, v128.load(b3)));
      s7 = f32x4.add(s7, f32x4.mul(x, v128.load(b3, 16)));
      b0 += 32; b1 += 32; b2 += 32; b3 += 32;
      at += 16;
    } while (at != end);
    const target = c + column;
    const vector = bias == 0 ? <usize>0 : bias + column;
    const addend = residual == 0 ? <usize>0 : residual + column;
    finish_pair(target, 0, s0, s1, vector, activation, addend);
    finish_pair(target, 32, s2, s3, vector, activation, addend);
    finish_pair(target, 64, s4, s5, vector, activation, addend);
    finish_pair(target, 96, s6, s7, vector, activation, addend);
  }
}

/** Eight sums to c[0..7], `byte` further on, as a tile's end does it. */
function finish_pair(c: usize, byte: usize, s0: v128, s1: v128, bias: usize, activation: i32, residual: usize): void {
  if (bias != 0) {
    s0 = activate(f32x4.add(s0, v128.load(bias + byte)), activation);
    s1 = activate(f32x4.add(s1, v128.load(bias + byte, 16)), activation);
  }
  if (residual != 0) {
    s0 = f32x4.add(s0, v128.load(residual + byte));
    s1 = f32x4.add(s1, v128.load(residual + byte, 16));
  }
  v128.store(c + byte, s0);
  v128.store(c + byte, s1, 16);
}

/**
 * c[rows][columns] from rows of a packed as pack_rows does it and panels of b as multiply_tiles has them, the last one readable to its eighth column.
 * edge: EDGE_BYTES of scratch.
 */
export function multiply_packed(
  packed: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, edge: usize,
): void {
  const wholeRows = rows & ~3;
  const wholeColumns = columns & ~7;
  multiply_tiles<InRows>(packed, wholeRows, k, b, wholeColumns, c, cStride, bias, activation, residual, 0);
  if (wholeRows == rows && wholeColumns == columns) return;
  const rowColumns = columns & ~31;
  for (let row = wholeRows; row < rows; row++) {
    const at = <usize>row * cStride;
    multiply_row(packed + (<usize>wholeRows * <usize>k << 2) + (<usize>(row - wholeRows) << 2), k, b, rowColumns, c + at, bias, activation, residual == 0 ? <usize>0 : residual + at);
  }
  const firstColumn = wholeRows == rows ? wholeColumns : rowColumns;
  b += <usize>firstColumn * (<usize>k << 2);
  for (let column = firstColumn; column < columns; column += 8) {
    const byte = <usize>column << 2;
    const vector = bias == 0 ? <usize>0 : bias + byte;
    for (let row = column < wholeColumns ? wholeRows : 0; row < rows; row += 4) {
      const at = byte + <usize>row * cStride;
      multiply_edge(
        packed + (<usize>row * <usize>k << 2), min(rows - row, 4), k, b, min(columns - column, 8),
        c + at, cStride, vector, activation, residual == 0 ? <usize>0 : residual + at, edge,
      );
    }
    b += <usize>k << 5;
  }
}

/**
 * Panels of b, whole (columns a multiple of 8), times rows of a that are packed by fours already, into planes of four columns (eight in the build for wide vectors) `planeBytes` apart:
 * row number i at the byte places[i] of each.
 */
export function multiply_into_planes(
  a: usize, rows: i32, k: i32, packed: usize, columns: i32, planes: usize, planeBytes: usize, places: usize, bias: usize, activation: i32,
): void {
  multiply_tiles<InPlanes>(a, rows, k, packed, columns, planes, planeBytes, bias, activation, 0, places);
}
