/**
 * The mean of each channel over its map: [N, C, H, W] -> [N, C, 1, 1]. It opens squeeze-and-excite
 * and the head. Its gradient spreads evenly over the map.
 */
import { BneckError } from '../../base/errors.ts';
import { formatShape } from '../../base/tensor.ts';
import type { GlobalAveragePoolNode } from '../graph.ts';
import type { Op, ReferenceTensor } from '../op.ts';
import { dimension, only, referenceTensor } from '../reference-tensor.ts';

/** The number of elements of a map. */
function planeSize({ shape }: ReferenceTensor): number {
  return dimension(shape, 2) * dimension(shape, 3);
}

/** PyTorch: `nn.AdaptiveAvgPool2d(1)`. */
export const globalAveragePool2d: Op<GlobalAveragePoolNode> = {
  op: 'global_average_pool2d',

  outputShape({ name }, inputs) {
    const shape = only(inputs);
    const [images, channels] = shape;
    if (shape.length !== 4 || images === undefined || channels === undefined) {
      throw new BneckError('shape', `Pooling ${name} takes [N, C, H, W], but was given ${formatShape(shape)}.`);
    }
    return [images, channels, 1, 1];
  },

  parameters: () => [],
  multiplyAdds: () => 0,

  forward(node, inputs) {
    const input = only(inputs);
    const output = referenceTensor(globalAveragePool2d.outputShape(node, [input.shape]));
    const plane = planeSize(input);
    for (let map = 0; map < output.data.length; map++) {
      const values = input.data.subarray(map * plane, (map + 1) * plane);
      output.data[map] = values.reduce((sum, value) => sum + value, 0) / plane;
    }
    return output;
  },

  gradient(_node, inputs, _output, dOutput) {
    const input = only(inputs);
    const plane = planeSize(input);
    const dInput = input.data.map((_, index) => (dOutput.data[Math.floor(index / plane)] as number) / plane);
    return { inputs: [referenceTensor(input.shape, dInput)], parameters: new Map() };
  },
};
