/** Panels: eight columns of a matrix that stand together, [columns / 8, rounded up][rows][8] (kernels/panel.ts). */
import { ceilDivide } from './kernel.ts';

/** Floats of a matrix [depth][columns] in panels, one behind the other. */
export function packedLength(depth: number, columns: number): number {
  return ceilDivide(columns, 8) * 8 * depth;
}

/** Element [k][n] of such a matrix. */
export function packedIndex(depth: number, k: number, n: number): number {
  return (Math.floor(n / 8) * depth + k) * 8 + (n % 8);
}

/** Bytes of `rows` rows in panels. */
export function panelBytes(rows: number, columns: number): number {
  return 4 * packedLength(rows, columns);
}

/** Rows of a map's panels: 2 more than a multiple of 4 (`map_step`). */
export function mapRows(rows: number): number {
  return 4 * Math.floor((rows + 1) / 4) + 2;
}

/** Floats of a map [rows][channels] in panels, and of five more rows: tiles may read three, and touch the next tile's (strassen-tile.ts). */
export function mapFloats(rows: number, channels: number): number {
  return packedLength(mapRows(rows), channels) + 40;
}

/** Element [row][channel] of such a map. */
export function mapIndex(rows: number, row: number, channel: number): number {
  return packedIndex(mapRows(rows), row, channel);
}
