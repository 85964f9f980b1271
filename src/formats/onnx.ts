/**
 * ONNX (https://onnx.ai): a network and its weights in one file, for onnxruntime and its like. Here
 * are the description of such a file as plain data, and its bytes; `onnx-reader.ts` goes the other
 * way. Which network it is, this file does not know. Invariant: what is written is sound
 * (`checkOnnx`), equal models give equal bytes, and they are the bytes that the onnx library writes.
 */
import type { StateDict, Tensor } from '../base/tensor.ts';
import { checkOnnx } from './onnx-check.ts';
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPES,
  DIMENSION,
  ELEMENT_CODES,
  GRAPH,
  METADATA_ENTRY,
  MODEL,
  NODE,
  type OnnxElementType,
  OPERATOR_SET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE,
} from './onnx-fields.ts';
import { ProtobufWriter } from './protobuf.ts';

export type { OnnxElementType } from './onnx-fields.ts';

export type OnnxAttribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'ints'; readonly value: readonly number[] };

/** One operator of the default domain. Tensors are known by name. */
export interface OnnxNode {
  readonly opType: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** What goes in or comes out. A dimension is a size, or a symbol that stands for any one size. */
export interface OnnxValue {
  readonly name: string;
  readonly elementType: OnnxElementType;
  readonly shape: readonly (number | string)[];
  readonly documentation: string;
}

export interface OnnxGraph {
  readonly name: string;
  readonly documentation: string;
  /** In execution order. */
  readonly nodes: readonly OnnxNode[];
  /** The constants, weights above all, by tensor name. */
  readonly initializers: StateDict;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxModel {
  /** Of the file's structure; onnx 1.13, the first with opset 18, wrote version 8. */
  readonly irVersion: number;
  /** Of the operators' meaning. */
  readonly opset: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly documentation: string;
  readonly graph: OnnxGraph;
  /** Text by key, for people and programs. */
  readonly metadata: Readonly<Record<string, string>>;
}

function writeAttribute(writer: ProtobufWriter, name: string, attribute: OnnxAttribute): void {
  writer.string(ATTRIBUTE.name, name);
  if (attribute.type === 'float') writer.float(ATTRIBUTE.float, attribute.value);
  else if (attribute.type === 'int') writer.integer(ATTRIBUTE.int, attribute.value);
  else if (attribute.type === 'string') writer.string(ATTRIBUTE.string, attribute.value);
  // Not packed: the schema is that of protobuf's second version, where lists of numbers are not.
  else for (const value of attribute.value) writer.integer(ATTRIBUTE.ints, value);
  writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPES[attribute.type]);
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(NODE.input, input);
  for (const output of node.outputs) writer.string(NODE.output, output);
  writer.string(NODE.name, node.name);
  writer.string(NODE.opType, node.opType);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    writer.message(NODE.attribute, (inner) => writeAttribute(inner, name, attribute));
  }
}

function writeTensor(writer: ProtobufWriter, name: string, { dtype, shape, data }: Tensor): void {
  for (const size of shape) writer.integer(TENSOR.dimension, size);
  writer.integer(TENSOR.dataType, ELEMENT_CODES[dtype]);
  writer.string(TENSOR.name, name);
  // Little-endian in the file and, like WebAssembly's memory, on every host bneck runs on.
  writer.bytes(TENSOR.rawData, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeShape(writer: ProtobufWriter, shape: OnnxValue['shape']): void {
  for (const size of shape) {
    writer.message(SHAPE.dimension, (dimension) => {
      if (typeof size === 'number') dimension.integer(DIMENSION.size, size);
      else dimension.string(DIMENSION.symbol, size);
    });
  }
}

function writeValue(writer: ProtobufWriter, { name, elementType, shape, documentation }: OnnxValue): void {
  writer.string(VALUE.name, name);
  writer.message(VALUE.type, (type) => {
    type.message(TYPE.tensor, (tensor) => {
      tensor.integer(TENSOR_TYPE.elementType, ELEMENT_CODES[elementType]);
      tensor.message(TENSOR_TYPE.shape, (inner) => writeShape(inner, shape));
    });
  });
  writer.string(VALUE.documentation, documentation);
}

function writeGraph(writer: ProtobufWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) writer.message(GRAPH.node, (inner) => writeNode(inner, node));
  writer.string(GRAPH.name, graph.name);
  for (const [name, tensor] of graph.initializers) {
    writer.message(GRAPH.initializer, (inner) => writeTensor(inner, name, tensor));
  }
  writer.string(GRAPH.documentation, graph.documentation);
  for (const value of graph.inputs) writer.message(GRAPH.input, (inner) => writeValue(inner, value));
  for (const value of graph.outputs) writer.message(GRAPH.output, (inner) => writeValue(inner, value));
}

/**
 * The bytes of an ONNX file. Nodes, tensors, attributes and metadata keep their order; floats among
 * the attributes are rounded to single precision.
 * @throws BneckError 'shape' for a model that is not sound; 'unsupported' above 2 GiB; 'memory'
 */
export function writeOnnx(model: OnnxModel): Uint8Array {
  checkOnnx(model);
  const writer = new ProtobufWriter();
  writer.integer(MODEL.irVersion, model.irVersion);
  writer.string(MODEL.producerName, model.producerName);
  writer.string(MODEL.producerVersion, model.producerVersion);
  writer.string(MODEL.documentation, model.documentation);
  writer.message(MODEL.graph, (inner) => writeGraph(inner, model.graph));
  writer.message(MODEL.opsetImport, (inner) => {
    inner.string(OPERATOR_SET.domain, ''); // the default domain, that of ONNX's own operators
    inner.integer(OPERATOR_SET.version, model.opset);
  });
  for (const [key, value] of Object.entries(model.metadata)) {
    writer.message(MODEL.metadata, (inner) => {
      inner.string(METADATA_ENTRY.key, key);
      inner.string(METADATA_ENTRY.value, value);
    });
  }
  return writer.finish();
}
