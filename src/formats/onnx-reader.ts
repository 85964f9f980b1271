/**
 * An ONNX file back to its description: the way to look at what was written. It reads the part of
 * ONNX that `onnx.ts` can describe (float32 and int64 constants inside the file, one operator set,
 * no subgraphs) and refuses the rest; nothing is skipped, and no other file is ever opened.
 * Invariant: what it returns is sound (`checkOnnx`), and was inside the bytes.
 */
import { BneckError } from '../base/errors.ts';
import type { StateDict, Tensor } from '../base/tensor.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from './onnx.ts';
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
import { type ProtobufField, protobufFields } from './protobuf.ts';
import { quote } from './quote.ts';

/** As many dimensions as PyTorch and NumPy can compute with. */
const MAX_DIMENSIONS = 64;

/** A message's fields by number; every number that occurs is in the message's table. */
class Message {
  readonly #fields = new Map<number, ProtobufField[]>();
  readonly #file: string;
  readonly #what: string;

  /** @param what what to call the message in errors */
  constructor(file: string, what: string, bytes: Uint8Array, known: Readonly<Record<string, number>>) {
    this.#file = file;
    this.#what = what;
    const numbers = new Set(Object.values(known));
    const fail = (problem: string, position: number) => this.fail(`${problem} (byte ${position} of it)`);
    for (const field of protobufFields(bytes, fail)) {
      if (!numbers.has(field.number)) this.fail(`it has field ${field.number}, which is not read here`);
      const list = this.#fields.get(field.number);
      if (list) list.push(field);
      else this.#fields.set(field.number, [field]);
    }
  }

  fail(problem: string): never {
    const remedy = 'Get the file again; only models that bneck exported are read here.';
    throw new BneckError('file', `${this.#file}: ${this.#what}: ${problem}. ${remedy}`);
  }

  has(number: number): boolean {
    return this.#fields.has(number);
  }

  #values(number: number, type: ProtobufField['type']): ProtobufField['value'][] {
    return (this.#fields.get(number) ?? []).map((field) =>
      field.type === type ? field.value : this.fail(`field ${number} is not of type ${type}`),
    );
  }

  #one<T>(number: number, values: readonly T[]): T {
    const [value] = values;
    return value !== undefined && values.length === 1
      ? value
      : this.fail(`field ${number} occurs ${values.length} times`);
  }

  integers(number: number): number[] {
    return this.#values(number, 'varint').map((bits) => {
      const value = Number(BigInt.asIntN(64, bits as bigint));
      return Number.isSafeInteger(value) ? value : this.fail(`field ${number} is an integer beyond 2^53`);
    });
  }

  integer(number: number): number {
    return this.#one(number, this.integers(number));
  }

  float(number: number): number {
    const bytes = this.#one(number, this.#values(number, 'fixed32')) as Uint8Array;
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
  }

  blobs(number: number): Uint8Array[] {
    return this.#values(number, 'bytes') as Uint8Array[];
  }

  blob(number: number): Uint8Array {
    return this.#one(number, this.blobs(number));
  }

  texts(number: number): string[] {
    return this.blobs(number).map((bytes) => {
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        return this.fail(`field ${number} is not UTF-8 text`);
      }
    });
  }

  text(number: number): string {
    return this.#one(number, this.texts(number));
  }

  messages(number: number, what: string, known: Readonly<Record<string, number>>): Message[] {
    return this.blobs(number).map((bytes) => new Message(this.#file, what, bytes, known));
  }

  message(number: number, what: string, known: Readonly<Record<string, number>>): Message {
    return this.#one(number, this.messages(number, what, known));
  }

  elementType(number: number): OnnxElementType {
    const code = this.integer(number);
    const types = Object.keys(ELEMENT_CODES) as OnnxElementType[];
    return types.find((type) => ELEMENT_CODES[type] === code) ?? this.fail(`element type ${code} is not read here`);
  }
}

function readAttribute(message: Message): OnnxAttribute {
  const code = message.integer(ATTRIBUTE.type);
  if (code === ATTRIBUTE_TYPES.float) return { type: 'float', value: message.float(ATTRIBUTE.float) };
  if (code === ATTRIBUTE_TYPES.int) return { type: 'int', value: message.integer(ATTRIBUTE.int) };
  if (code === ATTRIBUTE_TYPES.string) return { type: 'string', value: message.text(ATTRIBUTE.string) };
  if (code === ATTRIBUTE_TYPES.ints) return { type: 'ints', value: message.integers(ATTRIBUTE.ints) };
  return message.fail(`attribute type ${code} is not read here`);
}

/** Names from the file are keys here: the object has no prototype, and no key comes twice. */
function record<T>(message: Message, entries: Iterable<readonly [string, T]>): Record<string, T> {
  const result: Record<string, T> = Object.create(null);
  for (const [key, value] of entries) {
    if (key in result) message.fail(`the key ${quote(key)} occurs twice`);
    result[key] = value;
  }
  return result;
}

function readNode(message: Message): OnnxNode {
  const attributes = message
    .messages(NODE.attribute, 'an attribute', ATTRIBUTE)
    .map((inner) => [inner.text(ATTRIBUTE.name), readAttribute(inner)] as const);
  return {
    opType: message.text(NODE.opType),
    name: message.text(NODE.name),
    inputs: message.texts(NODE.input),
    outputs: message.texts(NODE.output),
    attributes: record(message, attributes),
  };
}

function readTensor(message: Message): Tensor {
  const shape = message.integers(TENSOR.dimension);
  const dtype = message.elementType(TENSOR.dataType);
  if (dtype === 'uint8') return message.fail('it is uint8, which is not read here');
  if (shape.length > MAX_DIMENSIONS) message.fail(`it has ${shape.length} dimensions, more than ${MAX_DIMENSIONS}`);
  // Copied, never a view: it may lie at an odd address, and must not change with the file's buffer.
  const raw = new Uint8Array(message.blob(TENSOR.rawData)).buffer;
  const elementBytes = dtype === 'float32' ? 4 : 8;
  if (raw.byteLength % elementBytes !== 0) message.fail(`its ${raw.byteLength} bytes are no whole number of ${dtype}`);
  return { dtype, shape, data: dtype === 'float32' ? new Float32Array(raw) : new BigInt64Array(raw) };
}

function readDimension(message: Message): number | string {
  return message.has(DIMENSION.symbol) ? message.text(DIMENSION.symbol) : message.integer(DIMENSION.size);
}

function readValue(message: Message): OnnxValue {
  const type = message.message(VALUE.type, 'a type', TYPE).message(TYPE.tensor, 'a tensor type', TENSOR_TYPE);
  const shape = type.message(TENSOR_TYPE.shape, 'a shape', SHAPE);
  return {
    name: message.text(VALUE.name),
    elementType: type.elementType(TENSOR_TYPE.elementType),
    shape: shape.messages(SHAPE.dimension, 'a dimension', DIMENSION).map(readDimension),
    documentation: message.text(VALUE.documentation),
  };
}

function readGraph(message: Message): OnnxGraph {
  const initializers: StateDict = new Map();
  for (const inner of message.messages(GRAPH.initializer, 'a tensor', TENSOR)) {
    const name = inner.text(TENSOR.name);
    if (initializers.has(name)) inner.fail(`two tensors are named ${quote(name)}`);
    initializers.set(name, readTensor(inner));
  }
  return {
    name: message.text(GRAPH.name),
    documentation: message.text(GRAPH.documentation),
    nodes: message.messages(GRAPH.node, 'a node', NODE).map(readNode),
    initializers,
    inputs: message.messages(GRAPH.input, 'an input', VALUE).map(readValue),
    outputs: message.messages(GRAPH.output, 'an output', VALUE).map(readValue),
  };
}

/**
 * Reads an ONNX file that `writeOnnx` wrote, or one that needs no more than it can write.
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws BneckError 'file' where the bytes are not such a file
 */
export function readOnnx(bytes: Uint8Array, name: string): OnnxModel {
  const message = new Message(name, 'the model', bytes, MODEL);
  const operators = message.message(MODEL.opsetImport, 'the operator set', OPERATOR_SET);
  if (operators.text(OPERATOR_SET.domain) !== '') operators.fail("it is not of ONNX's own operators");
  const metadata = message
    .messages(MODEL.metadata, 'metadata', METADATA_ENTRY)
    .map((inner) => [inner.text(METADATA_ENTRY.key), inner.text(METADATA_ENTRY.value)] as const);
  const model: OnnxModel = {
    irVersion: message.integer(MODEL.irVersion),
    opset: operators.integer(OPERATOR_SET.version),
    producerName: message.text(MODEL.producerName),
    producerVersion: message.text(MODEL.producerVersion),
    documentation: message.text(MODEL.documentation),
    graph: readGraph(message.message(MODEL.graph, 'the graph', GRAPH)),
    metadata: record(message, metadata),
  };
  try {
    checkOnnx(model);
  } catch (cause) {
    if (!(cause instanceof BneckError)) throw cause;
    throw new BneckError('file', `${name}: ${cause.message}`, { cause });
  }
  return model;
}
