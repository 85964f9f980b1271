/**
 * Convolution over H and W, with groups (depthwise: groups = channels), stride, dilation and zero
 * padding, symmetric or TensorFlow's SAME. P and Q are the zeros before the first row and column.
 *
 *   y[n, o, p, q] = bias[o] + sum over i, u, v of w[o, i, u, v] x[n, g(o) I/G + i, p s - P + u d, q s - Q + v d]
 *
 * Forward and both gradients visit the same triples (output, input, weight), so the index rule
 * stands once, in `forEachRun`.
 */
import { BneckError } from '../../base/errors.ts';
import { elementCount, formatShape, type Shape } from '../../base/tensor.ts';
import type { Conv2dAttributes, Conv2dNode } from '../graph.ts';
import type { Op, ReferenceTensor } from '../op.ts';
import { dimension, only, referenceTensor, required } from '../reference-tensor.ts';

/** The outputs of an axis, from the first to before the last, of which a tap falls on the input: at output * stride + offset. */
function seen(size: number, outputs: number, stride: number, offset: number): [first: number, end: number] {
  return [Math.max(Math.ceil(-offset / stride), 0), Math.min(Math.ceil((size - offset) / stride), outputs)];
}

/**
 * Calls `visit` for every run of products y += w x of the convolution: `count` neighbours in y, from the flat index
 * `output` on, each with one weight, and values of x from `input` on, `stride` apart.
 */
function forEachRun(
  attributes: Conv2dAttributes,
  input: Shape,
  output: Shape,
  visit: (output: number, input: number, weight: number, count: number) => void,
): void {
  const { inChannels, outChannels, kernel, stride, dilation, groups } = attributes;
  const [images, height, width] = [dimension(input, 0), dimension(input, 2), dimension(input, 3)];
  const [above, left] = [paddingBefore(height, attributes), paddingBefore(width, attributes)];
  const [outHeight, outWidth] = [dimension(output, 2), dimension(output, 3)];
  const inGroup = inChannels / groups;
  const outGroup = outChannels / groups;
  // the same in every plane
  const taps = Array.from({ length: kernel * kernel }, (_, tap) => {
    const down = Math.floor(tap / kernel) * dilation - above;
    const right = (tap % kernel) * dilation - left;
    const [top, bottom] = seen(height, outHeight, stride, down);
    const [first, end] = seen(width, outWidth, stride, right);
    // whole rows follow each other
    const rows = stride === 1 && end - first === width && outWidth === width ? bottom - top : 1;
    const from = down * width + first * stride + right;
    return { tap, top, bottom: first < end ? bottom : top, first, from, rows, count: rows * (end - first) };
  });
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstInput = Math.floor(o / outGroup) * inGroup;
      const outputPlane = (n * outChannels + o) * outHeight * outWidth;
      for (let i = 0; i < inGroup; i++) {
        const inputPlane = (n * inChannels + firstInput + i) * height * width;
        const weights = (o * inGroup + i) * kernel * kernel;
        for (const { tap, top, bottom, first, from, rows, count } of taps) {
          for (let p = top; p < bottom; p += rows) {
            visit(outputPlane + p * outWidth + first, inputPlane + p * stride * width + from, weights + tap, count);
          }
        }
      }
    }
  }
}

/** Calls `visit` with the flat index and channel of every element of [N, C, H, W]. */
function forEachChannelElement(shape: Shape, visit: (index: number, channel: number) => void): void {
  const channels = dimension(shape, 1);
  const plane = dimension(shape, 2) * dimension(shape, 3);
  for (let index = 0; index < elementCount(shape); index++) visit(index, Math.floor(index / plane) % channels);
}

/** The sizes of a convolution that the length of an axis depends on. */
type AxisAttributes = Pick<Conv2dAttributes, 'kernel' | 'stride' | 'padding' | 'samePadding' | 'dilation'>;

/** The length of an output axis for an input axis of `size`; below 1 where nothing is left. */
export function convOutputSize(size: number, attributes: AxisAttributes): number {
  const { kernel, stride, padding, samePadding, dilation } = attributes;
  if (samePadding) return Math.ceil(size / stride);
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * The zeros before the first element of an axis of `size`. With SAME as many are added in all as the last
 * output needs, and the odd one stands after the map: an even map under a 3x3 kernel of stride 2 gets 0 and 1.
 * Source: TensorFlow, "Padding" in the notes on `tf.nn.convolution`.
 */
export function paddingBefore(size: number, attributes: AxisAttributes): number {
  const { kernel, stride, padding, samePadding, dilation } = attributes;
  if (!samePadding) return padding;
  const needed = (convOutputSize(size, attributes) - 1) * stride + (kernel - 1) * dilation + 1;
  return Math.floor(Math.max(needed - size, 0) / 2);
}

/** Weight [O, I / G, K, K], bias [O]. Cost: N O P Q (I / G) K K multiply-adds. */
export const conv2d: Op<Conv2dNode> = {
  op: 'conv2d',

  outputShape({ name, attributes }, inputs) {
    const shape = only(inputs);
    const [images, channels, height, width] = shape;
    if (shape.length !== 4 || channels !== attributes.inChannels) {
      const needed = `[N, ${attributes.inChannels}, H, W]`;
      throw new BneckError('shape', `Convolution ${name} takes ${needed}, but was given ${formatShape(shape)}.`);
    }
    const output = [
      images as number,
      attributes.outChannels,
      convOutputSize(height as number, attributes),
      convOutputSize(width as number, attributes),
    ];
    if (output.some((size) => size < 1)) {
      throw new BneckError(
        'shape',
        `Convolution ${name} has nothing left of ${formatShape(shape)}; take larger pictures.`,
      );
    }
    return output;
  },

  parameters({ name, attributes }) {
    const { inChannels, outChannels, kernel, groups, bias } = attributes;
    const deviation = Math.sqrt(2 / (outChannels * kernel * kernel));
    const weight = {
      name: `${name}.weight`,
      shape: [outChannels, inChannels / groups, kernel, kernel],
      dtype: 'float32',
      trainable: true,
      initializer: { kind: 'normal', deviation },
    } as const;
    if (!bias) return [weight];
    const initializer = { kind: 'constant', value: 0 } as const;
    return [weight, { name: `${name}.bias`, shape: [outChannels], dtype: 'float32', trainable: true, initializer }];
  },

  multiplyAdds({ attributes }, _inputs, output) {
    return elementCount(output) * (attributes.inChannels / attributes.groups) * attributes.kernel ** 2;
  },

  forward(node, inputs, { parameters }) {
    const input = only(inputs);
    const weight = required(parameters, 'weight');
    const output = referenceTensor(conv2d.outputShape(node, [input.shape]));
    const [x, w, y] = [input.data, weight.data, output.data];
    const { stride } = node.attributes;
    forEachRun(node.attributes, input.shape, output.shape, (yi, xi, wi, count) => {
      const tap = w[wi] as number;
      for (let j = 0; j < count; j++) y[yi + j] = (y[yi + j] as number) + tap * (x[xi + j * stride] as number);
    });
    const bias = parameters.get('bias')?.data;
    if (bias) {
      forEachChannelElement(output.shape, (index, channel) => {
        y[index] = (y[index] as number) + (bias[channel] as number);
      });
    }
    return output;
  },

  gradient(node, inputs, output, dOutput, { parameters }) {
    const input = only(inputs);
    const weight = required(parameters, 'weight');
    const dInput = referenceTensor(input.shape);
    const dWeight = referenceTensor(weight.shape);
    const [x, w, dx, dw, dy] = [input.data, weight.data, dInput.data, dWeight.data, dOutput.data];
    const { stride } = node.attributes;
    forEachRun(node.attributes, input.shape, output.shape, (yi, xi, wi, count) => {
      const tap = w[wi] as number;
      let sum = dw[wi] as number;
      for (let j = 0; j < count; j++) {
        const dValue = dy[yi + j] as number;
        const at = xi + j * stride;
        dx[at] = (dx[at] as number) + dValue * tap;
        sum += dValue * (x[at] as number);
      }
      dw[wi] = sum;
    });
    const gradients = new Map<string, ReferenceTensor>([['weight', dWeight]]);
    if (parameters.has('bias')) {
      const dBias = referenceTensor([node.attributes.outChannels]);
      forEachChannelElement(output.shape, (index, channel) => {
        dBias.data[channel] = (dBias.data[channel] as number) + (dy[index] as number);
      });
      gradients.set('bias', dBias);
    }
    return { inputs: [dInput], parameters: gradients };
  },
};
