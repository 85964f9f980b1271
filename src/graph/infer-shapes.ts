/**
 * The shape of every tensor of a graph for one input shape, by walking its nodes in order. What
 * plans memory, counts work or checks a picture's size asks here; the rules themselves stand in the
 * ops. Shapes are NCHW.
 */
import { assert, BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type Shape } from '../base/tensor.ts';
import type { Graph, GraphNode, TensorName } from './graph.ts';
import { opOf } from './ops/index.ts';

/** The shapes of a node's inputs, which must stand in `shapes`. */
function inputShapes(node: GraphNode, shapes: ReadonlyMap<TensorName, Shape>): Shape[] {
  return node.inputs.map((name) => {
    const shape = shapes.get(name);
    assert(shape, `node ${node.name} reads ${name} before it is produced`);
    return shape;
  });
}

/**
 * @param inputShape [N, C, H, W] of the pictures
 * @returns a shape for the input and for each node's output, in execution order
 * @throws BneckError('shape') where the input does not fit the network
 */
export function inferShapes(graph: Graph, inputShape: Shape): Map<TensorName, Shape> {
  const whole = inputShape.every((size) => Number.isSafeInteger(size) && size >= 1);
  if (inputShape.length !== 4 || !whole || !Number.isSafeInteger(elementCount(inputShape))) {
    throw new BneckError(
      'shape',
      `The input must have the shape [N, C, H, W] of whole numbers above 0, not ${formatShape(inputShape)}.`,
    );
  }
  const shapes = new Map<TensorName, Shape>([[graph.input, inputShape]]);
  for (const node of graph.nodes) {
    shapes.set(node.output, opOf(node).outputShape(node, inputShapes(node, shapes)));
  }
  return shapes;
}

/** Multiply-adds of one forward pass over a whole batch, by node name; 0 for what the paper does not count. */
export function countMultiplyAdds(graph: Graph, inputShape: Shape): Map<string, number> {
  const shapes = inferShapes(graph, inputShape);
  return new Map(
    graph.nodes.map((node) => {
      const output = shapes.get(node.output);
      assert(output, `node ${node.name} has no shape`);
      return [node.name, opOf(node).multiplyAdds(node, inputShapes(node, shapes), output)];
    }),
  );
}
