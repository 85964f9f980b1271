/**
 * Squeeze-and-excite's last step: every map times its gate, y[n, c, h, w] = x[n, c, h, w] g[n, c].
 * Inputs: values [N, C, H, W] and gate [N, C, 1, 1].
 */
import { BneckError } from '../../base/errors.ts';
import { formatShape, sameShape } from '../../base/tensor.ts';
import type { ScaleChannelsNode } from '../graph.ts';
import type { Op } from '../op.ts';
import { dimension, pair, referenceTensor } from '../reference-tensor.ts';

/** The product in torchvision's `SqueezeExcitation.forward`. */
export const scaleChannels: Op<ScaleChannelsNode> = {
  op: 'scale_channels',

  outputShape({ name }, inputs) {
    const [values, gate] = pair(inputs);
    if (values.length !== 4 || !sameShape(gate, [...values.slice(0, 2), 1, 1])) {
      throw new BneckError(
        'shape',
        `Scaling ${name} takes [N, C, H, W] and [N, C, 1, 1], but was given ${formatShape(values)} and ${formatShape(gate)}.`,
      );
    }
    return values;
  },

  parameters: () => [],
  multiplyAdds: () => 0,

  forward(_node, inputs) {
    const [values, gate] = pair(inputs);
    const plane = dimension(values.shape, 2) * dimension(values.shape, 3);
    const scaled = values.data.map((value, index) => value * (gate.data[Math.floor(index / plane)] as number));
    return referenceTensor(values.shape, scaled);
  },

  gradient(_node, inputs, _output, dOutput) {
    const [values, gate] = pair(inputs);
    const plane = dimension(values.shape, 2) * dimension(values.shape, 3);
    const dValues = referenceTensor(values.shape);
    const dGate = referenceTensor(gate.shape);
    dOutput.data.forEach((dy, index) => {
      const map = Math.floor(index / plane);
      dValues.data[index] = dy * (gate.data[map] as number);
      dGate.data[map] = (dGate.data[map] as number) + dy * (values.data[index] as number);
    });
    return { inputs: [dValues, dGate], parameters: new Map() };
  },
};
