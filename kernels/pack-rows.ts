// Rows of an operand into the order in which the matrix tiles read them, four by four; and products of rows that lie as in a map.

import { EDGE_BYTES, multiply_packed } from './gemm';
import { VECTOR, store_transposed } from './vector';

/** Whether rows are multiplied by a gate, as a type parameter. */
type Gated = u32;
export type Plain = f32;

/** target[k][4] <- four rows of a, Gated: times gate [k], transposed. */
export function pack_four_rows<Form>(target: usize, a: usize, stride: usize, k: i32, gate: usize): void {
  let a1 = a + stride;
  let a2 = a1 + stride;
  let a3 = a2 + stride;
  for (const end = a + (<usize>(k & ~3) << 2); a < end; a += VECTOR) {
    let r0 = v128.load(a);
    let r1 = v128.load(a1);
    let r2 = v128.load(a2);
    let r3 = v128.load(a3);
    if (isInteger<Form>()) {
      const factors = v128.load(gate);
      r0 = f32x4.mul(r0, factors);
      r1 = f32x4.mul(r1, factors);
      r2 = f32x4.mul(r2, factors);
      r3 = f32x4.mul(r3, factors);
      gate += VECTOR;
    }
    store_transposed(target, r0, r1, r2, r3);
    a1 += VECTOR; a2 += VECTOR; a3 += VECTOR;
    target += 4 * VECTOR;
  }
  for (let i = k & 3; i > 0; i--) {
    const factor: f32 = isInteger<Form>() ? load<f32>(gate) : 1.0;
    store<f32>(target, load<f32>(a) * factor);
    store<f32>(target, load<f32>(a1) * factor, 4);
    store<f32>(target, load<f32>(a2) * factor, 8);
    store<f32>(target, load<f32>(a3) * factor, 12);
    a += 4; a1 += 4; a2 += 4; a3 += 4;
    gate += 4;
    target += 16;
  }
}

/** target [rows / 4][k][4] <- a, its rows times gate [k] (0: as they are). Where the last four rows are fewer, the places of the others stay as they are. */
export function pack_rows(target: usize, a: usize, aStride: usize, rows: i32, k: i32, gate: usize): void {
  const whole = rows & ~3;
  for (let row = 0; row < whole; row += 4) {
    if (gate == 0) pack_four_rows<Plain>(target, a, aStride, k, 0);
    else pack_four_rows<Gated>(target, a, aStride, k, gate);
    a += aStride << 2;
    target += <usize>k << 4;
  }
  for (let row = whole; row < rows; row++) {
    for (let i: usize = 0; i < <usize>k; i++) {
      const factor: f32 = gate == 0 ? 1.0 : load<f32>(gate + (i << 2));
      store<f32>(target + (i << 4), load<f32>(a + (i << 2)) * factor);
    }
    a += aStride;
    target += 4;
  }
}

/** c[rows][columns] = a b, the rows of a times gate [k] (0: as they are), for b packed in panels [panel][k][8], the last one padded with zeros (pack.ts). */
export function multiply_panels(
  a: usize, aStride: usize, gate: usize, rows: i32, k: i32, packed: usize, columns: i32,
  c: usize, cStride: usize, bias: usize, activation: i32, residual: usize, temporary: usize,
): void {
  pack_rows(temporary + EDGE_BYTES, a, aStride, rows, k, gate);
  multiply_packed(temporary + EDGE_BYTES, rows, k, packed, columns, c, cStride, bias, activation, residual, temporary);
}
