/**
 * The weights a run begins with: fresh ones, or those of a model that was trained before. Classes
 * other than that model's get a new last layer; everything below it is taken over.
 * Invariant: every parameter of the architecture is there, with its shape.
 */
import { assert } from '../base/errors.ts';
import { type StateDict, sameShape } from '../base/tensor.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { initialWeights } from '../graph/initial-weights.ts';
import type { ModelFile } from '../model/model-file.ts';
import type { Architecture } from '../models/architecture.ts';

export interface StartingWeights {
  readonly weights: StateDict;
  /** One line: where they come from. */
  readonly reason: string;
}

/**
 * @param architecture as `chooseRecipe` made it from the same `start`
 * @param start the model to take weights from, or null
 * @param seed of the fresh weights
 */
export function startingWeights(
  architecture: Architecture,
  classNames: readonly string[],
  start: ModelFile | null,
  seed: number,
): StartingWeights {
  const graph = buildGraph(architecture);
  const weights = initialWeights(graph, seed);
  if (start === null) return { weights, reason: `fresh weights, seed ${seed}` };
  const sameClasses =
    classNames.length === start.classNames.length && classNames.every((name, at) => name === start.classNames[at]);
  const lastLayer = `${graph.nodes.at(-1)?.name}.`;
  for (const [name, tensor] of start.weights) {
    if (!sameClasses && name.startsWith(lastLayer)) continue;
    const fresh = weights.get(name);
    assert(fresh !== undefined && sameShape(fresh.shape, tensor.shape), `starting weight ${name}`);
    weights.set(name, tensor);
  }
  if (sameClasses) return { weights, reason: 'all weights from the given model, whose classes are the same' };
  const classes = `${classNames.length} classes are not the ${start.classNames.length} of the given model`;
  return { weights, reason: `weights from the given model but for a new last layer, since these ${classes}` };
}
