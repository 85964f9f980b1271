/**
 * The weights a run begins with: fresh ones, or those of a model that was trained before. Classes
 * other than that model's get a new last layer; everything below it is taken over.
 * Invariant: every parameter of the architecture is there, with its shape.
 */
import type { StateDict } from '../base/tensor.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { initialWeights } from '../graph/initial-weights.ts';
import type { ModelFile } from '../model/model-file.ts';
import type { Architecture } from '../models/architecture.ts';
import { replaceHead } from '../models/convert-state-dict.ts';

export interface StartingWeights {
  readonly weights: StateDict;
  /** One line: where they come from. */
  readonly reason: string;
}

/** The classes now and those of the given model, where they differ. */
function describeClasses({ length }: readonly string[], start: ModelFile): string {
  const before = start.classNames.length;
  if (length !== before) return `${length} classes in place of ${before}`;
  return start.classNames.every((name, at) => name === String(at))
    ? `the data have ${length} classes, and so has the given model, but without names`
    : `the data have ${length} classes, and so has the given model, but under other names or in another order`;
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
  if (sameClasses) {
    return { weights: start.weights, reason: 'all weights from the given model, whose classes are the same' };
  }
  const joined = replaceHead(start.weights, weights, architecture);
  const kept = joined.weights.size - joined.replaced.length;
  const backbone = `backbone from the given model (${kept} of ${joined.weights.size} tensors)`;
  return { weights: joined.weights, reason: `${backbone}, last layer new: ${describeClasses(classNames, start)}` };
}
