/**
 * From the graph's ops to ONNX nodes and constants. A tensor keeps its name, its torchvision module
 * path, and so do the weights. Batch norm becomes part of the convolution before it, or stays a node;
 * dropout, which does nothing in inference, goes. Invariant: every number is finite, for a runtime
 * would pass one that is not through to every answer without a word.
 */
import { assert, BneckError } from '../base/errors.ts';
import { float32Tensor, type Shape, type StateDict } from '../base/tensor.ts';
import type { OnnxAttribute, OnnxNode } from '../formats/onnx.ts';
import type {
  ActivationNode,
  BatchNorm2dNode,
  Conv2dAttributes,
  Conv2dNode,
  Graph,
  GraphNode,
  LinearNode,
  TensorName,
} from '../graph/graph.ts';
import type { ActivationName } from '../models/architecture.ts';
import { Consumers } from '../program/consumers.ts';

const int = (value: number): OnnxAttribute => ({ type: 'int', value });
const ints = (...value: number[]): OnnxAttribute => ({ type: 'ints', value });
const float = (value: number): OnnxAttribute => ({ type: 'float', value });

/** The bounds of ReLU6, shared by all: ONNX's Clip takes them as tensors. */
const RELU6_BOUNDS = { 'relu6.min': 0, 'relu6.max': 6 } as const;

/** HardSwish is x * max(0, min(1, x / 6 + 1 / 2)), with nothing to set. HardSigmoid's own default slope is 0.2. */
const ACTIVATION_OPERATORS: Readonly<
  Record<ActivationName, { opType: string; attributes?: Readonly<Record<string, OnnxAttribute>> }>
> = {
  relu: { opType: 'Relu' },
  relu6: { opType: 'Clip' },
  hard_swish: { opType: 'HardSwish' },
  hard_sigmoid: { opType: 'HardSigmoid', attributes: { alpha: float(1 / 6), beta: float(0.5) } },
};

/** Ops that are one operator with nothing to set. */
const PLAIN_OPERATORS = { global_average_pool2d: 'GlobalAveragePool', scale_channels: 'Mul', add: 'Add' } as const;

/**
 * TensorFlow's SAME depends on the map's size, which is open here, so ONNX's own word for it is taken:
 * SAME_UPPER. With stride 1 it does not, and is written out, for onnxruntime has no SAME that dilates.
 */
function paddingAttributes({ stride, padding, samePadding, dilation }: Conv2dAttributes): OnnxNode['attributes'] {
  if (!samePadding || stride === 1) return { pads: ints(padding, padding, padding, padding) }; // top, left, bottom, right
  assert(dilation === 1, 'no convolution both strides and dilates');
  return { auto_pad: { type: 'string', value: 'SAME_UPPER' } };
}

function convAttributes(attributes: Conv2dAttributes): OnnxNode['attributes'] {
  const { kernel, stride, dilation, groups } = attributes;
  return {
    dilations: ints(dilation, dilation),
    group: int(groups),
    kernel_shape: ints(kernel, kernel),
    strides: ints(stride, stride),
    ...paddingAttributes(attributes),
  };
}

/** Appends nodes one after another, as the graph has them. */
class OnnxNodeWriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: StateDict = new Map();
  readonly #weights: StateDict;
  /** Names of tensors that ONNX knows under another. */
  readonly #names: Map<TensorName, string>;
  /** Tensors [N, C]; all others are maps [N, C, H, W]. */
  readonly #vectors = new Set<string>();

  constructor(weights: StateDict, names: Iterable<readonly [TensorName, string]>) {
    this.#weights = weights;
    this.#names = new Map(names);
  }

  #name(tensor: TensorName): string {
    return this.#names.get(tensor) ?? tensor;
  }

  #weight(name: string): Float32Array {
    const data = this.#weights.get(name)?.data;
    assert(data instanceof Float32Array, `the weights have ${name}`);
    return data;
  }

  /** Adds a constant, and gives back its name. */
  #constant(name: string, shape: Shape, data: Float32Array, remedy: string): string {
    const wrong = data.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      const found = `${name} holds ${data[wrong]} (element ${wrong})`;
      throw new BneckError('file', `The model cannot be exported to ONNX: ${found}. ${remedy}`);
    }
    this.initializers.set(name, { dtype: 'float32', shape, data });
    return name;
  }

  /** A weight as it is. */
  #asIs(name: string): string {
    const shape = this.#weights.get(name)?.shape ?? [];
    return this.#constant(name, shape, this.#weight(name), 'Its training diverged; take an earlier model.');
  }

  #push(node: GraphNode, opType: string, inputs: string[], attributes: OnnxNode['attributes'] = {}): void {
    const values = node.inputs.map((input) => this.#name(input));
    const output = this.#name(node.output);
    this.nodes.push({ opType, name: node.name, inputs: [...values, ...inputs], outputs: [output], attributes });
  }

  /** The one input of a node, under its ONNX name. */
  #inputOf(node: GraphNode): string {
    assert(node.inputs.length === 1, `${node.name} has one input`);
    return this.#name(node.inputs[0] as TensorName);
  }

  #conv(node: Conv2dNode): void {
    const inputs = [this.#asIs(`${node.name}.weight`)];
    if (node.attributes.bias) inputs.push(this.#asIs(`${node.name}.bias`));
    this.#push(node, 'Conv', inputs, convAttributes(node.attributes));
  }

  /** The variances that a batch norm divides by the roots of; below 0 they have none. */
  #variances({ name, attributes }: BatchNorm2dNode): Float32Array {
    const variances = this.#weight(`${name}.running_var`);
    const wrong = variances.findIndex((variance) => !(variance + attributes.epsilon > 0));
    if (wrong >= 0) {
      const found = `${name}.running_var holds ${variances[wrong]} (element ${wrong}), which is no variance`;
      throw new BneckError('file', `The model cannot be exported to ONNX: ${found}. Take an earlier model.`);
    }
    return variances;
  }

  /**
   * A convolution with the batch norm after it, as one convolution. With scale = weight / sqrt(variance
   * + epsilon), channel o's weights become w scale and its bias (b - mean) scale + bias, in double
   * precision and then rounded once.
   */
  foldedConv(conv: Conv2dNode, norm: BatchNorm2dNode): void {
    const { outChannels, inChannels, groups, kernel, bias: biased } = conv.attributes;
    const kernels = this.#weight(`${conv.name}.weight`);
    const before = biased ? this.#weight(`${conv.name}.bias`) : null;
    const [gain, shift] = [this.#weight(`${norm.name}.weight`), this.#weight(`${norm.name}.bias`)];
    const mean = this.#weight(`${norm.name}.running_mean`);
    const variance = this.#variances(norm);
    const weight = new Float32Array(kernels.length);
    const bias = new Float32Array(outChannels);
    const length = kernels.length / outChannels;
    for (let o = 0; o < outChannels; o++) {
      const scale = (gain[o] as number) / Math.sqrt((variance[o] as number) + norm.attributes.epsilon);
      for (let i = o * length; i < (o + 1) * length; i++) weight[i] = (kernels[i] as number) * scale;
      bias[o] = ((before?.[o] ?? 0) - (mean[o] as number)) * scale + (shift[o] as number);
    }
    const remedy = `It is made of ${conv.name} and ${norm.name}, which diverged in training; take an earlier model.`;
    const shape = [outChannels, inChannels / groups, kernel, kernel];
    const inputs = [
      this.#constant(`${conv.name}.weight`, shape, weight, remedy),
      this.#constant(`${conv.name}.bias`, [outChannels], bias, remedy),
    ];
    this.#push({ ...conv, output: norm.output }, 'Conv', inputs, convAttributes(conv.attributes));
  }

  #batchNorm(node: BatchNorm2dNode): void {
    this.#variances(node);
    const inputs = ['weight', 'bias', 'running_mean', 'running_var'].map((short) =>
      this.#asIs(`${node.name}.${short}`),
    );
    this.#push(node, 'BatchNormalization', inputs, { epsilon: float(node.attributes.epsilon) });
  }

  #activation(node: ActivationNode): void {
    const { opType, attributes } = ACTIVATION_OPERATORS[node.attributes.function];
    const bounds = opType === 'Clip' ? Object.entries(RELU6_BOUNDS) : [];
    for (const [name, value] of bounds) this.initializers.set(name, float32Tensor([], Float32Array.of(value)));
    const names = bounds.map(([name]) => name);
    if (this.#vectors.has(this.#inputOf(node))) this.#vectors.add(this.#name(node.output));
    this.#push(node, opType, names, attributes);
  }

  #linear(node: LinearNode): void {
    const input = this.#inputOf(node);
    let features = input;
    if (!this.#vectors.has(input)) {
      features = `${input}.flatten`;
      const attributes = { axis: int(1) };
      this.nodes.push({ opType: 'Flatten', name: features, inputs: [input], outputs: [features], attributes });
    }
    const output = this.#name(node.output);
    const inputs = [features, this.#asIs(`${node.name}.weight`), this.#asIs(`${node.name}.bias`)];
    const attributes = { transB: int(1) }; // the weight is [O, I]
    this.nodes.push({ opType: 'Gemm', name: node.name, inputs, outputs: [output], attributes });
    this.#vectors.add(output);
  }

  add(node: GraphNode): void {
    if (node.op === 'conv2d') this.#conv(node);
    else if (node.op === 'batch_norm2d') this.#batchNorm(node);
    else if (node.op === 'activation') this.#activation(node);
    else if (node.op === 'linear') this.#linear(node);
    else if (node.op === 'dropout') this.#names.set(node.output, this.#inputOf(node));
    else this.#push(node, PLAIN_OPERATORS[node.op], []);
  }
}

export interface OnnxNodes {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: StateDict;
}

/**
 * The nodes and constants that compute a graph.
 * @param weights all of the graph's parameters
 * @param names what the graph's input and output are called in ONNX
 * @throws BneckError 'file' for weights that are not finite, or become so when batch norm is folded
 */
export function onnxNodes(
  graph: Graph,
  weights: StateDict,
  names: { readonly input: string; readonly output: string },
  keepBatchNorm: boolean,
): OnnxNodes {
  const writer = new OnnxNodeWriter(weights, [
    [graph.input, names.input],
    [graph.output, names.output],
  ]);
  const consumers = new Consumers(graph);
  const folded = new Set<GraphNode>();
  for (const node of graph.nodes) {
    if (folded.has(node)) continue;
    const norm = node.op === 'conv2d' && !keepBatchNorm ? consumers.only(node.output, 'batch_norm2d') : null;
    if (node.op === 'conv2d' && norm) {
      writer.foldedConv(node, norm);
      folded.add(norm);
    } else writer.add(node);
  }
  return { nodes: writer.nodes, initializers: writer.initializers };
}
