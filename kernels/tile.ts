// The matrix inner loops. c[m][n] = activation(bias[n] + sum over k of a[m][k] * b[k][n]) + residual[m][n], in registers a
// tile at a time, from the bias on in k order, so that a result depends on its inputs alone. Five rows (or four, of what five leave over) x 8 columns fill ten accumulators (narrow-tile.ts); in the build for wide vectors it is 16 columns (wide-tile.ts), and 8 x 8 where a panel is left alone. Both operands are
// panels of eight columns of a matrix, as maps are in inference, and brought into by view.ts and panel.ts in training: one pointer each walks them, and all else is constant. A core takes up six instructions
// a cycle, of which the arithmetic wants four. Binaryen leaves these functions in the order in which they are written (scripts/compile.js), V8 from 13.6 on too, and a turn is
// written as the processor likes it: a broadcast, its products, their sums. Older V8s order a block's instructions themselves, loads first, and run out of registers where a block has more
// than one turn. Hence, in the loop that they run, a way out after each turn, and a store that never happens: no address of a float is 1 (docs/kernels.md).
// In every eighth turn a byte of what is wanted later is loaded (read-ahead.ts), or, in tiles of eight rows, four of the next panel.
// Strides are in bytes; bias and residual 0: none; a residual is laid out as c, and may be c.

import { multiply_narrow_tiles } from './narrow-tile';
import { Eight, Five, Four, upright } from './tile-forms';
import { multiply_wide_tiles } from './wide-tile';

/** From so many rows on, a panel of b is worth reading ahead. */
const LARGE: i32 = 512;

/** How many rows can go through tiles as they are: all, or, of fewer than twelve, what is whole fours. */
export function whole_rows(rows: i32): i32 {
  return rows >= 12 || rows == 5 || rows == 9 || rows == 10 ? rows : rows & ~3;
}

/** Of so many rows, those that go through tiles of five; what these leave is whole fours. Older V8s have no register for a fifth row. */
export function rows_by_fives(rows: i32): i32 {
  return TURBOFAN ? 5 * (rows & 3) : rows - 4 * ((5 - rows % 5) % 5);
}

/** Of so many rows, those that go through tiles of eight; what these leave is fives and fours. */
function rows_by_eights(rows: i32): i32 {
  const left = rows & 7;
  return left == 0 || left == 4 || left == 5 ? rows - left : max(rows - 12, 0) & ~7;
}

/**
 * c[rows][columns], `whole_rows` rows (of Transposed a multiple of four), columns a multiple of eight. In the build for wide vectors two panels of b are taken at a time, and one that is left alone. Of the eight
 * or sixteen rows of a linear layer each panel is taken alone, so that b, which is large and comes from memory, is gone through once or twice.
 */
export function multiply_tiles<Target, Operand>(
  a: usize, aStep: usize, rows: i32, k: i32, b: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, places: usize,
): void {
  let wide = 0, eights = 0;
  if (WIDE) {
    wide = upright<Operand>() && (rows == 8 || rows == 16) && k >= LARGE ? 0 : columns & ~15;
    const fives = isInteger<Operand>() ? 0 : rows_by_fives(rows);
    if (!isInteger<Operand>()) multiply_wide_tiles<Target, Operand, Five>(a, aStep, 0, fives, k, b, 0, wide, c, cStride, bias, activation, residual, places);
    multiply_wide_tiles<Target, Operand, Four>(a, aStep, fives, rows, k, b, 0, wide, c, cStride, bias, activation, residual, places);
    if (wide == columns) return;
    if (upright<Operand>()) {
      eights = rows_by_eights(rows);
      multiply_narrow_tiles<Target, Operand, Eight>(a, aStep, 0, eights, k, b, wide, columns, c, cStride, bias, activation, residual, places);
    }
  }
  const fives = isInteger<Operand>() ? eights : eights + rows_by_fives(rows - eights);
  if (!isInteger<Operand>()) multiply_narrow_tiles<Target, Operand, Five>(a, aStep, eights, fives, k, b, wide, columns, c, cStride, bias, activation, residual, places);
  multiply_narrow_tiles<Target, Operand, Four>(a, aStep, fives, rows, k, b, wide, columns, c, cStride, bias, activation, residual, places);
}
