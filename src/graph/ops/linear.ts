/**
 * A fully connected layer: y[n, o] = bias[o] + sum over i of weight[o, i] x[n, i]. It takes features
 * as [N, I] or, straight from pooling, as [N, I, 1, 1]; the gradient comes back in the same shape.
 */
import { BneckError } from '../../base/errors.ts';
import { elementCount, formatShape, sameShape } from '../../base/tensor.ts';
import type { LinearNode } from '../graph.ts';
import type { Op } from '../op.ts';
import { dimension, only, referenceTensor, required } from '../reference-tensor.ts';

/** Weight [O, I], bias [O]. Cost: N O I multiply-adds. PyTorch: `nn.Linear`. */
export const linear: Op<LinearNode> = {
  op: 'linear',

  outputShape({ name, attributes }, inputs) {
    const shape = only(inputs);
    const { inFeatures, outFeatures } = attributes;
    const [images] = shape;
    if (images === undefined || shape[1] !== inFeatures || !sameShape(shape.slice(2), shape.length > 2 ? [1, 1] : [])) {
      const needed = `[N, ${inFeatures}] or [N, ${inFeatures}, 1, 1]`;
      throw new BneckError('shape', `Linear layer ${name} takes ${needed}, but was given ${formatShape(shape)}.`);
    }
    return [images, outFeatures];
  },

  parameters({ name, attributes }) {
    const { inFeatures, outFeatures } = attributes;
    return [
      {
        name: `${name}.weight`,
        shape: [outFeatures, inFeatures],
        dtype: 'float32',
        trainable: true,
        initializer: { kind: 'normal', deviation: 0.01 },
      },
      {
        name: `${name}.bias`,
        shape: [outFeatures],
        dtype: 'float32',
        trainable: true,
        initializer: { kind: 'constant', value: 0 },
      },
    ];
  },

  multiplyAdds: ({ attributes }, _inputs, output) => elementCount(output) * attributes.inFeatures,

  forward(node, inputs, { parameters }) {
    const input = only(inputs);
    const { inFeatures, outFeatures } = node.attributes;
    const weight = required(parameters, 'weight').data;
    const bias = required(parameters, 'bias').data;
    const output = referenceTensor(linear.outputShape(node, [input.shape]));
    output.data.forEach((_, index) => {
      const n = Math.floor(index / outFeatures);
      const o = index % outFeatures;
      let sum = bias[o] as number;
      for (let i = 0; i < inFeatures; i++) {
        sum += (weight[o * inFeatures + i] as number) * (input.data[n * inFeatures + i] as number);
      }
      output.data[index] = sum;
    });
    return output;
  },

  gradient(node, inputs, _output, dOutput, { parameters }) {
    const input = only(inputs);
    const { inFeatures, outFeatures } = node.attributes;
    const weight = required(parameters, 'weight');
    const dInput = referenceTensor(input.shape);
    const dWeight = referenceTensor(weight.shape);
    const dBias = referenceTensor([outFeatures]);
    const [x, w, dx, dw] = [input.data, weight.data, dInput.data, dWeight.data];
    for (let n = 0; n < dimension(input.shape, 0); n++) {
      for (let o = 0; o < outFeatures; o++) {
        const dy = dOutput.data[n * outFeatures + o] as number;
        dBias.data[o] = (dBias.data[o] as number) + dy;
        for (let i = 0; i < inFeatures; i++) {
          const xi = n * inFeatures + i;
          const wi = o * inFeatures + i;
          dx[xi] = (dx[xi] as number) + dy * (w[wi] as number);
          dw[wi] = (dw[wi] as number) + dy * (x[xi] as number);
        }
      }
    }
    const gradients = new Map([
      ['weight', dWeight],
      ['bias', dBias],
    ]);
    return { inputs: [dInput], parameters: gradients };
  },
};
