/**
 * The oracle: a whole graph run forward and backward in double precision, op by op, by the plain loops
 * in `ops/`. Kernels, programs and fusion are judged against it, and it is judged against PyTorch.
 * It is slow on purpose: the engine never calls it. Explanations run the ops behind one tensor with it.
 */
import { assert } from '../base/errors.ts';
import { elementCount } from '../base/tensor.ts';
import type { Graph, GraphNode, TensorName } from './graph.ts';
import { inferShapes } from './infer-shapes.ts';
import type { ReferenceContext, ReferenceTensor } from './op.ts';
import { opOf } from './ops/index.ts';
import { softmaxCrossEntropy } from './ops/softmax-cross-entropy.ts';
import { referenceTensor } from './reference-tensor.ts';

/** Parameters and buffers by their full names, as `referenceState` makes them. */
export type ReferenceState = ReadonlyMap<string, ReferenceTensor>;

export interface ReferenceOptions {
  /** Batch norm by batch statistics, and dropout. Default false. */
  readonly training?: boolean;
  /** The key of dropout's random numbers; both 0 by default. */
  readonly seed?: number;
  readonly step?: number;
}

export interface ReferenceLossOptions extends ReferenceOptions {
  readonly labelSmoothing?: number;
}

export interface ReferenceForward {
  /** [N, K]. */
  readonly logits: ReferenceTensor;
  /** The input and every node's output. */
  readonly tensors: ReadonlyMap<TensorName, ReferenceTensor>;
}

export interface ReferenceStep extends ReferenceForward {
  readonly losses: ReferenceTensor;
  readonly meanLoss: number;
  /** Gradients of the mean loss, by full parameter name; trainable ones only. */
  readonly gradients: ReadonlyMap<string, ReferenceTensor>;
  /** Gradients of the mean loss with respect to every tensor, the input and logits included. */
  readonly tensorGradients: ReadonlyMap<TensorName, ReferenceTensor>;
}

/** What an op sees of the state: its own parameters, under their short names. */
function contextOf(node: GraphNode, state: ReferenceState, options: ReferenceOptions): ReferenceContext {
  const parameters = new Map<string, ReferenceTensor>();
  for (const { name, shape } of opOf(node).parameters(node)) {
    const tensor = state.get(name);
    assert(tensor, `the state has no ${name}`);
    assert(tensor.data.length === elementCount(shape), `${name} has ${tensor.data.length} elements, not [${shape}]`);
    parameters.set(name.slice(node.name.length + 1), tensor);
  }
  return { training: false, seed: 0, step: 0, ...options, parameters };
}

function inputsOf(node: GraphNode, tensors: ReadonlyMap<TensorName, ReferenceTensor>): ReferenceTensor[] {
  return node.inputs.map((name) => {
    const tensor = tensors.get(name);
    assert(tensor, `node ${node.name} reads ${name} before it is produced`);
    return tensor;
  });
}

/**
 * Runs a graph.
 * @param state every parameter; in training, batch norm updates its running statistics in place
 * @param input pictures [N, 3, H, W]
 * @throws BneckError('shape') where the input does not fit
 */
export function referenceForward(
  graph: Graph,
  state: ReferenceState,
  input: ReferenceTensor,
  options: ReferenceOptions = {},
): ReferenceForward {
  const shapes = inferShapes(graph, input.shape);
  const tensors = new Map<TensorName, ReferenceTensor>([[graph.input, input]]);
  for (const node of graph.nodes) {
    const output = opOf(node).forward(node, inputsOf(node, tensors), contextOf(node, state, options));
    assert(output.data.length === elementCount(shapes.get(node.output) ?? []), `${node.name} broke its shape rule`);
    tensors.set(node.output, output);
  }
  return { logits: tensors.get(graph.output) as ReferenceTensor, tensors };
}

function accumulate(gradients: Map<string, ReferenceTensor>, name: string, gradient: ReferenceTensor): void {
  const sum = gradients.get(name);
  if (!sum) gradients.set(name, gradient);
  else
    gradients.set(
      name,
      referenceTensor(
        sum.shape,
        sum.data.map((value, i) => value + (gradient.data[i] as number)),
      ),
    );
}

/**
 * Runs a graph forward, and its mean softmax cross-entropy backward.
 * @param state as in `referenceForward`; running statistics are updated once
 * @param labels N class indices
 * @throws BneckError('shape') or BneckError('data') where input and labels do not fit
 */
export function referenceStep(
  graph: Graph,
  state: ReferenceState,
  input: ReferenceTensor,
  labels: ArrayLike<number>,
  options: ReferenceLossOptions = {},
): ReferenceStep {
  const forward = referenceForward(graph, state, input, options);
  const { losses, dLogits } = softmaxCrossEntropy(forward.logits, labels, options.labelSmoothing);
  const gradients = new Map<string, ReferenceTensor>();
  const tensorGradients = new Map<TensorName, ReferenceTensor>([[graph.output, dLogits]]);
  for (const node of graph.nodes.toReversed()) {
    const output = forward.tensors.get(node.output) as ReferenceTensor;
    const dOutput = tensorGradients.get(node.output);
    assert(dOutput, `no gradient reaches ${node.output}`);
    const inputs = inputsOf(node, forward.tensors);
    const found = opOf(node).gradient(node, inputs, output, dOutput, contextOf(node, state, options));
    found.inputs.forEach((gradient, index) => {
      accumulate(tensorGradients, node.inputs[index] as TensorName, gradient);
    });
    for (const [name, gradient] of found.parameters) gradients.set(`${node.name}.${name}`, gradient);
  }
  const meanLoss = losses.data.reduce((sum, loss) => sum + loss, 0) / losses.data.length;
  return { ...forward, losses, meanLoss, gradients, tensorGradients };
}
