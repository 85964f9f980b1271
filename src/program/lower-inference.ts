/**
 * Graph to inference program. Batch norm is folded into packed weights and a bias (the `prepare`
 * steps, run once after weights change); activation and residual ride in the convolution's epilogue;
 * an expansion is one step with the depthwise convolution behind it, and its map is not kept anywhere;
 * squeeze-and-excite's gate is applied while the next convolution loads.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { Shape } from '../base/tensor.ts';
import type { Conv2dNode, Graph, GraphNode, TensorName } from '../graph/graph.ts';
import { ACTIVATION_CODE } from '../kernels/activation-code.ts';
import { isOfPicture } from '../kernels/conv.ts';
import { mapFloats } from '../kernels/panel.ts';
import { halvedRows, quarterSumFloats } from '../kernels/strassen.ts';
import { Consumers } from './consumers.ts';
import { type ConvUnit, endOf } from './conv-unit.ts';
import { convKind, convOutput, denseSizes, depthwiseSizes, type MapShape, rowsOf } from './geometry.ts';
import { InputPort } from './input-port.ts';
import { PackedWeights } from './packed-weights.ts';
import { layoutParameters } from './parameter-layout.ts';
import { pictureGroups } from './picture-groups.ts';
import type { Operand, Program } from './program.ts';
import { ProgramBuilder, shifted } from './program-builder.ts';
import { readAhead } from './read-ahead.ts';
import {
  copiedRows,
  denseInference,
  depthwiseInference,
  expandDepthwiseInference,
  isQuartered,
  isQuarteredExpansion,
  linearFeatures,
  MANY_PICTURES,
  pictureRows,
  pointwiseInference,
  pooledInference,
  quarteredExpansionInference,
  quarteredRows,
  tiledLinearFeatures,
} from './tiling.ts';

interface MapValue extends MapShape {
  readonly kind: 'map';
  /**
   * Bytes: pictures that are not normalised; rows: [images * height * width][channels], as pictures of floats come;
   * panels: [channels / 8][images * height * width][8], as convolutions leave it.
   */
  readonly layout: 'bytes' | 'rows' | 'panels';
  readonly data: Operand;
  /** [images][channels], to be multiplied in by whoever reads it. */
  readonly gate: Operand | null;
}
interface VectorValue {
  readonly kind: 'vector';
  readonly data: Operand;
  readonly images: number;
  readonly features: number;
}
type Value = MapValue | VectorValue;

export interface InferenceOptions {
  /** What the host writes: bytes [N, H, W, 3] that are normalised here, or floats [N, H, W, 3]. */
  readonly input: 'bytes' | 'floats';
  /** False: no two buffers share memory. Default true. */
  readonly planMemory?: boolean;
  /**
   * Tensors to be read after a run, each by a port of its name: maps [N][H][W][C], vectors [N][C], floats. Those that
   * the fused program holds: after a convolution's batch norm, activation and residual, and after a linear layer's
   * activation.
   */
  readonly keep?: readonly TensorName[];
}

/** Pixels of an image from which on an expansion and its depthwise convolution are one step. Fewer do not fill its tiles of five and four. */
const FUSED_PIXELS = 9;

class InferenceLowering {
  readonly builder: ProgramBuilder;
  readonly #graph: Graph;
  readonly #shape: Shape;
  readonly #input: InputPort;
  readonly #consumers: Consumers;
  readonly #values = new Map<TensorName, Value>();
  readonly #absorbed = new Set<GraphNode>();
  readonly #keep: ReadonlySet<TensorName>;
  readonly #joined: TensorName | null;
  /** Tensors to keep or to join, of all pictures. */
  readonly #whole = new Map<TensorName, Operand>();
  readonly #weights: PackedWeights;
  /** The pictures being lowered: all, or a group. */
  #pictures: { readonly first: number; readonly count: number };

  /** @param joined the tensor that groups of pictures are joined at, if the batch is lowered in groups */
  constructor(graph: Graph, shape: Shape, { input, keep = [] }: InferenceOptions, joined: TensorName | null) {
    this.builder = new ProgramBuilder(layoutParameters(graph));
    this.#graph = graph;
    this.#shape = shape;
    this.#input = new InputPort(this.builder, shape, input);
    this.#weights = new PackedWeights(this.builder);
    this.#consumers = new Consumers(graph);
    this.#keep = new Set(keep);
    this.#joined = joined;
    this.#pictures = { first: 0, count: this.#images };
  }

  get #images(): number {
    return this.#shape[0] as number;
  }

  /** What is lowered next is for these pictures; the tensors of others are forgotten. */
  choosePictures(first: number, count: number): void {
    this.#pictures = { first, count };
    this.#values.clear();
    const [, channels, height, width] = this.#shape as [number, number, number, number];
    const layout = this.#input.normalization === null ? 'rows' : 'bytes';
    const data = this.#input.pictures(first);
    this.set(this.#graph.input, { kind: 'map', layout, images: count, channels, height, width, data, gate: null });
  }

  /** What is lowered next is for all pictures, and starts from the joined tensor. */
  joinPictures(): void {
    if (this.#joined === null) return;
    const value = this.#map(this.#joined);
    const data = this.#whole.get(this.#joined);
    assert(data, 'groups of pictures are joined');
    this.choosePictures(0, this.#images);
    this.set(this.#joined, { ...value, images: this.#images, layout: 'rows', data });
  }

  /** Where a step writes a map: a buffer that makes room after its last use. */
  #mapBuffer(tensor: TensorName, shape: MapShape): Operand {
    return this.builder.buffer(tensor, mapFloats(rowsOf(shape), shape.channels));
  }

  /** A map that a step has written; where it is kept or joined, in rows as well. */
  #setMap(tensor: TensorName, shape: MapShape, data: Operand): void {
    const value: MapValue = { kind: 'map', layout: 'panels', ...shape, data, gate: null };
    this.set(tensor, value);
    if (!this.#keep.has(tensor) && tensor !== this.#joined) return;
    this.#copy(tensor, value, 'rows', this.#destination(tensor, rowsOf(shape) * shape.channels));
  }

  /** Appends the step that brings a map into another layout. */
  #copy(tensor: TensorName, value: MapValue, layout: MapValue['layout'], target: Operand): void {
    const rows = rowsOf(value);
    const sizes = { rows, channels: value.channels, rowsPerTask: copiedRows(rows) };
    if (layout === 'rows') {
      this.builder.step('f32_unpack_rows_forward', tensor, { packed: value.data, x: target }, sizes);
    } else this.builder.step('f32_pack_rows_forward', tensor, { x: value.data, packed: target }, sizes);
  }

  /** A map in the layout that its reader wants. */
  #map(tensor: TensorName, layout: MapValue['layout'] = 'panels'): MapValue {
    const value = this.value(tensor);
    assert(value.kind === 'map', `${tensor} is a map`);
    if (value.layout === layout) return value;
    if (value.layout === 'bytes') {
      const { first, count } = this.#pictures;
      this.set(tensor, { ...value, layout: 'rows', data: this.#input.floats(first, count) });
      return this.#map(tensor, layout);
    }
    const floats = layout === 'rows' ? rowsOf(value) * value.channels : mapFloats(rowsOf(value), value.channels);
    const data = this.builder.buffer(`${tensor}.${layout}`, floats);
    this.#copy(tensor, value, layout, data);
    const copied: MapValue = { ...value, layout, data };
    this.set(tensor, copied);
    return copied;
  }

  /** Where a step writes floats of pictures, one after the other: a buffer that makes room after its last use, a port, or a part of either. */
  #destination(tensor: TensorName, floats: number): Operand {
    const { first, count } = this.#pictures;
    const keep = this.#keep.has(tensor);
    if (!keep && tensor !== this.#joined) return this.builder.buffer(tensor, floats);
    const perPicture = floats / count;
    const all = perPicture * this.#images;
    const whole =
      this.#whole.get(tensor) ?? (keep ? this.builder.port(tensor, 4 * all) : this.builder.buffer(tensor, all));
    this.#whole.set(tensor, whole);
    return shifted(whole, first * perPicture);
  }

  /** @throws BneckError 'option' if a tensor to keep was not produced */
  checkKept(): void {
    const missing = [...this.#keep].find((tensor) => !this.#whole.has(tensor));
    if (missing === undefined) return;
    throw new BneckError('option', `The inference program holds no tensor ${missing}: there is none, or it is fused.`);
  }

  set(tensor: TensorName, value: Value): void {
    this.#values.set(tensor, value);
  }

  value(tensor: TensorName): Value {
    const value = this.#values.get(tensor);
    assert(value, `tensor ${tensor} is read before it is produced`);
    return value;
  }

  #vector(tensor: TensorName): VectorValue {
    const value = this.value(tensor);
    assert(value.kind === 'vector', `${tensor} is a vector`);
    return value;
  }

  lower(node: GraphNode): void {
    if (this.#absorbed.has(node)) return;
    switch (node.op) {
      case 'conv2d':
        if (this.value(node.inputs[0] as TensorName).kind === 'vector')
          this.#fullyConnected(node, node.attributes.bias);
        else this.#conv(node);
        return;
      case 'linear':
        this.#fullyConnected(node, true);
        return;
      case 'global_average_pool2d':
        this.#pool(node.inputs[0] as TensorName, node.output, node.name);
        return;
      case 'scale_channels':
        this.set(node.output, {
          ...this.#map(node.inputs[0] as TensorName),
          gate: this.#vector(node.inputs[1] as TensorName).data,
        });
        return;
      case 'dropout':
        this.set(node.output, this.value(node.inputs[0] as TensorName));
        return;
      default:
        throw new BneckError(
          'unsupported',
          `A lone ${node.op} (${node.name}) cannot be run: it follows no convolution.`,
        );
    }
  }

  /** The convolution with the batch norm, activation and residual sum that follow it. */
  #unit(conv: Conv2dNode): ConvUnit {
    const norm = this.#consumers.only(conv.output, 'batch_norm2d');
    if (!norm) throw new BneckError('unsupported', `The convolution ${conv.name} is not followed by batch norm.`);
    const activation = this.#consumers.only(norm.output, 'activation');
    const last = activation ?? norm;
    const add = convKind(conv) === 'pointwise' ? this.#consumers.only(last.output, 'add') : null;
    const other = add?.inputs.find((name) => name !== last.output);
    const fused = other !== undefined && this.#values.has(other) ? add : null;
    for (const node of [norm, activation, fused]) if (node) this.#absorbed.add(node);
    return { conv, norm, activation, add: fused, output: (fused ?? last).output };
  }

  /** The depthwise convolution that alone reads what an expansion makes of `input`, if one kernel can do both. */
  #depthwiseBehind(expansion: ConvUnit, input: MapValue): Conv2dNode | null {
    const { conv, add, output } = expansion;
    const next = this.#consumers.only(output, 'conv2d');
    if (!next || convKind(next) !== 'depthwise' || convKind(conv) !== 'pointwise') return null;
    const wanted = this.#keep.has(output) || output === this.#joined;
    const suitable = conv.attributes.outChannels % 8 === 0 && input.height * input.width >= FUSED_PIXELS;
    return suitable && !add && !wanted && !input.gate ? next : null;
  }

  /** The pooling that alone reads what a pointwise convolution makes of `input`, if one kernel can do both. */
  #poolBehind({ conv, add, output }: ConvUnit, input: MapValue): GraphNode | null {
    const pool = this.#consumers.only(output, 'global_average_pool2d');
    if (!pool || convKind(conv) !== 'pointwise') return null;
    const wanted = this.#keep.has(output) || output === this.#joined;
    return !add && !wanted && !input.gate ? pool : null;
  }

  /** The input of a convolution, in a layout that its kernel reads. */
  #inputOf(conv: Conv2dNode): MapValue {
    const tensor = conv.inputs[0] as TensorName;
    if (convKind(conv) !== 'dense') return this.#map(tensor);
    const value = this.value(tensor);
    const bytes = value.kind === 'map' && value.layout === 'bytes' && isOfPicture(conv.attributes);
    return bytes ? value : this.#map(tensor, 'rows');
  }

  #conv(conv: Conv2dNode): void {
    const unit = this.#unit(conv);
    const kind = convKind(conv);
    const input = this.#inputOf(conv);
    const output = convOutput(conv, input);
    const depthwise = this.#depthwiseBehind(unit, input);
    if (depthwise) {
      this.#expandDepthwise(unit, input, output, depthwise);
      return;
    }
    const pool = this.#poolBehind(unit, input);
    if (pool) {
      this.#averagePool(unit, input, this.#pooled(pool, output));
      return;
    }
    const data = this.#mapBuffer(unit.output, output);
    const activation = endOf(unit).code;
    if (kind === 'pointwise') this.#pointwise(unit, input, data, activation);
    else if (kind === null) throw new BneckError('unsupported', `${conv.name} has ${conv.attributes.groups} groups.`);
    else {
      assert(input.gate === null, 'a gate goes into a pointwise convolution');
      if (kind === 'depthwise') this.#depthwise(unit, input, data, activation);
      else this.#dense(unit, input, data, activation);
    }
    this.#setMap(unit.output, output, data);
  }

  #pointwise(unit: ConvUnit, input: MapValue, y: Operand, activation: number): void {
    const { inChannels, outChannels } = unit.conv.attributes;
    const { scale, bias } = this.#weights.fold(unit.norm, endOf(unit).factor);
    const last = unit.activation ?? unit.norm;
    const residual = unit.add ? this.#map(unit.add.inputs.find((name) => name !== last.output) as TensorName) : null;
    assert(!residual?.gate, 'a residual has no gate');
    const rows = rowsOf(input);
    const rowsPerImage = input.height * input.width;
    const weight = this.#weights.conv(unit.conv, scale);
    const operands = { x: input.data, gate: input.gate, weight, bias, residual: residual?.data ?? null, y };
    const shape = { rows, inChannels, outChannels, rowsPerImage, activation };
    if (isQuartered(this.#images, rowsPerImage, inChannels, outChannels)) {
      const weightSums = this.#weights.sums(unit.conv, scale);
      const sizes = { ...shape, rowsPerTask: quarteredRows(rowsPerImage, inChannels) };
      this.builder.step('f32_pointwise_conv_forward__strassen', unit.conv.name, { ...operands, weightSums }, sizes);
      return;
    }
    const tile = pointwiseInference(rows, rowsPerImage, inChannels, outChannels, input.gate !== null);
    this.builder.step('f32_pointwise_conv_forward__5x8', unit.conv.name, operands, { ...shape, ...tile });
  }

  /** Sums of a map's quarters, for products of them. */
  #sums(name: string, map: MapValue): Operand {
    const [rows, rowsPerImage] = [rowsOf(map), map.height * map.width];
    const sums = this.builder.buffer(
      `${name}.sums`,
      quarterSumFloats(map.images * halvedRows(rowsPerImage), map.channels),
    );
    const sizes = { rows, channels: map.channels, rowsPerImage };
    this.builder.step('f32_strassen_sums_forward', name, { x: map.data, sums }, sizes);
    return sums;
  }

  /** A pointwise convolution of whose map only the means are wanted. */
  #averagePool(unit: ConvUnit, input: MapValue, pooled: Operand): void {
    const { inChannels, outChannels } = unit.conv.attributes;
    const { code: activation, factor } = endOf(unit);
    const { scale, bias } = this.#weights.fold(unit.norm, factor);
    const rows = rowsOf(input);
    const rowsPerImage = input.height * input.width;
    const shape = { rows, inChannels, outChannels, rowsPerImage, activation };
    const operands = { x: input.data, weight: this.#weights.conv(unit.conv, scale), bias, pooled };
    const sizes = { ...shape, ...pooledInference(rows, rowsPerImage, inChannels, outChannels) };
    this.builder.step('f32_pointwise_conv_average_pool_forward__5x8', unit.conv.name, operands, sizes);
  }

  #depthwise(unit: ConvUnit, input: MapValue, y: Operand, activation: number): void {
    const { scale, bias } = this.#weights.fold(unit.norm, endOf(unit).factor);
    const weight = this.#weights.depthwise(unit.conv, scale);
    const { name } = unit.conv;
    const shape = depthwiseSizes(unit.conv, input, convOutput(unit.conv, input));
    const sizes = { ...shape, ...depthwiseInference(shape), activation };
    const operands = { x: input.data, weight, bias, y, pooled: this.#means(unit, sizes) };
    this.builder.step('f32_depthwise_conv_forward__c4w4', name, operands, sizes);
  }

  #expandDepthwise(expansion: ConvUnit, input: MapValue, expanded: MapShape, depthwise: Conv2dNode): void {
    const unit = this.#unit(depthwise);
    this.#absorbed.add(depthwise);
    const output = convOutput(depthwise, expanded);
    const shape = depthwiseSizes(depthwise, expanded, output);
    const quartered = isQuarteredExpansion(this.#images, shape, input.channels);
    const sizes = {
      ...shape,
      ...(quartered ? quarteredExpansionInference(shape, input.channels) : expandDepthwiseInference(shape)),
      inChannels: input.channels,
      expandActivation: endOf(expansion).code,
      activation: endOf(unit).code,
    };
    const expansionFold = this.#weights.fold(expansion.norm, endOf(expansion).factor);
    const fold = this.#weights.fold(unit.norm, endOf(unit).factor);
    const data = this.#mapBuffer(unit.output, output);
    const operands = {
      x: input.data,
      expandWeight: this.#weights.conv(expansion.conv, expansionFold.scale),
      expandBias: expansionFold.bias,
      weight: this.#weights.depthwise(unit.conv, fold.scale),
      bias: fold.bias,
      y: data,
      pooled: this.#means(unit, sizes),
    };
    if (quartered) {
      const sums = this.#sums(expansion.conv.name, input);
      this.builder.step('f32_expand_depthwise_conv_forward__strassen', depthwise.name, { ...operands, sums }, sizes);
    } else this.builder.step('f32_expand_depthwise_conv_forward__5x8', depthwise.name, operands, sizes);
    this.#setMap(unit.output, output, data);
  }

  /** Where a depthwise convolution leaves the means of its map, if they are asked for and each of its tasks sees all rows. */
  #means(
    { output }: ConvUnit,
    sizes: { images: number; channels: number; outHeight: number; rowsPerBlock: number },
  ): Operand | null {
    const pool = this.#consumers.find(output, 'global_average_pool2d');
    return pool && sizes.rowsPerBlock >= sizes.outHeight ? this.#pooled(pool, sizes) : null;
  }

  /** Where the step that makes a map leaves its means, too; the pooling node needs no step then. */
  #pooled(pool: GraphNode, { images, channels }: { images: number; channels: number }): Operand {
    const data = this.#destination(pool.output, images * channels);
    this.#absorbed.add(pool);
    this.set(pool.output, { kind: 'vector', data, images, features: channels });
    return data;
  }

  #dense(unit: ConvUnit, input: MapValue, y: Operand, activation: number): void {
    const { scale, bias } = this.#weights.fold(unit.norm, endOf(unit).factor);
    const weight = this.#weights.conv(unit.conv, scale);
    const shape = denseSizes(unit.conv, input, convOutput(unit.conv, input));
    if (isOfPicture(shape)) {
      const { height, width, outHeight, outWidth, outChannels, padding } = shape;
      const [{ images }, rowsPerTask] = [input, pictureRows(input.images, outHeight)];
      const sizes = { images, height, width, outHeight, outWidth, outChannels, padding, rowsPerTask, activation };
      const operands = { x: input.data, weight, bias, y };
      if (input.layout === 'bytes') {
        const coefficients = this.#input.normalization;
        this.builder.step('u8_conv_forward__picture', unit.conv.name, { ...operands, coefficients }, sizes);
      } else this.builder.step('f32_conv_forward__picture', unit.conv.name, operands, sizes);
      return;
    }
    const sizes = { ...shape, ...denseInference(shape.rows, shape.kernel ** 2 * shape.inChannels), activation };
    this.builder.step('f32_conv_forward__patches', unit.conv.name, { x: input.data, weight, bias, y }, sizes);
  }

  #pool(tensor: TensorName, output: TensorName, name: string): void {
    const { images, height, width, channels, data, gate } = this.#map(tensor);
    assert(gate === null, 'a pooled tensor has no gate');
    const out = this.#destination(output, images * channels);
    this.builder.step(
      'f32_global_average_pool_forward__panels',
      name,
      { x: data, out },
      { images, pixels: height * width, channels },
    );
    this.set(output, { kind: 'vector', data: out, images, features: channels });
  }

  /**
   * A linear layer or a 1x1 convolution of a vector, with the activation that follows it. Of a few pictures each weight is used so
   * seldom that it is best read where it stands; of more, packed for the matrix tiles.
   */
  #fullyConnected(node: GraphNode & { op: 'linear' | 'conv2d' }, bias: boolean): void {
    const input = this.#vector(node.inputs[0] as TensorName);
    const { attributes } = node;
    const outFeatures = 'outFeatures' in attributes ? attributes.outFeatures : attributes.outChannels;
    const activation = this.#consumers.only(node.output, 'activation');
    if (activation) this.#absorbed.add(activation);
    const output = (activation ?? node).output;
    const { images: rows, features: inFeatures, data: x } = input;
    const y = this.#destination(output, rows * outFeatures);
    const biasOperand = bias ? this.builder.parameter(`${node.name}.bias`) : null;
    const code = ACTIVATION_CODE[activation?.attributes.function ?? 'none'];
    const sizes = { rows, inFeatures, outFeatures, activation: code };
    if (rows >= MANY_PICTURES) {
      const weight = this.#weights.panels(node.name, outFeatures, inFeatures, 1, null);
      const tiled = { ...sizes, featuresPerTask: tiledLinearFeatures(outFeatures) };
      this.builder.step('f32_linear_forward__5x8', node.name, { x, weight, bias: biasOperand, y }, tiled);
    } else {
      const operands = { x, weight: this.builder.parameter(`${node.name}.weight`), bias: biasOperand, y };
      const dots = { ...sizes, featuresPerTask: linearFeatures(outFeatures) };
      this.builder.step('f32_linear_forward', node.name, operands, dots);
    }
    this.set(output, { kind: 'vector', data: y, images: rows, features: outFeatures });
  }
}

/**
 * @param shape [N, 3, H, W]
 * @returns a program with ports `pictures` (and `normalization`, [2][3] floats: scale and shift of a byte, if
 *   the input is bytes), `logits` [N, K] floats, and those of `keep`
 * @throws BneckError 'option' for a tensor to keep that the program does not hold
 */
export function lowerInference(graph: Graph, shape: Shape, options: InferenceOptions): Program {
  const images = shape[0] as number;
  const groups = pictureGroups(graph, shape);
  const joined = groups.nodes === 0 ? null : (graph.nodes[groups.nodes]?.inputs[0] ?? null);
  const lowering = new InferenceLowering(graph, shape, options, joined);
  for (let first = 0; first < images; first += groups.pictures) {
    lowering.choosePictures(first, Math.min(groups.pictures, images - first));
    for (const node of graph.nodes.slice(0, groups.nodes)) lowering.lower(node);
  }
  lowering.joinPictures();
  for (const node of graph.nodes.slice(groups.nodes)) lowering.lower(node);
  lowering.checkKept();
  const logits = lowering.value(graph.output);
  assert(logits.kind === 'vector', 'the output is a vector');
  const out = lowering.builder.port('logits', 4 * images * logits.features);
  const length = images * logits.features;
  lowering.builder.step('f32_activation_forward', 'logits', { x: logits.data, y: out }, { length, activation: 0 });
  const program = lowering.builder.finish('inference', options.planMemory ?? true);
  return images < MANY_PICTURES ? readAhead(program) : program;
}
