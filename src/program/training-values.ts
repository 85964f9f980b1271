/**
 * What a tensor is while a training program is lowered. A map is kept as its convolution wrote it;
 * batch norm, activation and gate are pending and applied by whoever reads it. Its gradient collects
 * in a slot that all views of the same kept map share.
 */
import { assert } from '../base/errors.ts';
import type { MapShape } from './geometry.ts';
import type { Operand } from './program.ts';

/** Batch norm's numbers for one convolution, as kernels/statistics.ts lays them out. */
export interface NormState {
  /** The node's name. */
  readonly name: string;
  /** [2][C] scale, shift. */
  readonly coefficients: Operand;
  /** [2][C] mean, 1 / deviation. */
  readonly saved: Operand;
}

/** The gradient of one kept tensor: (stored * gate + pooled), each part optional. */
export class GradientSlot {
  readonly name: string;
  /** Readers whose contribution has not come yet. */
  pending = 0;
  stored: Operand | null = null;
  gate: Operand | null = null;
  /** Gradient of the tensor's global average, [N][C]. */
  dPool: Operand | null = null;
  /** The five sums of f32_gate_sums_grad_input, once emitted. */
  gateSums: Operand | null = null;
  /** Batch norm's gradient sums, gathered in the epilogue of the last reader's gradient. */
  sums: { readonly partials: Operand; readonly count: number } | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** Called when a reader has given its part. */
  arrived(): void {
    this.pending -= 1;
    assert(this.pending >= 0, `${this.name} got more gradients than it has readers`);
  }

  /** The next contribution is the last. */
  get lastPending(): boolean {
    return this.pending === 1;
  }
}

export interface TrainingMap extends MapShape {
  readonly kind: 'map';
  readonly data: Operand;
  readonly norm: NormState | null;
  /** Code of kernels/activation.ts; only with `norm`. */
  readonly activation: number;
  readonly gate: Operand | null;
  readonly slot: GradientSlot;
}

export interface TrainingVector {
  readonly kind: 'vector';
  readonly data: Operand;
  readonly images: number;
  readonly features: number;
  readonly slot: GradientSlot;
}

export type TrainingValue = TrainingMap | TrainingVector;
