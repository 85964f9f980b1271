/**
 * Checks that a graph is what `graph.ts` says a graph is. Every test that makes a graph calls it, and
 * so may whoever rewrites one. A failure is a defect of bneck, not of its user, hence assertions.
 */
import { assert } from '../base/errors.ts';
import { formatShape, sameShape } from '../base/tensor.ts';
import type { Conv2dAttributes, Graph, GraphNode, TensorName } from './graph.ts';
import { opOf } from './ops/index.ts';

const INPUT_COUNTS: Readonly<Record<GraphNode['op'], number>> = {
  conv2d: 1,
  batch_norm2d: 1,
  activation: 1,
  global_average_pool2d: 1,
  scale_channels: 2,
  add: 2,
  linear: 1,
  dropout: 1,
};

function checkPositiveIntegers(name: string, sizes: Readonly<Record<string, number>>): void {
  for (const [attribute, size] of Object.entries(sizes)) {
    assert(
      Number.isSafeInteger(size) && size >= 1,
      `node ${name}: ${attribute} is ${size}, not a whole number above 0`,
    );
  }
}

function checkConv2d(name: string, attributes: Conv2dAttributes): void {
  const { inChannels, outChannels, groups, kernel, stride, dilation, padding } = attributes;
  checkPositiveIntegers(name, { inChannels, outChannels, groups, kernel, stride, dilation });
  assert(Number.isSafeInteger(padding) && padding >= 0, `node ${name}: padding is ${padding}`);
  assert(
    inChannels % groups === 0 && outChannels % groups === 0,
    `node ${name}: ${groups} groups do not divide ${inChannels} and ${outChannels} channels`,
  );
}

function checkAttributes(node: GraphNode): void {
  const { name } = node;
  if (node.op === 'conv2d') checkConv2d(name, node.attributes);
  if (node.op === 'linear') checkPositiveIntegers(name, { ...node.attributes });
  if (node.op === 'batch_norm2d') {
    const { channels, epsilon, momentum } = node.attributes;
    checkPositiveIntegers(name, { channels });
    assert(epsilon > 0, `node ${name}: epsilon is ${epsilon}, which lets a division by 0 through`);
    assert(momentum >= 0 && momentum <= 1, `node ${name}: momentum is ${momentum}, not from 0 to 1`);
  }
  if (node.op === 'dropout') {
    const { probability } = node.attributes;
    assert(probability >= 0 && probability < 1, `node ${name}: probability is ${probability}, not in [0, 1)`);
  }
}

/** Names are unique, inputs are produced before they are read, and nothing is produced in vain. */
function checkFlow({ input, output, nodes }: Graph): void {
  const names = new Set<string>();
  const produced = new Set<TensorName>([input]);
  const read = new Set<TensorName>([output]);
  for (const node of nodes) {
    assert(!names.has(node.name), `two nodes are named ${node.name}`);
    assert(!produced.has(node.output), `tensor ${node.output} is produced twice, again by node ${node.name}`);
    const needed = INPUT_COUNTS[node.op];
    assert(
      node.inputs.length === needed,
      `node ${node.name} has ${node.inputs.length} inputs, ${node.op} takes ${needed}`,
    );
    for (const name of node.inputs) {
      assert(produced.has(name), `node ${node.name} reads ${name} before it is produced`);
      read.add(name);
    }
    names.add(node.name);
    produced.add(node.output);
  }
  assert(produced.has(output), `the output ${output} is never produced`);
  for (const name of produced) assert(read.has(name), `tensor ${name} is produced but never read`);
}

/** The graph's parameters are its nodes' parameters, in order. */
function checkParameters({ nodes, parameters }: Graph): void {
  const declared = nodes.flatMap((node) => opOf(node).parameters(node));
  assert(
    parameters.length === declared.length,
    `the graph lists ${parameters.length} parameters, its nodes have ${declared.length}`,
  );
  const names = new Set<string>();
  declared.forEach(({ name, shape, dtype, trainable }, index) => {
    const listed = parameters[index];
    assert(listed?.name === name, `parameter ${index} is ${listed?.name}, where its node has ${name}`);
    assert(!names.has(name), `two parameters are named ${name}`);
    names.add(name);
    assert(
      sameShape(listed.shape, shape) && listed.dtype === dtype && listed.trainable === trainable,
      `parameter ${name} is listed as ${listed.dtype} ${formatShape(listed.shape)}, its node has ${dtype} ${formatShape(shape)}`,
    );
    checkPositiveIntegers(name, Object.fromEntries(shape.map((size, axis) => [`axis ${axis}`, size])));
  });
}

/** @throws Error naming the broken invariant */
export function validateGraph(graph: Graph): void {
  checkFlow(graph);
  graph.nodes.forEach(checkAttributes);
  checkParameters(graph);
}
