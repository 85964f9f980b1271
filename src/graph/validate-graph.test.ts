import { expect, test } from 'vitest';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { buildGraph } from './build-graph.ts';
import type { Graph, GraphNode } from './graph.ts';
import { validateGraph } from './validate-graph.ts';

const graph = buildGraph(mobilenetV3('small', { width: 0.35, classes: 3 }));

/** The graph with one node changed. */
function withNode(index: number, change: Partial<GraphNode>): Graph {
  const nodes = graph.nodes.map((node, i) => (i === index ? ({ ...node, ...change } as GraphNode) : node));
  return { ...graph, nodes };
}

test('a built graph is valid', () => {
  expect(() => validateGraph(graph)).not.toThrow();
});

test.each<[string, RegExp, Graph]>([
  ['a duplicate name', /two nodes are named/, withNode(1, { name: 'features.0.0' })],
  ['a tensor produced twice', /produced twice/, withNode(1, { output: 'features.0.0' })],
  ['an input from nowhere', /before it is produced/, withNode(0, { inputs: ['nowhere'] })],
  ['an input too many', /has 2 inputs/, withNode(0, { inputs: ['input', 'input'] })],
  ['a lost output', /never produced/, { ...graph, output: 'logits' }],
  ['a dead end', /never read/, { ...graph, output: 'features.0.0' }],
  ['a missing parameter', /lists 24\d parameters/, { ...graph, parameters: graph.parameters.slice(1) }],
  ['parameters out of order', /where its node has/, { ...graph, parameters: graph.parameters.toReversed() }],
  [
    'groups that do not divide',
    /groups do not divide/,
    withNode(0, {
      op: 'conv2d',
      attributes: {
        inChannels: 3,
        outChannels: 8,
        kernel: 3,
        stride: 2,
        padding: 1,
        dilation: 1,
        groups: 2,
        bias: false,
      },
    }),
  ],
  [
    'no stride',
    /stride is 0/,
    withNode(0, {
      op: 'conv2d',
      attributes: {
        inChannels: 3,
        outChannels: 8,
        kernel: 3,
        stride: 0,
        padding: 1,
        dilation: 1,
        groups: 1,
        bias: false,
      },
    }),
  ],
  ['no epsilon', /epsilon is 0/, withNode(1, { attributes: { channels: 8, epsilon: 0, momentum: 0.01 } })],
])('%s is found', (_title, message, broken) => {
  expect(() => validateGraph(broken)).toThrow(message);
});
