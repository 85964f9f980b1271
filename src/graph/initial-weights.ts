/**
 * Fresh weights for a graph: torchvision's distributions, our own random numbers. Each parameter has
 * a stream of its own, keyed by the seed and its place in the graph, so equal seeds give equal bits
 * on any machine.
 */

import { RandomStream } from '../base/random.ts';
import { elementCount, float32Tensor, type StateDict } from '../base/tensor.ts';
import type { Graph, Initializer } from './graph.ts';

function fill(data: Float32Array | BigInt64Array, initializer: Initializer, stream: RandomStream): void {
  if (data instanceof BigInt64Array) {
    data.fill(initializer.kind === 'constant' ? BigInt(initializer.value) : 0n);
  } else if (initializer.kind === 'constant') {
    data.fill(initializer.value);
  } else {
    // Storing rounds to single precision.
    for (let i = 0; i < data.length; i++) data[i] = initializer.deviation * stream.normal();
  }
}

/**
 * All parameters and buffers of a graph, in its order.
 * Convolutions: normal, deviation sqrt(2 / (O K K)) (Kaiming, fan out); linear: normal, deviation
 * 0.01; biases 0; batch norm 1 and 0, running mean 0, running variance 1.
 * Source: the constructors in torchvision `models/mobilenetv3.py` and `mobilenetv2.py`.
 * @param seed an integer in [0, 2^32)
 */
export function initialWeights(graph: Graph, seed: number): StateDict {
  const state: StateDict = new Map();
  graph.parameters.forEach(({ name, shape, dtype, initializer }, index) => {
    const tensor =
      dtype === 'float32' ? float32Tensor(shape) : { dtype, shape, data: new BigInt64Array(elementCount(shape)) };
    fill(tensor.data, initializer, new RandomStream(seed, 'initialWeights', index));
    state.set(name, tensor);
  });
  return state;
}
