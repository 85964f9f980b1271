/**
 * What the field numbers and codes of an ONNX file mean: the part of onnx.proto
 * (https://github.com/onnx/onnx, IR version 8) that a network of plain tensors takes. Writer and
 * reader share it, so that a number stands once. Listed in ascending order, the order in which they
 * are written.
 */
export const MODEL = {
  irVersion: 1,
  producerName: 2,
  producerVersion: 3,
  documentation: 6,
  graph: 7,
  opsetImport: 8,
  metadata: 14,
} as const;

export const OPERATOR_SET = { domain: 1, version: 2 } as const;
export const METADATA_ENTRY = { key: 1, value: 2 } as const;
export const GRAPH = { node: 1, name: 2, initializer: 5, documentation: 10, input: 11, output: 12 } as const;
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 } as const;
export const ATTRIBUTE = { name: 1, float: 2, int: 3, string: 4, ints: 8, type: 20 } as const;
export const TENSOR = { dimension: 1, dataType: 2, name: 8, rawData: 9 } as const;
export const VALUE = { name: 1, type: 2, documentation: 3 } as const;
export const TYPE = { tensor: 1 } as const;
export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
export const SHAPE = { dimension: 1 } as const;
export const DIMENSION = { size: 1, symbol: 2 } as const;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** TensorProto.DataType. */
export const ELEMENT_CODES = { float32: 1, uint8: 2, int64: 7 } as const;
export type OnnxElementType = keyof typeof ELEMENT_CODES;
