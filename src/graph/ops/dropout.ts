/**
 * Inverted dropout: in training each feature is set to 0 with the given probability, and what is kept
 * is divided by the probability of being kept. In inference it does nothing.
 *
 * The mask is a pure function of (seed, step, element), the same in the kernel: element i of the
 * row-major output takes word i mod 4 of the Philox block with counter [i div 4, step, 0, 0] and key
 * [seed, dropout], and is kept iff the word's upper 24 bits are at least round(probability 2^24).
 */

import { philox, RANDOM_PURPOSE } from '../../base/random.ts';
import { elementCount } from '../../base/tensor.ts';
import type { DropoutNode } from '../graph.ts';
import type { Op, ReferenceContext } from '../op.ts';
import { only, referenceTensor } from '../reference-tensor.ts';

/** What each of `count` elements is multiplied by: 0, or the float32 value of 1 / (1 - probability). */
export function dropoutScales(count: number, probability: number, seed: number, step: number): Float64Array {
  const scales = new Float64Array(count);
  const words = new Uint32Array(4);
  const threshold = Math.round(probability * 2 ** 24);
  const kept = Math.fround(1 / (1 - probability));
  for (let i = 0; i < count; i++) {
    if (i % 4 === 0) philox(words, [i >>> 2, step, 0, 0], [seed, RANDOM_PURPOSE.dropout]);
    scales[i] = (words[i & 3] as number) >>> 8 >= threshold ? kept : 0;
  }
  return scales;
}

function scalesOf({ attributes }: DropoutNode, count: number, { training, seed, step }: ReferenceContext) {
  return training ? dropoutScales(count, attributes.probability, seed, step) : new Float64Array(count).fill(1);
}

/** Any shape to the same shape. */
export const dropout: Op<DropoutNode> = {
  op: 'dropout',
  outputShape: (_node, inputs) => only(inputs),
  parameters: () => [],
  multiplyAdds: () => 0,

  forward(node, inputs, context) {
    const { shape, data } = only(inputs);
    const scales = scalesOf(node, data.length, context);
    return referenceTensor(
      shape,
      data.map((value, index) => value * (scales[index] as number)),
    );
  },

  gradient(node, inputs, _output, dOutput, context) {
    const { shape } = only(inputs);
    const scales = scalesOf(node, elementCount(shape), context);
    const dInput = dOutput.data.map((dy, index) => dy * (scales[index] as number));
    return { inputs: [referenceTensor(shape, dInput)], parameters: new Map() };
  },
};
