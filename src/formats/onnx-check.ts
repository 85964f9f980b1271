/**
 * Whether a described ONNX model hangs together: every tensor produced once and before it is read,
 * every constant as long as its shape says, every text writable. Both the writer and the reader hold
 * models to it. What an operator takes and gives is not looked at; runtimes do that.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type Tensor } from '../base/tensor.ts';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from './onnx.ts';
import { quote } from './quote.ts';

function refuse(problem: string, remedy: string): never {
  throw new BneckError('shape', `ONNX model: ${problem}. ${remedy}`);
}

function checkTensor(name: string, { shape, dtype, data }: Tensor): void {
  const sizes = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!sizes || elementCount(shape) !== data.length) {
    const found = `${data.length} elements for shape ${formatShape(shape)}`;
    refuse(`tensor ${quote(name)} has ${found}`, 'Give it as many as its shape.');
  }
  if (!(data instanceof (dtype === 'float32' ? Float32Array : BigInt64Array))) {
    refuse(`tensor ${quote(name)} is ${dtype} but its data is of another type`, 'Convert it.');
  }
}

function checkValue({ name, shape }: OnnxValue): void {
  for (const size of shape) {
    const sound = typeof size === 'string' ? size !== '' : Number.isSafeInteger(size) && size >= 1;
    if (!sound) refuse(`${quote(name)} has a dimension ${quote(String(size))}`, 'Give a size or a symbol.');
  }
}

function checkAttributes({ name, attributes }: OnnxNode): void {
  for (const [key, { type, value }] of Object.entries(attributes)) {
    if (type === 'string') continue;
    const numbers = type === 'ints' ? value : [value];
    if (!numbers.every(type === 'float' ? Number.isFinite : Number.isSafeInteger)) {
      refuse(
        `attribute ${quote(key)} of node ${quote(name)} is ${numbers.join(', ')}`,
        'Give a number that it can hold.',
      );
    }
  }
}

/** Follows the tensors from the inputs and constants through the nodes to the outputs. */
function checkFlow({ nodes, initializers, inputs, outputs }: OnnxGraph): void {
  const known = new Set<string>();
  const produce = (name: string): void => {
    if (name === '' || known.has(name)) refuse(`two tensors are named ${quote(name)}`, 'Rename one.');
    known.add(name);
  };
  const nodeNames = new Set<string>();
  for (const { name } of inputs) produce(name);
  for (const name of initializers.keys()) produce(name);
  for (const { name, inputs: read, outputs: written } of nodes) {
    if (name === '' || nodeNames.has(name)) refuse(`two nodes are named ${quote(name)}`, 'Rename one.');
    nodeNames.add(name);
    const missing = read.find((tensor) => !known.has(tensor));
    if (missing !== undefined)
      refuse(`node ${quote(name)} reads ${quote(missing)}, not yet produced`, 'Reorder the nodes.');
    written.forEach(produce);
  }
  const absent = outputs.find(({ name }) => !known.has(name));
  if (absent) refuse(`nothing produces the output ${quote(absent.name)}`, 'Take it from the outputs.');
}

function checkTexts({ graph, producerName, producerVersion, documentation, metadata }: OnnxModel): void {
  const texts = [producerName, producerVersion, documentation, graph.name, graph.documentation];
  texts.push(...graph.initializers.keys());
  for (const [key, value] of Object.entries(metadata)) texts.push(key, value);
  for (const node of graph.nodes) {
    texts.push(node.name, node.opType, ...node.inputs, ...node.outputs);
    for (const [key, { type, value }] of Object.entries(node.attributes)) {
      texts.push(key);
      if (type === 'string') texts.push(value);
    }
  }
  for (const { name, shape, documentation: text } of [...graph.inputs, ...graph.outputs]) {
    texts.push(name, text, ...shape.filter((size) => typeof size === 'string'));
  }
  const broken = texts.find((text) => !text.isWellFormed());
  if (broken !== undefined) refuse(`text ${quote(broken)} holds half a surrogate pair`, 'Remove it.');
}

/** @throws BneckError 'shape' that says what does not hang together */
export function checkOnnx(model: OnnxModel): void {
  for (const version of [model.irVersion, model.opset]) {
    if (!Number.isSafeInteger(version) || version < 1) refuse(`version ${version}`, 'Give a whole number above 0.');
  }
  checkTexts(model);
  for (const [name, tensor] of model.graph.initializers) checkTensor(name, tensor);
  [...model.graph.inputs, ...model.graph.outputs].forEach(checkValue);
  model.graph.nodes.forEach(checkAttributes);
  checkFlow(model.graph);
}
