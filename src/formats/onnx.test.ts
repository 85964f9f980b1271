/** The bytes of ONNX files against those of the onnx library, and against the reader. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BneckError } from '../base/errors.ts';
import { float32Tensor } from '../base/tensor.ts';
import { type OnnxGraph, type OnnxModel, type OnnxNode, writeOnnx } from './onnx.ts';
import { readOnnx } from './onnx-reader.ts';

const GEMM: OnnxNode = {
  opType: 'Gemm',
  name: 'a',
  inputs: ['x', 'w'],
  outputs: ['z'],
  attributes: { transB: { type: 'int', value: 1 } },
};
const GATE: OnnxNode = {
  opType: 'HardSigmoid',
  name: 'b',
  inputs: ['z'],
  outputs: ['y'],
  attributes: { alpha: { type: 'float', value: 0.25 } },
};
const GRAPH: OnnxGraph = {
  name: 'net',
  documentation: 'two nodes',
  nodes: [GEMM, GATE],
  initializers: new Map([['w', float32Tensor([1, 2], Float32Array.of(1, -2))]]),
  inputs: [{ name: 'x', elementType: 'float32', shape: ['N', 2], documentation: 'in' }],
  outputs: [{ name: 'y', elementType: 'float32', shape: ['N', 1], documentation: 'out' }],
};
const MODEL: OnnxModel = {
  irVersion: 8,
  opset: 18,
  producerName: 'bneck',
  producerVersion: '1',
  documentation: 'd',
  graph: GRAPH,
  metadata: { k: 'v' },
};

/** `onnx.helper.make_model` of the same, `SerializeToString`, onnx 1.12. */
const LIBRARY_BYTES = `
  08081205626e65636b1a01313201643aa6010a210a01780a017712017a1a0161220447656d6d2a0d0a067472616e73421801a0
  01020a270a017a1201791a0162220b486172645369676d6f69642a0f0a05616c706861150000803ea0010112036e65742a1308
  01080210014201774a080000803f000000c0520974776f206e6f6465735a180a0178120f0a0d080112090a0312014e0a020802
  1a02696e62190a0179120f0a0d080112090a0312014e0a0208011a036f757442040a00101272060a016b120176`;

test('writes the bytes that the onnx library writes', () => {
  const found = Array.from(writeOnnx(MODEL), (byte) => byte.toString(16).padStart(2, '0')).join('');
  expect(found).toBe(LIBRARY_BYTES.replace(/\s/g, ''));
});

test('what is written is read again', () => {
  const constants = new Map([
    ...GRAPH.initializers,
    ['scalar', float32Tensor([], Float32Array.of(Number.NaN))],
    ['empty', float32Tensor([0, 3])],
    ['integers', { dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) } as const],
  ]);
  const conv: OnnxNode = {
    opType: 'Conv',
    name: '__proto__',
    inputs: ['y', 'scalar'],
    outputs: ['größe'],
    attributes: {
      pads: { type: 'ints', value: [0, -1, 2 ** 40] },
      strides: { type: 'ints', value: [] },
      mode: { type: 'string', value: 'ü' },
    },
  };
  const input = { name: 'bytes', elementType: 'uint8', shape: ['N', 'H', 3], documentation: '' } as const;
  const graph = { ...GRAPH, nodes: [GEMM, GATE, conv], initializers: constants, inputs: [...GRAPH.inputs, input] };
  const model: OnnxModel = { ...MODEL, graph, metadata: { labels: '["é","\\ud800"]', '': '' } };
  const found = readOnnx(writeOnnx(model), 'test');
  expect({ ...found, metadata: { ...found.metadata } }).toEqual({
    ...model,
    graph: {
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, attributes: expect.objectContaining(node.attributes) })),
    },
  });
  expect([...found.graph.initializers.keys()]).toEqual([...constants.keys()]);
});

test('what does not hang together is not written', () => {
  const write = (change: Partial<OnnxGraph>) => () => writeOnnx({ ...MODEL, graph: { ...GRAPH, ...change } });
  expect(write({ nodes: [GATE, GEMM] })).toThrow(/node "b" reads "z", not yet produced/);
  expect(write({ nodes: [GEMM, { ...GATE, name: 'a' }] })).toThrow(/two nodes are named "a"/);
  expect(write({ nodes: [GEMM, { ...GATE, outputs: ['w'] }] })).toThrow(/two tensors are named "w"/);
  expect(write({ nodes: [GEMM] })).toThrow(/nothing produces the output "y"/);
  expect(write({ initializers: new Map([['w', float32Tensor([3], new Float32Array(2))]]) })).toThrow(/2 elements/);
  expect(write({ inputs: [{ ...GRAPH.inputs[0], shape: [0] } as never] })).toThrow(/dimension "0"/);
  const attributes = { alpha: { type: 'float', value: Number.NaN } } as const;
  expect(write({ nodes: [GEMM, { ...GATE, attributes }] })).toThrow(/attribute "alpha" of node "b" is NaN/);
  expect(() => writeOnnx({ ...MODEL, metadata: { k: '\ud800' } })).toThrow(BneckError);
  expect(() => writeOnnx({ ...MODEL, opset: 0 })).toThrow(/version 0/);
});

test('other files are refused, with the place', () => {
  const whole = writeOnnx(MODEL);
  expect(() => readOnnx(new Uint8Array(0), 'f.onnx')).toThrow(/f\.onnx: the model: field 8 occurs 0 times/);
  expect(() => readOnnx(new TextEncoder().encode('<!doctype html>'), 'f')).toThrow(BneckError);
  expect(() => readOnnx(whole.subarray(0, 100), 'f')).toThrow(/the model: a field of 166 bytes begins/);
  expect(() => readOnnx(Uint8Array.of(...whole, 0xa2, 0x01, 0x00), 'f')).toThrow(/it has field 20, which is not read/);
  expect(() => readOnnx(Uint8Array.of(...whole, 0x72, 0x06, 0x0a, 1, 0x6b, 0x12, 1, 0x77), 'f')).toThrow(
    /"k" occurs twice/,
  );
});

test('a damaged file is refused or read, never more', () => {
  const whole = writeOnnx(MODEL);
  const flip = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), fc.nat(whole.length), (flips, length) => {
      const bytes = whole.slice(0, length < 20 ? length : whole.length);
      for (const [position, value] of flips) if (position < bytes.length) bytes[position] = value;
      try {
        readOnnx(bytes, 'f');
      } catch (error) {
        if (!(error instanceof BneckError)) throw error;
        expect(error.code).toBe('file');
        expect(error.message).not.toContain('\n');
      }
    }),
    { numRuns: 2000 },
  );
});
