/**
 * From rows to ops: lays out a Network as a Graph. Node names are torchvision's module paths, so
 * the parameters' names are its state_dict's, in its order, and its weights need no mapping. What
 * has no module of its own takes the path of the module that does it: a residual's add is
 * `features.N`, squeeze-and-excite's multiplication `features.N.block.J`.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount } from '../base/tensor.ts';
import type {
  ActivationName,
  Architecture,
  BlockRow,
  ConvRow,
  HeadRow,
  Network,
  SqueezeRow,
} from '../models/architecture.ts';
import { resolveNetwork } from '../models/resolve-network.ts';
import type { Graph, GraphNode, TensorName } from './graph.ts';
import { opOf } from './ops/index.ts';

/** Appends nodes one after another; each method returns the tensor that its last node writes. */
class GraphWriter {
  readonly nodes: GraphNode[] = [];
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  /** Every tensor is named after the node that writes it. */
  add(node: GraphNode): TensorName {
    this.nodes.push(node);
    return node.output;
  }

  conv(name: string, input: TensorName, row: Omit<ConvRow, 'activation'>, bias = false): TensorName {
    const { inChannels, outChannels, kernel, stride, dilation, groups } = row;
    const padding = ((kernel - 1) / 2) * dilation;
    const symmetric = { inChannels, outChannels, kernel, stride, padding, dilation, groups, bias };
    const same = this.#network.padding === 'same' && kernel > 1;
    const attributes = same ? { ...symmetric, samePadding: true as const } : symmetric;
    return this.add({ op: 'conv2d', name, inputs: [input], output: name, attributes });
  }

  batchNorm(name: string, input: TensorName, channels: number): TensorName {
    const attributes = { channels, ...this.#network.batchNorm };
    return this.add({ op: 'batch_norm2d', name, inputs: [input], output: name, attributes });
  }

  activation(name: string, input: TensorName, activation: ActivationName): TensorName {
    return this.add({ op: 'activation', name, inputs: [input], output: name, attributes: { function: activation } });
  }

  globalAveragePool(name: string, input: TensorName): TensorName {
    return this.add({ op: 'global_average_pool2d', name, inputs: [input], output: name, attributes: {} });
  }

  linear(name: string, input: TensorName, inFeatures: number, outFeatures: number): TensorName {
    const attributes = { inFeatures, outFeatures };
    return this.add({ op: 'linear', name, inputs: [input], output: name, attributes });
  }

  dropout(name: string, input: TensorName, probability: number): TensorName {
    return this.add({ op: 'dropout', name, inputs: [input], output: name, attributes: { probability } });
  }

  /** Convolution, batch norm and activation as one torchvision module: `NAME.0`, `NAME.1`, `NAME.2`. */
  unit(name: string, input: TensorName, row: ConvRow): TensorName {
    const convolved = this.conv(`${name}.0`, input, row);
    const normalized = this.batchNorm(`${name}.1`, convolved, row.outChannels);
    return row.activation === null ? normalized : this.activation(`${name}.2`, normalized, row.activation);
  }

  /** torchvision `ops/misc.py`, SqueezeExcitation. */
  squeezeExcite(name: string, input: TensorName, row: SqueezeRow): TensorName {
    const { channels, squeezeChannels, bias } = row;
    const pointwise = { kernel: 1, stride: 1, dilation: 1, groups: 1 };
    const pooled = this.globalAveragePool(`${name}.avgpool`, input);
    const narrow = { inChannels: channels, outChannels: squeezeChannels, ...pointwise };
    const squeezed = this.conv(`${name}.fc1`, pooled, narrow, bias);
    const active = this.activation(`${name}.activation`, squeezed, row.activation);
    const wide = { inChannels: squeezeChannels, outChannels: channels, ...pointwise };
    const excited = this.conv(`${name}.fc2`, active, wide, bias);
    const gate = this.activation(`${name}.scale_activation`, excited, 'hard_sigmoid');
    return this.add({ op: 'scale_channels', name, inputs: [input, gate], output: name, attributes: {} });
  }

  /** A block's modules are numbered in order. V2 keeps its projection bare: conv and norm have a number each. */
  block(name: string, input: TensorName, row: BlockRow): TensorName {
    const isV2 = this.#network.family === 'mobilenet_v2';
    const path = isV2 ? `${name}.conv` : `${name}.block`;
    let position = 0;
    let value = input;
    if (row.expand) value = this.unit(`${path}.${position++}`, value, row.expand);
    value = this.unit(`${path}.${position++}`, value, row.depthwise);
    if (row.squeeze) value = this.squeezeExcite(`${path}.${position++}`, value, row.squeeze);
    if (isV2) {
      value = this.conv(`${path}.${position++}`, value, row.project);
      value = this.batchNorm(`${path}.${position}`, value, row.project.outChannels);
    } else {
      value = this.unit(`${path}.${position}`, value, row.project);
    }
    if (!row.residual) return value;
    return this.add({ op: 'add', name, inputs: [value, input], output: name, attributes: {} });
  }

  head(input: TensorName, { hidden, activation, dropout, classifier }: HeadRow): TensorName {
    let value = this.globalAveragePool('avgpool', input);
    let position = 0;
    if (hidden) {
      value = this.linear(`classifier.${position++}`, value, hidden.inFeatures, hidden.outFeatures);
      value = this.activation(`classifier.${position++}`, value, activation);
    }
    value = this.dropout(`classifier.${position++}`, value, dropout);
    return this.linear(`classifier.${position}`, value, classifier.inFeatures, classifier.outFeatures);
  }
}

/**
 * The graph of an architecture: pictures [N, 3, H, W] to logits [N, K], for any N, H and W.
 * Parameters come in the order of torchvision's state_dict (312 for Large, 244 for Small).
 * @throws BneckError('option') on an option that cannot be
 */
export function buildGraph(architecture: Architecture): Graph {
  const network = resolveNetwork(architecture);
  const writer = new GraphWriter(network);
  const input = 'input';
  let value = writer.unit('features.0', input, network.stem);
  network.blocks.forEach((row, index) => {
    value = writer.block(`features.${index + 1}`, value, row);
  });
  value = writer.unit(`features.${network.blocks.length + 1}`, value, network.lastConv);
  const output = writer.head(value, network.head);
  const parameters = writer.nodes.flatMap((node) => opOf(node).parameters(node));
  if (parameters.some(({ shape }) => elementCount(shape) >= 2 ** 31)) {
    throw new BneckError('option', 'A layer of this network has 2^31 weights or more; take a smaller width.');
  }
  return { input, output, nodes: writer.nodes, parameters };
}
