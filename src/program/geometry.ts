/**
 * The sizes of a convolution as kernels take them, from a node and the shape of its input. Kernels know one
 * padding, the zeros before the first row and column; what lies behind the map follows from the output's size,
 * which they are told.
 */
import { BneckError } from '../base/errors.ts';
import type { Conv2dNode } from '../graph/graph.ts';
import { convOutputSize, paddingBefore } from '../graph/ops/conv2d.ts';

export interface MapShape {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export function rowsOf(shape: MapShape): number {
  return shape.images * shape.height * shape.width;
}

export function convOutput(node: Conv2dNode, input: MapShape): MapShape {
  const { attributes } = node;
  const [height, width] = [convOutputSize(input.height, attributes), convOutputSize(input.width, attributes)];
  return { images: input.images, height, width, channels: attributes.outChannels };
}

/** The zeros before the first row and, as many, before the first column. */
function commonPadding({ name, attributes }: Conv2dNode, { height, width }: MapShape): number {
  const [above, left] = [paddingBefore(height, attributes), paddingBefore(width, attributes)];
  if (above === left) return above;
  throw new BneckError(
    'unsupported',
    `Convolution ${name} with SAME padding needs ${above} zeros above but ${left} left of a map of ${height}x${width}. Take square pictures, or sides that are multiples of 32.`,
  );
}

export type ConvKind = 'pointwise' | 'depthwise' | 'dense';

/** Which kernel family computes a convolution; null where none does. */
export function convKind(node: Conv2dNode): ConvKind | null {
  const { kernel, stride, groups, inChannels, outChannels } = node.attributes;
  if (groups === 1 && kernel === 1 && stride === 1) return 'pointwise';
  if (groups === 1) return 'dense';
  return groups === inChannels && groups === outChannels && kernel <= 15 ? 'depthwise' : null;
}

/** Sizes that the dense kernels share. */
export function denseSizes(node: Conv2dNode, input: MapShape, output: MapShape) {
  const { inChannels, outChannels, kernel, stride, dilation } = node.attributes;
  return {
    rows: rowsOf(output),
    height: input.height,
    width: input.width,
    inChannels,
    outHeight: output.height,
    outWidth: output.width,
    outChannels,
    kernel,
    stride,
    padding: commonPadding(node, input),
    dilation,
  };
}

/** Sizes that the depthwise kernels share. */
export function depthwiseSizes(node: Conv2dNode, input: MapShape, output: MapShape) {
  const { kernel, stride, dilation } = node.attributes;
  return {
    images: input.images,
    height: input.height,
    width: input.width,
    channels: input.channels,
    outHeight: output.height,
    outWidth: output.width,
    kernel,
    stride,
    padding: commonPadding(node, input),
    dilation,
  };
}
