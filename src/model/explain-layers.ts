/**
 * The places inside a network that an explanation can look at: what each `features.N` gives, and the
 * gates of squeeze-and-excite. Pure: a graph in, names of tensors out.
 */
import { BneckError } from '../base/errors.ts';
import { nearestName } from '../base/nearest-name.ts';
import type { Graph, TensorName } from '../graph/graph.ts';

/** A top-level module of the features and the tensor that it gives. */
export interface Layer {
  /** `features.0`, the stem, to the last convolution. */
  readonly name: string;
  readonly tensor: TensorName;
}

/** Squeeze-and-excite of a block. */
export interface GateLayer {
  /** `features.N.block.J`. */
  readonly name: string;
  /** [N, C]: a factor from 0 to 1 for each channel. */
  readonly tensor: TensorName;
}

/** All layers, in the order they are run. */
export function layersOf(graph: Graph): Layer[] {
  const last = new Map<string, TensorName>();
  for (const { name, output } of graph.nodes) {
    const layer = /^features\.\d+/.exec(name)?.[0];
    if (layer !== undefined) last.set(layer, output);
  }
  return [...last].map(([name, tensor]) => ({ name, tensor }));
}

export function gatesOf(graph: Graph): GateLayer[] {
  return graph.nodes.flatMap(({ op, name, inputs }) =>
    op === 'scale_channels' ? [{ name, tensor: inputs[1] as TensorName }] : [],
  );
}

/** @throws BneckError 'option' that names the layers there are */
export function layerNamed(layers: readonly Layer[], name: string): Layer {
  const found = layers.find((layer) => layer.name === name);
  if (found) return found;
  const names = layers.map((layer) => layer.name);
  const near = nearestName(name, names);
  const remedy = `Give one of ${names[0]} to ${names.at(-1)}${near === null ? '' : ` (did you mean ${near}?)`}.`;
  throw new BneckError('option', `There is no layer ${name} to look at. ${remedy}`);
}
