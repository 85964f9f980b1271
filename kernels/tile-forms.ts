// The forms of a matrix tile (tile.ts).

// Type parameters, so that each use has a function of its own, which asks nothing in its loops.
/** Where a tile leaves c: rows cStride apart; panels of eight columns, cStride apart; planes with places of their own. */
export type InRows = f32;
export type InPanels = f64;
export type InPlanes = u32;
/**
 * How a is given: in its own panels, [k / 8][rows][8]; in those of a transposed, [rows / 8][k][8]; or as lines of a picture of three channels, `aStep` apart, of which a row is three
 * pixels of each of three lines, and the next row the same two pixels further on.
 */
export type Upright = f32;
export type Transposed = u32;
export type Picture = f64;
/** Rows of a tile. Transposed has four; eight are for Upright, by eight columns, in the build for wide vectors. */
export type Four = f32;
export type Five = u32;
export type Eight = f64;

// @ts-ignore: decorator
@inline
export function height_of<Height>(): i32 {
  return isInteger<Height>() ? 5 : sizeof<Height>() == 8 ? 8 : 4;
}

// @ts-ignore: decorator
@inline
export function of_picture<Operand>(): bool {
  return sizeof<Operand>() == 8;
}

// @ts-ignore: decorator
@inline
export function upright<Operand>(): bool {
  return !isInteger<Operand>() && sizeof<Operand>() == 4;
}

// @ts-ignore: decorator
@inline
export function in_panels<Target>(): bool {
  return sizeof<Target>() == 8;
}

/** From one row of a to the next. */
// @ts-ignore: decorator
@inline
export function row_bytes<Operand>(): usize {
  return isInteger<Operand>() ? 4 : of_picture<Operand>() ? 24 : 32;
}

/** From one turn to the next. */
// @ts-ignore: decorator
@inline
export function step_of<Operand>(): usize {
  return isInteger<Operand>() ? 32 : 4;
}

/** Where row number `row` of a begins; of Transposed a multiple of four. */
export function row_offset<Operand>(row: i32, aStep: usize): usize {
  if (isInteger<Operand>()) return <usize>(row >> 3) * aStep + (<usize>(row & 4) << 2);
  return <usize>row * row_bytes<Operand>();
}
