/**
 * The residual connection: the sum of two tensors of one shape. The gradient reaches both unchanged.
 */
import { BneckError } from '../../base/errors.ts';
import { formatShape, sameShape } from '../../base/tensor.ts';
import type { AddNode } from '../graph.ts';
import type { Op } from '../op.ts';
import { pair, referenceTensor } from '../reference-tensor.ts';

/** MobileNetV2 paper, section 3.3: only where a block keeps resolution and channels. */
export const add: Op<AddNode> = {
  op: 'add',

  outputShape({ name }, inputs) {
    const [first, second] = pair(inputs);
    if (!sameShape(first, second)) {
      const given = `${formatShape(first)} and ${formatShape(second)}`;
      throw new BneckError('shape', `Sum ${name} takes two tensors of one shape, but was given ${given}.`);
    }
    return first;
  },

  parameters: () => [],
  multiplyAdds: () => 0,

  forward(_node, inputs) {
    const [first, second] = pair(inputs);
    return referenceTensor(
      first.shape,
      first.data.map((value, index) => value + (second.data[index] as number)),
    );
  },

  gradient(_node, _inputs, _output, dOutput) {
    const copy = (): typeof dOutput => referenceTensor(dOutput.shape, dOutput.data);
    return { inputs: [copy(), copy()], parameters: new Map() };
  },
};
