/**
 * Training of a convolution with the batch norm behind it: forward with statistics, then the gradient of
 * batch norm, of the weights and of the input. The gradient of the input goes to the slot of the map it
 * was read from: written by the first reader, added to in place by the next ones.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { BatchNorm2dNode, Conv2dNode } from '../graph/graph.ts';
import { ceilDivide } from '../kernels/kernel.ts';
import { packedLength } from '../kernels/panel.ts';
import { convKind, convOutput, denseSizes, depthwiseSizes, rowsOf } from './geometry.ts';
import type { Operand } from './program.ts';
import type { ProgramBuilder } from './program-builder.ts';
import { backwardRows, depthwiseBackward, depthwiseForward, elementwiseRows, forwardRows } from './tiling.ts';
import type { GradientSlot, NormState, TrainingMap } from './training-values.ts';

/** What a kernel's epilogue left for batch norm. */
interface Statistics {
  readonly partials: Operand;
  readonly count: number;
}

interface ConvContext {
  readonly node: Conv2dNode;
  readonly norm: NormState;
  readonly input: TrainingMap;
  readonly output: TrainingMap;
  readonly needsInputGradient: boolean;
}

/** What the gradient kernels of all kinds take: how dy is formed, and how the input is read. */
type GradientOperands = Record<string, Operand | null>;

export class ConvTraining {
  readonly #builder: ProgramBuilder;

  readonly #momentum: number | undefined;

  /** @param momentum of running statistics, in place of the network's own */
  constructor(builder: ProgramBuilder, momentum: number | undefined) {
    this.#builder = builder;
    this.#momentum = momentum;
  }

  /** Emits the forward steps. `slot` and `activation` belong to the map as its readers see it. */
  lower(
    node: Conv2dNode,
    normNode: BatchNorm2dNode,
    input: TrainingMap,
    slot: GradientSlot,
    activation: number,
    needsInputGradient: boolean,
  ): { output: TrainingMap; backward: () => void } {
    const shape = convOutput(node, input);
    const norm: NormState = {
      name: normNode.name,
      coefficients: this.#builder.buffer(`${normNode.name}.coefficients`, 2 * shape.channels),
      saved: this.#builder.buffer(`${normNode.name}.saved`, 2 * shape.channels),
    };
    const data = this.#builder.buffer(node.output, rowsOf(shape) * shape.channels);
    const output: TrainingMap = { kind: 'map', ...shape, data, norm, activation, gate: null, slot };
    const context = { node, norm, input, output, needsInputGradient };
    this.#statistics(normNode, this.#forward(context), norm);
    return { output, backward: () => this.#backward(context) };
  }

  #forward(context: ConvContext): Statistics {
    switch (convKind(context.node)) {
      case 'pointwise':
        return this.#pointwiseForward(context);
      case 'depthwise':
        return this.#depthwiseForward(context);
      case 'dense':
        return this.#denseForward(context);
      default:
        throw new BneckError('unsupported', `${context.node.name} has ${context.node.attributes.groups} groups.`);
    }
  }

  #partials(name: string, count: number, channels: number): Statistics {
    return { partials: this.#builder.buffer(`${name}.statistics`, count * (4 + 2 * channels)), count };
  }

  #statistics(node: BatchNorm2dNode, { partials, count }: Statistics, norm: NormState): void {
    const { channels, epsilon } = node.attributes;
    const momentum = this.#momentum ?? node.attributes.momentum;
    const operands = {
      partials,
      weight: this.#builder.parameter(`${node.name}.weight`),
      bias: this.#builder.parameter(`${node.name}.bias`),
      runningMean: this.#builder.running(`${node.name}.running_mean`),
      runningVariance: this.#builder.running(`${node.name}.running_var`),
      coefficients: norm.coefficients,
      saved: norm.saved,
    };
    const sizes = { partialCount: count, channels, epsilon, momentum };
    this.#builder.step('f32_batch_norm_statistics_forward', node.name, operands, sizes);
  }

  #packPanels(node: Conv2dNode): Operand {
    const { outChannels, kernel, groups } = node.attributes;
    const inChannels = node.attributes.inChannels / groups;
    const taps = kernel * kernel;
    const packed = this.#builder.buffer(`${node.name}.packed`, packedLength(inChannels * taps, outChannels));
    const operands = { weight: this.#builder.parameter(`${node.name}.weight`), scale: null, packed };
    this.#builder.step('f32_pack_panels_forward', node.name, operands, { outChannels, inChannels, taps });
    return packed;
  }

  #pointwiseForward({ node, input, output }: ConvContext): Statistics {
    const { inChannels, outChannels } = node.attributes;
    const rows = rowsOf(input);
    const tiling = forwardRows(rows, inChannels + outChannels);
    const statistics = this.#partials(node.name, ceilDivide(rows, tiling.rowsPerTask), outChannels);
    const operands = {
      x: input.data,
      coefficients: input.norm?.coefficients ?? null,
      gate: input.gate,
      weight: this.#packPanels(node),
      y: output.data,
      partials: statistics.partials,
    };
    const rowsPerImage = input.height * input.width;
    const sizes = { rows, inChannels, outChannels, rowsPerImage, ...tiling, activation: input.activation };
    this.#builder.step('f32_pointwise_conv_statistics_forward__5x8', node.name, operands, sizes);
    return statistics;
  }

  #depthwiseForward({ node, input, output }: ConvContext): Statistics {
    assert(input.gate === null, `${node.name} reads a map without a gate`);
    const shape = depthwiseSizes(node, input, output);
    const tiling = depthwiseForward(shape);
    const statistics = this.#partials(node.name, ceilDivide(shape.images, tiling.imagesPerTask), shape.channels);
    const operands = {
      x: input.data,
      coefficients: input.norm?.coefficients ?? null,
      weight: this.#packPanels(node),
      y: output.data,
      partials: statistics.partials,
    };
    const sizes = { ...shape, ...tiling, activation: input.activation };
    this.#builder.step('f32_depthwise_conv_statistics_forward__c4w4', node.name, operands, sizes);
    return statistics;
  }

  #denseForward({ node, input, output }: ConvContext): Statistics {
    assert(input.norm === null && input.gate === null, `${node.name} reads the pictures`);
    const shape = denseSizes(node, input, output);
    const tiling = forwardRows(shape.rows, shape.kernel ** 2 * shape.inChannels + shape.outChannels);
    const statistics = this.#partials(node.name, ceilDivide(shape.rows, tiling.rowsPerTask), shape.outChannels);
    const operands = {
      x: input.data,
      weight: this.#packPanels(node),
      y: output.data,
      partials: statistics.partials,
    };
    this.#builder.step('f32_conv_statistics_forward__patches', node.name, operands, { ...shape, ...tiling });
    return statistics;
  }

  #backward(context: ConvContext): void {
    const { node, norm, output } = context;
    const { slot, channels } = output;
    assert(slot.pending === 0, `${slot.name} has all its gradients`);
    const pooled = slot.dPool ? this.#builder.buffer(`${slot.name}.pooled`, output.images * channels) : null;
    const sums = this.#gradientSums(output, pooled);
    const factors = this.#builder.buffer(`${norm.name}.factors`, 3 * channels);
    const operands = {
      partials: sums.partials,
      coefficients: norm.coefficients,
      saved: norm.saved,
      dWeight: this.#builder.gradient(`${norm.name}.weight`),
      dBias: this.#builder.gradient(`${norm.name}.bias`),
      factors,
    };
    const sizes = { partialCount: sums.count, channels, count: rowsOf(output) };
    this.#builder.step('f32_batch_norm_factors_grad_input', norm.name, operands, sizes);
    const gradient = {
      da: slot.stored,
      y: output.data,
      coefficients: norm.coefficients,
      factors,
      gate: slot.gate,
      pooled,
      x: context.input.data,
    };
    const kind = convKind(node);
    if (kind === 'pointwise') this.#pointwiseBackward(context, gradient);
    else if (kind === 'depthwise') this.#depthwiseBackward(context, gradient);
    else this.#denseBackward(context, gradient);
  }

  /** Batch norm's two gradient sums, from wherever they can be had. */
  #gradientSums(map: TrainingMap, pooled: Operand | null): Statistics {
    const { slot, channels, images } = map;
    if (slot.dPool || slot.gate) {
      const sums = slot.gateSums ?? this.gateSums(map);
      const partial = this.#builder.buffer(`${slot.name}.sums`, 2 * channels);
      const operands = { sums, gate: slot.gate, dPool: slot.dPool, pooled, partial };
      const sizes = { images, channels, pixels: map.height * map.width };
      this.#builder.step('f32_gate_statistics_grad_input', slot.name, operands, sizes);
      return { partials: partial, count: 1 };
    }
    if (slot.sums) return slot.sums;
    assert(slot.stored && map.norm, `${slot.name} has a gradient`);
    const rows = rowsOf(map);
    const rowsPerTask = elementwiseRows(rows, channels);
    const count = ceilDivide(rows, rowsPerTask);
    const partials = this.#builder.buffer(`${slot.name}.sums`, count * 2 * channels);
    const { coefficients, saved } = map.norm;
    const operands = { da: slot.stored, y: map.data, coefficients, saved, partials };
    const sizes = { rows, channels, rowsPerTask, activation: map.activation };
    this.#builder.step('f32_batch_norm_sums_grad_input', slot.name, operands, sizes);
    return { partials, count };
  }

  /** The five sums over a gated or pooled map (kernels/pooling.ts). */
  gateSums(map: TrainingMap): Operand {
    const { slot, channels, images, norm } = map;
    assert(norm, `${slot.name} went through batch norm`);
    const sums = this.#builder.buffer(`${slot.name}.gate_sums`, 5 * images * channels);
    const operands = { da: slot.stored, y: map.data, coefficients: norm.coefficients, saved: norm.saved, sums };
    const sizes = { images, pixels: map.height * map.width, channels, activation: map.activation };
    this.#builder.step('f32_gate_sums_grad_input', slot.name, operands, sizes);
    slot.gateSums = sums;
    return sums;
  }

  /**
   * Where the gradient of the input goes: a new buffer, or in place onto what an earlier reader left.
   * Asks for batch norm's sums if this contribution is the last and nothing else will be added.
   */
  #inputGradient(input: TrainingMap, tasks: number): { operands: GradientOperands; accumulate: number } {
    const { slot } = input;
    const accumulate = slot.stored ? 1 : 0;
    slot.stored ??= this.#builder.buffer(`d ${slot.name}`, rowsOf(input) * input.channels);
    const wantsSums = slot.lastPending && input.norm !== null && input.gate === null && slot.dPool === null;
    if (wantsSums) {
      const partials = this.#builder.buffer(`${slot.name}.sums`, tasks * 2 * input.channels);
      slot.sums = { partials, count: tasks };
    }
    slot.arrived();
    const operands = {
      dx: slot.stored,
      xCoefficients: input.norm?.coefficients ?? null,
      xSaved: wantsSums ? (input.norm?.saved ?? null) : null,
      sums: wantsSums && slot.sums ? slot.sums.partials : null,
    };
    return { operands, accumulate };
  }

  #pointwiseBackward({ node, input, output }: ConvContext, gradient: GradientOperands): void {
    const { inChannels, outChannels } = node.attributes;
    const rows = rowsOf(input);
    const tiling = backwardRows(rows, inChannels + outChannels, inChannels * outChannels);
    const tasks = ceilDivide(rows, tiling.rowsPerTask);
    const weight = this.#builder.buffer(`${node.name}.transposed`, packedLength(outChannels, inChannels));
    const source = { weight: this.#builder.parameter(`${node.name}.weight`), packed: weight };
    this.#builder.step('f32_pack_panels_transposed', node.name, source, { outChannels, inChannels });
    const partials = this.#builder.buffer(`${node.name}.partials`, tasks * inChannels * outChannels);
    const { operands, accumulate } = this.#inputGradient(input, tasks);
    const sizes = {
      rows,
      inChannels,
      outChannels,
      rowsPerImage: input.height * input.width,
      ...tiling,
      activation: output.activation,
      xActivation: input.activation,
      accumulate,
    };
    const all = { ...gradient, ...operands, xGate: input.gate, weight, partials };
    this.#builder.step('f32_pointwise_conv_grad_input_grad_weight__5x8', node.name, all, sizes);
    this.#sumPartials(node, partials, tasks, 1, 1, inChannels * outChannels);
  }

  #depthwiseBackward({ node, input, output }: ConvContext, gradient: GradientOperands): void {
    const shape = depthwiseSizes(node, input, output);
    const tiling = depthwiseBackward(shape);
    const groups = ceilDivide(shape.images, tiling.imagesPerTask);
    const taps = shape.kernel * shape.kernel;
    const partials = this.#builder.buffer(`${node.name}.partials`, groups * taps * shape.channels);
    const { operands, accumulate } = this.#inputGradient(input, groups);
    const weight = this.#builder.buffer(`${node.name}.transposed`, packedLength(taps, shape.channels));
    const source = { weight: this.#builder.parameter(`${node.name}.weight`), packed: weight };
    this.#builder.step('f32_pack_depthwise_transposed', node.name, source, { channels: shape.channels, taps });
    const all = { ...gradient, ...operands, weight, partials };
    const sizes = { ...shape, ...tiling, activation: output.activation, xActivation: input.activation, accumulate };
    this.#builder.step('f32_depthwise_conv_grad_input_grad_weight__c4w4', node.name, all, sizes);
    this.#sumPartials(node, partials, groups, 1, taps, shape.channels);
  }

  #denseBackward({ node, input, output, needsInputGradient }: ConvContext, gradient: GradientOperands): void {
    if (needsInputGradient) {
      throw new BneckError('unsupported', `${node.name}: a dense convolution can be trained only as the first layer.`);
    }
    const shape = denseSizes(node, input, output);
    const depth = shape.kernel ** 2 * shape.inChannels;
    const tiling = backwardRows(shape.rows, depth + shape.outChannels, depth * shape.outChannels);
    const tasks = ceilDivide(shape.rows, tiling.rowsPerTask);
    const partials = this.#builder.buffer(`${node.name}.partials`, tasks * depth * shape.outChannels);
    assert(!gradient.gate && !gradient.pooled && gradient.da, `${node.name} has a plain gradient`);
    const { da = null, y = null, coefficients = null, factors = null, x = null } = gradient;
    const operands = { da, y, coefficients, factors, x, partials };
    const sizes = { ...shape, ...tiling, activation: output.activation };
    this.#builder.step('f32_conv_grad_weight__patches', node.name, operands, sizes);
    this.#sumPartials(node, partials, tasks, shape.outChannels, shape.kernel ** 2, shape.inChannels);
  }

  /** Adds the tasks' gradients of the weights, [groups][rows][columns] each, into the saved layout. */
  #sumPartials(
    node: Conv2dNode,
    partials: Operand,
    partialCount: number,
    groups: number,
    rows: number,
    columns: number,
  ): void {
    const operands = { partials, out: this.#builder.gradient(`${node.name}.weight`) };
    const sizes = { partialCount, groups, rows, columns };
    this.#builder.step('f32_partials_grad_weight', node.name, operands, sizes);
  }
}
