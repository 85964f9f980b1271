/** Who reads a tensor: what lowering looks at before it fuses a node with the next. */
import type { Graph, GraphNode, TensorName } from '../graph/graph.ts';

export class Consumers {
  readonly #byTensor = new Map<TensorName, GraphNode[]>();
  readonly #output: TensorName;

  constructor(graph: Graph) {
    this.#output = graph.output;
    for (const node of graph.nodes) {
      for (const input of node.inputs) {
        const list = this.#byTensor.get(input);
        if (list) list.push(node);
        else this.#byTensor.set(input, [node]);
      }
    }
  }

  count(tensor: TensorName): number {
    return (this.#byTensor.get(tensor)?.length ?? 0) + (tensor === this.#output ? 1 : 0);
  }

  /** A reader of this kind among all. */
  find<Op extends GraphNode['op']>(tensor: TensorName, op: Op): Extract<GraphNode, { op: Op }> | null {
    const node = this.#byTensor.get(tensor)?.find((reader) => reader.op === op);
    return (node as Extract<GraphNode, { op: Op }> | undefined) ?? null;
  }

  /** The only reader of a tensor, if it has exactly one and is of this kind. */
  only<Op extends GraphNode['op']>(tensor: TensorName, op: Op): Extract<GraphNode, { op: Op }> | null {
    const [node, ...others] = this.#byTensor.get(tensor) ?? [];
    if (!node || others.length > 0 || tensor === this.#output || node.op !== op) return null;
    return node as Extract<GraphNode, { op: Op }>;
  }
}
