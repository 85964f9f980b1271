/**
 * Where a graph's parameters stand in the engine's memory. Trained ones are laid out in one run, those
 * that weight decay applies to (weights of convolutions and linear layers) first, so that an optimizer
 * is two kernel calls whatever the network. Gradients and optimizer state have the same layout.
 * Running statistics have a run of their own.
 */
import { assert } from '../base/errors.ts';
import { elementCount } from '../base/tensor.ts';
import type { Graph } from '../graph/graph.ts';

export interface Placement {
  readonly offsetBytes: number;
  /** Elements, without padding. */
  readonly length: number;
}

export interface ParameterLayout {
  readonly trained: ReadonlyMap<string, Placement>;
  /** Bytes from the start that weight decay applies to. */
  readonly decayedBytes: number;
  readonly trainedBytes: number;
  readonly running: ReadonlyMap<string, Placement>;
  readonly runningBytes: number;
}

/** Each parameter starts on a 64-byte boundary; the padding stays zero. */
const PARAMETER_ALIGNMENT = 64;

function place(specs: readonly { name: string; shape: readonly number[] }[], start: number) {
  const places = new Map<string, Placement>();
  let offsetBytes = start;
  for (const { name, shape } of specs) {
    const length = elementCount(shape);
    places.set(name, { offsetBytes, length });
    offsetBytes += Math.ceil((4 * length) / PARAMETER_ALIGNMENT) * PARAMETER_ALIGNMENT;
  }
  return { places, end: offsetBytes };
}

export function layoutParameters(graph: Graph): ParameterLayout {
  const floats = graph.parameters.filter((spec) => spec.dtype === 'float32');
  const decayed = floats.filter((spec) => spec.trainable && spec.shape.length > 1);
  const plain = floats.filter((spec) => spec.trainable && spec.shape.length <= 1);
  const first = place(decayed, 0);
  const second = place(plain, first.end);
  const running = place(
    floats.filter((spec) => !spec.trainable),
    0,
  );
  return {
    trained: new Map([...first.places, ...second.places]),
    decayedBytes: first.end,
    trainedBytes: second.end,
    running: running.places,
    runningBytes: running.end,
  };
}

export function placementOf(places: ReadonlyMap<string, Placement>, name: string): Placement {
  const placement = places.get(name);
  assert(placement, `no parameter named ${name}`);
  return placement;
}
