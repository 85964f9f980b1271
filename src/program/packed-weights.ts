/** Weights of an inference program as its kernels read them: made by `prepare` steps, which run once after weights change. */

import type { BatchNorm2dNode, Conv2dNode } from '../graph/graph.ts';
import { packedLength } from '../kernels/panel.ts';
import { weightSumFloats } from '../kernels/strassen.ts';
import type { Operand } from './program.ts';
import { type ProgramBuilder, shifted } from './program-builder.ts';

export class PackedWeights {
  readonly #builder: ProgramBuilder;
  /** What the steps leave, by name. */
  readonly #prepared = new Map<string, Operand>();

  constructor(builder: ProgramBuilder) {
    this.#builder = builder;
  }

  /** An operand that `prepare` steps fill; the steps are appended the first time. */
  #once(name: string, floats: number, append: (operand: Operand) => void): Operand {
    const known = this.#prepared.get(name);
    if (known) return known;
    const operand = this.#builder.persistent(name, floats);
    this.#prepared.set(name, operand);
    append(operand);
    return operand;
  }

  /** Scale and shift of a batch norm, times a factor: the shift is the convolution's bias. */
  fold(norm: BatchNorm2dNode, factor: number): { scale: Operand; bias: Operand } {
    const { channels, epsilon } = norm.attributes;
    const folded = this.#once(`${norm.name}.folded`, 2 * channels, (coefficients) => {
      const operands = {
        weight: this.#builder.parameter(`${norm.name}.weight`),
        bias: this.#builder.parameter(`${norm.name}.bias`),
        runningMean: this.#builder.running(`${norm.name}.running_mean`),
        runningVariance: this.#builder.running(`${norm.name}.running_var`),
        coefficients,
      };
      this.#builder.prepare('f32_batch_norm_fold_forward', norm.name, operands, { channels, epsilon, factor });
    });
    return { scale: folded, bias: shifted(folded, channels) };
  }

  /** For the matrix tiles; scaled by output channel. */
  panels(name: string, outChannels: number, inChannels: number, taps: number, scale: Operand | null): Operand {
    return this.#once(`${name}.packed`, packedLength(inChannels * taps, outChannels), (packed) => {
      const operands = { weight: this.#builder.parameter(`${name}.weight`), scale, packed };
      this.#builder.prepare('f32_pack_panels_forward', name, operands, { outChannels, inChannels, taps });
    });
  }

  /** `panels` of a pointwise or dense convolution. */
  conv({ name, attributes }: Conv2dNode, scale: Operand): Operand {
    const { inChannels, outChannels, kernel } = attributes;
    return this.panels(name, outChannels, inChannels, kernel * kernel, scale);
  }

  /** Sums of quarters of a pointwise convolution's weights (kernels/strassen.ts). */
  sums(conv: Conv2dNode, scale: Operand): Operand {
    const { inChannels, outChannels } = conv.attributes;
    const packed = this.conv(conv, scale);
    return this.#once(`${conv.name}.sums`, weightSumFloats(inChannels, outChannels), (sums) => {
      this.#builder.prepare(
        'f32_strassen_weight_sums_forward',
        conv.name,
        { packed, sums },
        { outChannels, inChannels },
      );
    });
  }

  /** Of a depthwise convolution, [channels / 8][taps][8]. */
  depthwise({ name, attributes }: Conv2dNode, scale: Operand): Operand {
    const { outChannels, kernel } = attributes;
    return this.panels(name, outChannels, 1, kernel * kernel, scale);
  }
}
