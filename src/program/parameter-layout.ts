/**
 * Where a graph's parameters stand in the engine's memory. Trained ones are laid out in one run: weights
 * of convolutions and linear layers first, then batch norm and biases, each in the network's order. What
 * an optimizer treats alike is so a few ranges: two with the usual weight decay, two a depth where
 * learning rates differ by depth. Gradients and optimizer state have the same layout. Running statistics
 * have a run of their own.
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
  /** Bytes from the start that hold weights of convolutions and linear layers. */
  readonly weightBytes: number;
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
  const weights = floats.filter((spec) => spec.trainable && spec.shape.length > 1);
  const others = floats.filter((spec) => spec.trainable && spec.shape.length <= 1);
  const first = place(weights, 0);
  const second = place(others, first.end);
  const running = place(
    floats.filter((spec) => !spec.trainable),
    0,
  );
  return {
    trained: new Map([...first.places, ...second.places]),
    weightBytes: first.end,
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

/** What an optimizer does alike. */
export interface GroupSettings {
  /** Share of the learning rate; 0 for parameters that are not trained. */
  readonly rateShare: number;
  readonly weightDecay: number;
}

/** A range of the run of trained parameters. */
export interface ParameterGroup extends GroupSettings {
  readonly startBytes: number;
  readonly endBytes: number;
}

/**
 * The trained parameters as the fewest ranges of equal settings, in order; those with a share of 0 are
 * left out.
 * @param settingsOf by name, and whether it is a weight of a convolution or linear layer
 */
export function groupParameters(
  layout: ParameterLayout,
  settingsOf: (name: string, isWeight: boolean) => GroupSettings,
): readonly ParameterGroup[] {
  const groups: ParameterGroup[] = [];
  const names = [...layout.trained.keys()];
  names.forEach((name, index) => {
    const { offsetBytes: startBytes } = placementOf(layout.trained, name);
    const next = names[index + 1];
    const endBytes = next === undefined ? layout.trainedBytes : placementOf(layout.trained, next).offsetBytes;
    const settings = settingsOf(name, startBytes < layout.weightBytes);
    const last = groups.at(-1);
    const alike = last?.rateShare === settings.rateShare && last.weightDecay === settings.weightDecay;
    if (last && alike && last.endBytes === startBytes) groups[groups.length - 1] = { ...last, endBytes };
    else if (settings.rateShare !== 0) groups.push({ ...settings, startBytes, endBytes });
  });
  return groups;
}
