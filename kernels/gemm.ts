// Matrix products of operands in panels of eight columns (tile.ts; panel.ts and view.ts bring them into it), and the edges that no tile covers. Strides are in bytes;
// bias and residual 0: none; a residual is laid out as c, and may be c.

import { multiply_narrow_tiles } from './narrow-tile';
import { multiply_tiles, whole_rows } from './tile';
import { Four, InPanels, InPlanes, InRows, Picture, Transposed, Upright, in_panels, row_offset } from './tile-forms';

function copy_floats(target: usize, source: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(target + (<usize>i << 2), load<f32>(source + (<usize>i << 2)));
}

/** Bytes of scratch in which the edges of c are computed: a tile and a bias. */
export const EDGE_BYTES: usize = 192;

/** The upper left `rows` x `columns` of a 4 x 8 tile, to rows of c: what is left over at its edges. */
function multiply_edge<Operand>(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, temporary: usize,
): void {
  const vector = temporary + 128;
  if (bias != 0) copy_floats(vector, bias, columns);
  if (residual != 0) {
    for (let row: usize = 0; row < <usize>rows; row++) copy_floats(temporary + (row << 5), residual + row * cStride, columns);
  }
  multiply_narrow_tiles<InRows, Operand, Four>(a, aStep, 0, 4, k, b, 0, 8, temporary, 32, bias == 0 ? <usize>0 : vector, activation, residual == 0 ? <usize>0 : temporary, 0);
  for (let row: usize = 0; row < <usize>rows; row++) copy_floats(c + row * cStride, temporary + (row << 5), columns);
}

/**
 * c[rows][columns] = a b, a in panels `aStep` bytes apart, b in panels one behind the other, the last one of either readable to its eighth column, and rows of a to
 * the next multiple of four. edge: EDGE_BYTES of scratch.
 */
function multiply<Target, Operand>(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, edge: usize,
): void {
  const wholeRows = isInteger<Operand>() ? rows & ~3 : whole_rows(rows);
  const wholeColumns = columns & ~7;
  multiply_tiles<Target, Operand>(a, aStep, wholeRows, k, b, wholeColumns, c, cStride, bias, activation, residual, 0);
  if (wholeRows == rows && wholeColumns == columns) return;
  const rowBytes = in_panels<Target>() ? 32 : cStride;
  const columnBytes = in_panels<Target>() ? cStride : 32;
  for (let column = wholeRows == rows ? wholeColumns : 0; column < columns; column += 8) {
    const byte = <usize>column << 2;
    for (let row = column < wholeColumns ? wholeRows : 0; row < rows; row += 4) {
      const at = <usize>(column >> 3) * columnBytes + <usize>row * rowBytes;
      const from = a + row_offset<Operand>(row, aStep);
      multiply_edge<Operand>(
        from, aStep, min(rows - row, 4), k, b + byte * <usize>k, min(columns - column, 8),
        c + at, rowBytes, bias == 0 ? <usize>0 : bias + byte, activation, residual == 0 ? <usize>0 : residual + at, edge,
      );
    }
  }
}

/** c = a b for a [rows][k]: panels [k / 8, rounded up][..][8]. See multiply. */
export function multiply_panels(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, edge: usize,
): void {
  multiply<InRows, Upright>(a, aStep, rows, k, b, columns, c, cStride, bias, activation, residual, edge);
}

/** c (+)= a^T b for a [k][rows]: panels [rows / 8, rounded up][k][8], one behind the other; residual 0 or c. See multiply. */
export function multiply_transposed(a: usize, rows: i32, k: i32, b: usize, columns: i32, c: usize, cStride: usize, residual: usize, edge: usize): void {
  multiply<InRows, Transposed>(a, <usize>k << 5, rows, k, b, columns, c, cStride, 0, 0, residual, edge);
}

/** As multiply_panels, c and residual in panels `cStep` bytes apart. Columns are a multiple of 8. */
export function multiply_into_panels(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStep: usize, bias: usize, activation: i32, residual: usize, edge: usize,
): void {
  multiply<InPanels, Upright>(a, aStep, rows, k, b, columns, c, cStep, bias, activation, residual, edge);
}

/** As multiply_into_panels for a row of a 3 x 3 convolution with stride 2 of lines of a picture (Picture, tile.ts): k is 27. */
export function convolve_picture(
  lines: usize, lineBytes: usize, rows: i32, b: usize, columns: i32, c: usize, cStep: usize, bias: usize, activation: i32, edge: usize,
): void {
  multiply<InPanels, Picture>(lines, lineBytes, rows, 27, b, columns, c, cStep, bias, activation, 0, edge);
}

/**
 * a b into planes of four columns (eight in the build for wide vectors) `planeBytes` apart, a in panels as for multiply_panels, whole_rows (tile.ts) of them: row
 * number i at the byte places[i] of each plane. Columns are a multiple of 8.
 */
export function multiply_into_planes(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32, planes: usize, planeBytes: usize, places: usize, bias: usize, activation: i32,
): void {
  multiply_tiles<InPlanes, Upright>(a, aStep, rows, k, b, columns, planes, planeBytes, bias, activation, 0, places);
}
