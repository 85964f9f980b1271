/**
 * A network as a function of tfjs tensors, from the nodes of an ONNX file that bneck exported. Maps
 * are NHWC, as tfjs wants them. A ReLU that alone reads a convolution becomes part of it, which is all
 * that tfjs can fuse here; hard-swish is x * (relu6(x + 3) / 6), as in Keras's MobileNetV3. Weights become
 * tensors once, in the layouts of tfjs.
 */

/** @typedef {import('../../src/formats/onnx.ts').OnnxGraph} OnnxGraph */
/** @typedef {import('../../src/formats/onnx.ts').OnnxNode} OnnxNode */
/** @typedef {(values: Map<string, any>) => any} Operation from the tensors so far to the next one */

/** @param {OnnxNode} node @param {string} name @returns {any} */
function attribute(node, name) {
  return node.attributes[name]?.value;
}

/** An array read in another order of its axes. @param {any} tf @param {any} tensor @param {readonly number[]} axes */
function transposed(tf, tensor, axes) {
  return tf.tidy(() => tf.transpose(tensor, axes));
}

/** Makes one operation a node. */
class TfjsOperations {
  /** @param {any} tf @param {OnnxGraph} graph */
  constructor(tf, graph) {
    this.tf = tf;
    this.graph = graph;
  }

  /** A weight as a tensor. @param {string | undefined} name */
  constant(name) {
    const weight = this.graph.initializers.get(name ?? '');
    if (weight === undefined) throw new Error(`the file has no weight ${name}`);
    return this.tf.tensor(weight.data, [...weight.shape]);
  }

  /** @param {OnnxNode} node @param {'linear' | 'relu'} activation @returns {Operation} */
  conv(node, activation) {
    const { tf } = this;
    const [input = '', weightName, biasName] = node.inputs;
    const [pad] = attribute(node, 'pads');
    const depthwise = attribute(node, 'group') > 1;
    const options = {
      filter: transposed(tf, this.constant(weightName), depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]),
      bias: this.constant(biasName),
      strides: attribute(node, 'strides'),
      dilations: attribute(node, 'dilations'),
      pad,
      dimRoundingMode: 'floor',
      activation,
    };
    const convolve = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    return (values) => convolve({ ...options, x: values.get(input) });
  }

  /** @param {OnnxNode} node @returns {Operation} */
  gemm({ inputs: [input = '', weightName, biasName] }) {
    const { tf } = this;
    const options = { b: transposed(tf, this.constant(weightName), [1, 0]), bias: this.constant(biasName) };
    return (values) => tf.fused.matMul({ ...options, a: values.get(input) });
  }

  /** Everything without weights. @param {OnnxNode} node @returns {Operation} */
  plain({ opType, inputs: [first = '', second = ''] }) {
    const { tf } = this;
    const [three, sixth] = [tf.scalar(3), tf.scalar(1 / 6)];
    const hardSigmoid = (/** @type {any} */ x) => tf.mul(tf.relu6(tf.add(x, three)), sixth);
    // Its mean over two axes, which Keras's model has, takes several times as long.
    const globalAveragePool = (/** @type {any} */ x) => tf.avgPool(x, x.shape.slice(1, 3), 1, 'valid');
    /** @type {Record<string, Operation>} */
    const operations = {
      Relu: (values) => tf.relu(values.get(first)),
      HardSigmoid: (values) => hardSigmoid(values.get(first)),
      HardSwish: (values) => tf.mul(values.get(first), hardSigmoid(values.get(first))),
      GlobalAveragePool: (values) => globalAveragePool(values.get(first)),
      Mul: (values) => tf.mul(values.get(first), values.get(second)),
      Add: (values) => tf.add(values.get(first), values.get(second)),
      Flatten: (values) => tf.reshape(values.get(first), [values.get(first).shape[0], -1]),
    };
    const operation = operations[opType];
    if (operation === undefined) throw new Error(`the operator ${opType} has no counterpart in tfjs here`);
    return operation;
  }
}

/**
 * @param {any} tf tfjs with its backend set
 * @param {OnnxGraph} graph maps of one input to one output
 * @returns {(pictures: any) => any} normalised pictures [N, H, W, 3] to logits [N, K]; to be called in tf.tidy
 */
export function tfjsNetwork(tf, graph) {
  const operations = new TfjsOperations(tf, graph);
  const readers = (/** @type {string} */ name) => graph.nodes.filter(({ inputs }) => inputs.includes(name));
  const [input, output] = [graph.inputs[0]?.name ?? '', graph.outputs[0]?.name ?? ''];
  /** @type {{ output: string, operation: Operation }[]} */
  const steps = [];
  /** @type {Set<OnnxNode>} */
  const fused = new Set();
  for (const node of graph.nodes) {
    if (fused.has(node)) continue;
    let [result = ''] = node.outputs;
    const [reader, another] = readers(result);
    const relu = node.opType === 'Conv' && reader?.opType === 'Relu' && another === undefined ? reader : null;
    if (relu !== null) {
      fused.add(relu);
      [result = ''] = relu.outputs;
    }
    const operation =
      node.opType === 'Conv'
        ? operations.conv(node, relu === null ? 'linear' : 'relu')
        : node.opType === 'Gemm'
          ? operations.gemm(node)
          : operations.plain(node);
    steps.push({ output: result, operation });
  }
  return (pictures) => {
    const values = new Map([[input, pictures]]);
    for (const step of steps) values.set(step.output, step.operation(values));
    return values.get(output);
  };
}
