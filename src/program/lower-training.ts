/**
 * Graph to training program: forward, loss, backward, update. Each node lowers its forward steps at
 * once and leaves its backward as a closure; running the closures in reverse gives the gradient. What
 * is fused stands in the views of training-values.ts: statistics are gathered where a convolution
 * writes, batch norm and activation are applied where the next one reads, and batch norm's gradient
 * sums are gathered where the last gradient of a map is written.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { Shape } from '../base/tensor.ts';
import type {
  ActivationNode,
  AddNode,
  Conv2dNode,
  DropoutNode,
  GlobalAveragePoolNode,
  Graph,
  GraphNode,
  LinearNode,
  ScaleChannelsNode,
  TensorName,
} from '../graph/graph.ts';
import { ACTIVATION_CODE } from '../kernels/activation-code.ts';
import { Consumers } from './consumers.ts';
import { ConvTraining } from './conv-training.ts';
import { rowsOf } from './geometry.ts';
import { InputPort } from './input-port.ts';
import { lowerUpdate, type UpdateOptions } from './lower-optimizer.ts';
import { layoutParameters } from './parameter-layout.ts';
import type { Operand, Program } from './program.ts';
import { ProgramBuilder } from './program-builder.ts';
import { elementwiseRows, linearFeatures } from './tiling.ts';
import { GradientSlot, type TrainingMap, type TrainingValue, type TrainingVector } from './training-values.ts';

export interface TrainingOptions extends UpdateOptions {
  readonly input: 'bytes' | 'floats';
  /** How far running statistics move each step; by default what the network says. */
  readonly batchNormMomentum?: number | undefined;
  /** False: no two buffers share memory. Default true. */
  readonly planMemory?: boolean;
}

class TrainingLowering {
  readonly builder: ProgramBuilder;
  readonly #graph: Graph;
  readonly #consumers: Consumers;
  readonly #convs: ConvTraining;
  readonly #values = new Map<TensorName, TrainingValue>();
  readonly #backward: (() => void)[] = [];
  #dropoutState: Operand | null = null;

  constructor(graph: Graph, batchNormMomentum: number | undefined) {
    const layout = layoutParameters(graph);
    this.#graph = graph;
    this.builder = new ProgramBuilder(layout);
    this.#consumers = new Consumers(graph);
    this.#convs = new ConvTraining(this.builder, batchNormMomentum);
  }

  set(tensor: TensorName, value: TrainingValue): void {
    this.#values.set(tensor, value);
  }

  map(tensor: TensorName | undefined): TrainingMap {
    const value = this.#values.get(tensor as TensorName);
    assert(value?.kind === 'map', `${tensor} is a map`);
    return value;
  }

  vector(tensor: TensorName | undefined): TrainingVector {
    const value = this.#values.get(tensor as TensorName);
    assert(value?.kind === 'vector', `${tensor} is a vector`);
    return value;
  }

  slot(tensor: TensorName): GradientSlot {
    const slot = new GradientSlot(tensor);
    slot.pending = this.#consumers.count(tensor);
    return slot;
  }

  newVector(node: GraphNode, images: number, features: number): TrainingVector {
    const data = this.builder.buffer(node.output, images * features);
    const vector: TrainingVector = { kind: 'vector', data, images, features, slot: this.slot(node.output) };
    this.set(node.output, vector);
    return vector;
  }

  lower(node: GraphNode): void {
    switch (node.op) {
      case 'conv2d':
        if (this.#values.get(node.inputs[0] as TensorName)?.kind === 'map') this.#conv(node);
        else this.#fullyConnected(node, node.attributes.outChannels, node.attributes.bias);
        break;
      case 'batch_norm2d':
        assert(this.#values.has(node.output), `${node.name} was lowered with its convolution`);
        break;
      case 'activation':
        this.#activation(node);
        break;
      case 'linear':
        this.#fullyConnected(node, node.attributes.outFeatures, true);
        break;
      case 'global_average_pool2d':
        this.#pool(node);
        break;
      case 'scale_channels':
        this.#scaleChannels(node);
        break;
      case 'add':
        this.#add(node);
        break;
      case 'dropout':
        this.#dropout(node);
        break;
    }
  }

  /** Convolution and batch norm together: the kept map is between them. */
  #conv(node: Conv2dNode): void {
    const norm = this.#consumers.only(node.output, 'batch_norm2d');
    if (!norm) throw new BneckError('unsupported', `The convolution ${node.name} is not followed by batch norm.`);
    const input = this.map(node.inputs[0]);
    const activation = this.#consumers.only(norm.output, 'activation');
    const slot = this.slot((activation ?? norm).output);
    const code = ACTIVATION_CODE[activation?.attributes.function ?? 'none'];
    const needsInputGradient = node.inputs[0] !== this.#graph.input;
    const { output, backward } = this.#convs.lower(node, norm, input, slot, code, needsInputGradient);
    this.set(norm.output, output);
    this.#backward.push(backward);
  }

  #activation(node: ActivationNode): void {
    const value = this.#values.get(node.inputs[0] as TensorName);
    assert(value, `${node.name} has an input`);
    if (value.kind === 'map') {
      this.set(node.output, value); // pending in the view since its convolution
      return;
    }
    const output = this.newVector(node, value.images, value.features);
    const sizes = { length: value.images * value.features, activation: ACTIVATION_CODE[node.attributes.function] };
    this.builder.step('f32_activation_forward', node.name, { x: value.data, y: output.data }, sizes);
    this.#backward.push(() => {
      const dx = this.#newGradient(value);
      const operands = { dy: this.#gradient(output), x: value.data, dx };
      this.builder.step('f32_activation_grad_input', node.name, operands, sizes);
    });
  }

  /** The finished gradient of a vector. */
  #gradient(vector: TrainingVector): Operand {
    assert(vector.slot.pending === 0 && vector.slot.stored, `${vector.slot.name} has its gradient`);
    return vector.slot.stored;
  }

  /** A buffer for the gradient of a vector that is read once. */
  #newGradient(vector: TrainingVector): Operand {
    assert(vector.slot.stored === null, `${vector.slot.name} is read once`);
    vector.slot.stored = this.builder.buffer(`d ${vector.slot.name}`, vector.images * vector.features);
    vector.slot.arrived();
    return vector.slot.stored;
  }

  #fullyConnected(node: Conv2dNode | LinearNode, outFeatures: number, bias: boolean): void {
    const input = this.vector(node.inputs[0]);
    const output = this.newVector(node, input.images, outFeatures);
    const { images: rows, features: inFeatures } = input;
    const weight = this.builder.parameter(`${node.name}.weight`);
    const sizes = { rows, inFeatures, outFeatures };
    const operands = {
      x: input.data,
      weight,
      bias: bias ? this.builder.parameter(`${node.name}.bias`) : null,
      y: output.data,
    };
    const featuresPerTask = linearFeatures(outFeatures);
    this.builder.step('f32_linear_forward', node.name, operands, { ...sizes, featuresPerTask, activation: 0 });
    this.#backward.push(() => {
      const dy = this.#gradient(output);
      const gradients = {
        dy,
        x: input.data,
        dWeight: this.builder.gradient(`${node.name}.weight`),
        dBias: bias ? this.builder.gradient(`${node.name}.bias`) : null,
      };
      this.builder.step('f32_linear_grad_weight', node.name, gradients, { ...sizes, featuresPerTask });
      const dx = this.#newGradient(input);
      const inputSizes = { ...sizes, featuresPerTask: linearFeatures(inFeatures) };
      this.builder.step('f32_linear_grad_input', node.name, { dy, weight, dx }, inputSizes);
    });
  }

  #pool(node: GlobalAveragePoolNode): void {
    const input = this.map(node.inputs[0]);
    const output = this.newVector(node, input.images, input.channels);
    assert(input.gate === null, 'a pooled map has no gate');
    const operands = { x: input.data, coefficients: input.norm?.coefficients ?? null, out: output.data };
    this.builder.step('f32_global_average_pool_forward', node.name, operands, {
      images: input.images,
      pixels: input.height * input.width,
      channels: input.channels,
      activation: input.activation,
    });
    this.#backward.push(() => {
      assert(input.norm && input.slot.dPool === null, `${node.name} pools a batch norm's map once`);
      input.slot.dPool = this.#gradient(output);
      input.slot.arrived();
    });
  }

  /** The gate is pending in the view; its gradient needs one pass over the map (f32_gate_sums_grad_input). */
  #scaleChannels(node: ScaleChannelsNode): void {
    const input = this.map(node.inputs[0]);
    const gate = this.vector(node.inputs[1]);
    const slot = this.slot(node.output);
    assert(input.gate === null && input.norm, `${node.name} gates a batch norm's map once`);
    this.set(node.output, { ...input, gate: gate.data, slot });
    this.#backward.push(() => {
      assert(slot.pending === 0 && slot.stored && input.slot.stored === null, `${node.name} has its gradient`);
      input.slot.stored = slot.stored;
      input.slot.gate = gate.data;
      const sums = this.#convs.gateSums(input);
      input.slot.arrived();
      const sizes = { images: input.images, channels: input.channels };
      this.builder.step('f32_gate_grad_input', node.name, { sums, dGate: this.#newGradient(gate) }, sizes);
    });
  }

  /** The residual sum is kept; both addends get its gradient as it is. */
  #add(node: AddNode): void {
    const [a, b] = [this.map(node.inputs[0]), this.map(node.inputs[1])];
    assert(a.gate === null && b.gate === null, `${node.name} adds maps without gates`);
    const rows = rowsOf(a);
    const slot = this.slot(node.output);
    const out = this.builder.buffer(node.output, rows * a.channels);
    const operands = {
      a: a.data,
      aCoefficients: a.norm?.coefficients ?? null,
      b: b.data,
      bCoefficients: b.norm?.coefficients ?? null,
      out,
    };
    this.builder.step('f32_add_forward', node.name, operands, {
      rows,
      channels: a.channels,
      rowsPerTask: elementwiseRows(rows, a.channels),
      aActivation: a.activation,
      bActivation: b.activation,
    });
    const { images, height, width, channels } = a;
    this.set(node.output, {
      kind: 'map',
      images,
      height,
      width,
      channels,
      data: out,
      norm: null,
      activation: 0,
      gate: null,
      slot,
    });
    this.#backward.push(() => {
      assert(slot.pending === 0 && slot.stored, `${node.name} has its gradient`);
      for (const addend of [a, b]) {
        assert(addend.slot.stored === null, `the sum ${node.name} is the last reader of its addends`);
        addend.slot.stored = slot.stored;
        addend.slot.arrived();
      }
    });
  }

  #dropout(node: DropoutNode): void {
    const input = this.vector(node.inputs[0]);
    const { probability } = node.attributes;
    if (probability === 0) {
      this.set(node.output, input);
      return;
    }
    this.#dropoutState ??= this.builder.port('dropoutState', 8, 'program');
    const state = this.#dropoutState;
    const output = this.newVector(node, input.images, input.features);
    const sizes = {
      length: input.images * input.features,
      threshold: Math.round(probability * 2 ** 24),
      scale: Math.fround(1 / (1 - probability)),
    };
    this.builder.step('f32_dropout_forward', node.name, { x: input.data, state, y: output.data }, sizes);
    this.#backward.push(() => {
      const operands = { x: this.#gradient(output), state, y: this.#newGradient(input) };
      this.builder.step('f32_dropout_forward', `${node.name} backward`, operands, sizes);
    });
  }

  loss(logits: TrainingVector): void {
    const { images: rows, features: classes } = logits;
    const out = this.builder.port('logits', 4 * rows * classes);
    const copy = { length: rows * classes, activation: 0 };
    this.builder.step('f32_activation_forward', 'logits', { x: logits.data, y: out }, copy);
    const targets = this.builder.port('targets', 4 * rows * classes);
    const losses = this.builder.port('losses', 4 * rows);
    const dLogits = this.#newGradient(logits);
    const operands = { logits: logits.data, targets, losses, dLogits };
    this.builder.step('f32_softmax_cross_entropy_forward', 'loss', operands, { rows, classes });
  }

  backward(): void {
    for (const step of this.#backward.reverse()) step();
  }
}

/**
 * One training step on a batch.
 * @param shape [N, 3, H, W], N at least 2
 * @returns a program with ports `pictures`, `normalization` (bytes only), `targets` [N, K], `logits` [N, K],
 *   `losses` [N], `rates` (lower-optimizer.ts) and, with dropout, `dropoutState` [2] u32: seed, step
 */
export function lowerTraining(graph: Graph, shape: Shape, options: TrainingOptions): Program {
  const [images, channels, height, width] = shape as [number, number, number, number];
  if (images < 2)
    throw new BneckError('shape', 'Training needs at least 2 pictures a batch: batch norm compares them.');
  const lowering = new TrainingLowering(graph, options.batchNormMomentum);
  const data = new InputPort(lowering.builder, shape, options.input).floats(0, shape[0] as number);
  const slot = lowering.slot(graph.input);
  const picture = { kind: 'map', images, channels, height, width, data, norm: null, activation: 0 } as const;
  lowering.set(graph.input, { ...picture, gate: null, slot });
  return finish(lowering, graph, options);
}

/**
 * One training step of a head (split-head.ts) on features.
 * @param shape [N, features]
 * @returns a program with a port `features` in place of the pictures, the others as in `lowerTraining`
 */
export function lowerHeadTraining(head: Graph, shape: Shape, options: Omit<TrainingOptions, 'input'>): Program {
  const [images, features] = shape as [number, number];
  const lowering = new TrainingLowering(head, options.batchNormMomentum);
  const data = lowering.builder.port('features', 4 * images * features);
  lowering.set(head.input, { kind: 'vector', data, images, features, slot: lowering.slot(head.input) });
  return finish(lowering, head, options);
}

function finish(lowering: TrainingLowering, graph: Graph, options: Omit<TrainingOptions, 'input'>): Program {
  for (const node of graph.nodes) lowering.lower(node);
  lowering.loss(lowering.vector(graph.output));
  lowering.backward();
  lowerUpdate(lowering.builder, layoutParameters(graph), options);
  return lowering.builder.finish('training', options.planMemory ?? true);
}
