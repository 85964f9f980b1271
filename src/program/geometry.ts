/** The sizes of a convolution as kernels take them, from a node and the shape of its input. */
import type { Conv2dNode } from '../graph/graph.ts';

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
  const { kernel, stride, padding, dilation, outChannels } = node.attributes;
  const size = (length: number) => Math.floor((length + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  return { images: input.images, height: size(input.height), width: size(input.width), channels: outChannels };
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
  const { inChannels, outChannels, kernel, stride, padding, dilation } = node.attributes;
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
    padding,
    dilation,
  };
}

/** Sizes that the depthwise kernels share. */
export function depthwiseSizes(node: Conv2dNode, input: MapShape, output: MapShape) {
  const { kernel, stride, padding, dilation } = node.attributes;
  return {
    images: input.images,
    height: input.height,
    width: input.width,
    channels: input.channels,
    outHeight: output.height,
    outWidth: output.width,
    kernel,
    stride,
    padding,
    dilation,
  };
}
