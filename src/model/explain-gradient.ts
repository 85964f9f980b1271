/**
 * How a class' logit changes with a tensor inside the network: the ops behind the tensor are run
 * forward and backward by their definitions in `graph/ops`, in double precision. That is exact and,
 * behind the last maps, quick; the larger the maps, the longer it takes. The engine itself keeps no
 * gradients of an inference.
 */
import { assert } from '../base/errors.ts';
import type { Graph, GraphNode, TensorName } from '../graph/graph.ts';
import type { ReferenceTensor } from '../graph/op.ts';
import { opOf } from '../graph/ops/index.ts';
import { type ReferenceState, referenceForward } from '../graph/reference.ts';
import { referenceTensor } from '../graph/reference-tensor.ts';

/**
 * The part of a graph that is behind a tensor.
 * @param tensor one that everything behind it follows from, such as the output of a layer
 */
export function graphBehind(graph: Graph, tensor: TensorName): Graph {
  const start = graph.nodes.findIndex(({ output }) => output === tensor);
  assert(start >= 0, `the graph has a tensor ${tensor}`);
  return { ...graph, input: tensor, nodes: graph.nodes.slice(start + 1) };
}

/** An op's own parameters, under their short names. */
function parametersOf(node: GraphNode, state: ReferenceState): Map<string, ReferenceTensor> {
  const names = opOf(node).parameters(node);
  return new Map(names.map(({ name }) => [name.slice(node.name.length + 1), state.get(name) as ReferenceTensor]));
}

function sumOf(some: ReferenceTensor | undefined, other: ReferenceTensor): ReferenceTensor {
  if (some === undefined) return other;
  return referenceTensor(
    other.shape,
    other.data.map((value, index) => value + (some.data[index] as number)),
  );
}

/**
 * The gradient of a logit with respect to a graph's input.
 * @param input one picture's tensor, [1, C, H, W]
 * @returns [1, C, H, W]
 */
export function logitGradient(
  graph: Graph,
  state: ReferenceState,
  input: ReferenceTensor,
  classIndex: number,
): ReferenceTensor {
  const { logits, tensors } = referenceForward(graph, state, input);
  assert(classIndex >= 0 && classIndex < logits.data.length, `class ${classIndex} of ${logits.data.length}`);
  const dLogits = referenceTensor(logits.shape);
  dLogits.data[classIndex] = 1;
  const gradients = new Map<TensorName, ReferenceTensor>([[graph.output, dLogits]]);
  for (const node of graph.nodes.toReversed()) {
    const inputs = node.inputs.map((name) => tensors.get(name) as ReferenceTensor);
    const output = tensors.get(node.output) as ReferenceTensor;
    const dOutput = gradients.get(node.output);
    assert(dOutput, `no gradient reaches ${node.output}`);
    const context = { training: false, seed: 0, step: 0, parameters: parametersOf(node, state) };
    const found = opOf(node).gradient(node, inputs, output, dOutput, context);
    node.inputs.forEach((name, index) => {
      gradients.set(name, sumOf(gradients.get(name), found.inputs[index] as ReferenceTensor));
    });
  }
  return gradients.get(graph.input) as ReferenceTensor;
}
