/**
 * Batch normalisation over N, H and W, a channel at a time (Ioffe and Szegedy, 2015), as PyTorch's
 * `nn.BatchNorm2d`:
 *
 *   y = weight (x - mean) / sqrt(variance + epsilon) + bias
 *
 * Training takes mean and (biased) variance of the batch, and moves the running ones towards them:
 * running = (1 - momentum) running + momentum batch, where the variance that is kept is the unbiased
 * one. Inference takes the running ones as constants.
 */
import { BneckError } from '../../base/errors.ts';
import { formatShape } from '../../base/tensor.ts';
import type { BatchNorm2dNode } from '../graph.ts';
import type { Op, ReferenceContext, ReferenceTensor } from '../op.ts';
import { dimension, only, referenceTensor, required } from '../reference-tensor.ts';

/** The flat indices of one channel's elements in [N, C, H, W]. */
function channelIndices({ shape }: ReferenceTensor, channel: number): Uint32Array {
  const [images, channels] = [dimension(shape, 0), dimension(shape, 1)];
  const plane = dimension(shape, 2) * dimension(shape, 3);
  const indices = new Uint32Array(images * plane);
  for (let image = 0, element = 0; image < images; image++) {
    const first = (image * channels + channel) * plane;
    for (let index = first; index < first + plane; index++) indices[element++] = index;
  }
  return indices;
}

/** Mean and biased variance of one channel: the batch's in training, else the running ones. */
function statistics(
  { data }: ReferenceTensor,
  indices: Uint32Array,
  channel: number,
  { training, parameters }: ReferenceContext,
): { mean: number; variance: number } {
  if (!training) {
    const mean = required(parameters, 'running_mean').data[channel] as number;
    const variance = required(parameters, 'running_var').data[channel] as number;
    return { mean, variance };
  }
  const mean = indices.reduce((sum, index) => sum + (data[index] as number), 0) / indices.length;
  const squares = indices.reduce((sum, index) => sum + ((data[index] as number) - mean) ** 2, 0);
  return { mean, variance: squares / indices.length };
}

/** One value a channel has no variance to keep; PyTorch refuses it as well. */
function checkTrainable({ name }: BatchNorm2dNode, { shape }: ReferenceTensor, training: boolean): void {
  if (training && dimension(shape, 0) * dimension(shape, 2) * dimension(shape, 3) < 2) {
    throw new BneckError(
      'shape',
      `Batch norm ${name} needs more than one value a channel to train; take a larger batch or larger pictures.`,
    );
  }
}

function updateRunningStatistics(
  parameters: ReadonlyMap<string, ReferenceTensor>,
  momentum: number,
  channel: number,
  batch: { mean: number; variance: number; count: number },
): void {
  const mean = required(parameters, 'running_mean').data;
  const variance = required(parameters, 'running_var').data;
  const unbiased = (batch.variance * batch.count) / (batch.count - 1);
  mean[channel] = (1 - momentum) * (mean[channel] as number) + momentum * batch.mean;
  variance[channel] = (1 - momentum) * (variance[channel] as number) + momentum * unbiased;
}

/** weight [C], bias [C]; running_mean [C], running_var [C], num_batches_tracked []. */
export const batchNorm2d: Op<BatchNorm2dNode> = {
  op: 'batch_norm2d',

  outputShape({ name, attributes }, inputs) {
    const shape = only(inputs);
    if (shape.length !== 4 || shape[1] !== attributes.channels) {
      const needed = `[N, ${attributes.channels}, H, W]`;
      throw new BneckError('shape', `Batch norm ${name} takes ${needed}, but was given ${formatShape(shape)}.`);
    }
    return shape;
  },

  parameters({ name, attributes }) {
    const channelwise = (short: string, value: number, trainable: boolean) =>
      ({
        name: `${name}.${short}`,
        shape: [attributes.channels],
        dtype: 'float32',
        trainable,
        initializer: { kind: 'constant', value },
      }) as const;
    return [
      channelwise('weight', 1, true),
      channelwise('bias', 0, true),
      channelwise('running_mean', 0, false),
      channelwise('running_var', 1, false),
      {
        name: `${name}.num_batches_tracked`,
        shape: [],
        dtype: 'int64',
        trainable: false,
        initializer: { kind: 'constant', value: 0 },
      },
    ];
  },

  multiplyAdds: () => 0,

  forward(node, inputs, context) {
    const input = only(inputs);
    const { channels, epsilon, momentum } = node.attributes;
    const { training, parameters } = context;
    checkTrainable(node, input, training);
    const weight = required(parameters, 'weight').data;
    const bias = required(parameters, 'bias').data;
    const output = referenceTensor(input.shape);
    for (let channel = 0; channel < channels; channel++) {
      const indices = channelIndices(input, channel);
      const { mean, variance } = statistics(input, indices, channel, context);
      const scale = (weight[channel] as number) / Math.sqrt(variance + epsilon);
      for (const index of indices) {
        output.data[index] = ((input.data[index] as number) - mean) * scale + (bias[channel] as number);
      }
      if (training) updateRunningStatistics(parameters, momentum, channel, { mean, variance, count: indices.length });
    }
    if (training) {
      const tracked = required(parameters, 'num_batches_tracked').data;
      tracked[0] = (tracked[0] as number) + 1;
    }
    return output;
  },

  /**
   * With z = (x - mean) / deviation: dweight = sum dy z, dbias = sum dy, and in training
   * dx = weight / deviation (dy - dbias / count - z dweight / count), else dx = weight / deviation dy.
   */
  gradient(node, inputs, _output, dOutput, context) {
    const input = only(inputs);
    const { channels, epsilon } = node.attributes;
    const weight = required(context.parameters, 'weight').data;
    const dInput = referenceTensor(input.shape);
    const dWeight = referenceTensor([channels]);
    const dBias = referenceTensor([channels]);
    for (let channel = 0; channel < channels; channel++) {
      const indices = channelIndices(input, channel);
      const { mean, variance } = statistics(input, indices, channel, context);
      const deviation = Math.sqrt(variance + epsilon);
      const normalized = (index: number): number => ((input.data[index] as number) - mean) / deviation;
      let sum = 0;
      let sumNormalized = 0;
      for (const index of indices) {
        sum += dOutput.data[index] as number;
        sumNormalized += (dOutput.data[index] as number) * normalized(index);
      }
      dWeight.data[channel] = sumNormalized;
      dBias.data[channel] = sum;
      for (const index of indices) {
        const through = (sum + normalized(index) * sumNormalized) / indices.length;
        const centred = (dOutput.data[index] as number) - (context.training ? through : 0);
        dInput.data[index] = ((weight[channel] as number) / deviation) * centred;
      }
    }
    const parameters = new Map([
      ['weight', dWeight],
      ['bias', dBias],
    ]);
    return { inputs: [dInput], parameters };
  },
};
