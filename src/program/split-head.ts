/**
 * A network cut in two behind its last average pool: the backbone, which makes features of pictures, and
 * the head, which makes classes of features. Both keep all of the graph's parameters, so that they share
 * the memory of one model. What fine-tuning trains first, and what it trains how fast.
 */
import { assert } from '../base/errors.ts';
import { exp, log } from '../base/math.ts';
import type { Graph } from '../graph/graph.ts';

export interface SplitGraph {
  /** Its output is [N, features]. */
  readonly backbone: Graph;
  /** Its input is the backbone's output. */
  readonly head: Graph;
  readonly features: number;
  readonly isHeadParameter: (name: string) => boolean;
}

export function splitHead(graph: Graph): SplitGraph {
  const cut = graph.nodes.findLastIndex((node) => node.op === 'global_average_pool2d') + 1;
  const pool = graph.nodes[cut - 1];
  assert(pool, 'the network has an average pool');
  const headNodes = graph.nodes.slice(cut);
  const linear = headNodes.find((node) => node.op === 'linear');
  assert(linear?.op === 'linear', 'the head has a linear layer');
  const prefixes = headNodes.map((node) => `${node.name}.`);
  return {
    backbone: { ...graph, nodes: graph.nodes.slice(0, cut), output: pool.output },
    head: { ...graph, nodes: headNodes, input: pool.output },
    features: linear.attributes.inFeatures,
    isHeadParameter: (name) => prefixes.some((prefix) => name.startsWith(prefix)),
  };
}

/** The stages of a network are `features.0`, `features.1`, ... and the head. */
const STAGE = /^features\.(\d+)\./;

/**
 * A parameter's share of the learning rate by its depth: `firstShare` for the first stage, 1 for the head,
 * and a constant factor from each stage to the next.
 * @param firstShare above 0, up to 1
 */
export function rateShareByDepth(graph: Graph, firstShare: number): (name: string) => number {
  const stageOf = (name: string) => {
    const found = STAGE.exec(name)?.[1];
    return found === undefined ? null : Number(found);
  };
  const stages = Math.max(...graph.parameters.map(({ name }) => stageOf(name) ?? -1)) + 1;
  return (name) => {
    const stage = stageOf(name);
    return stage === null ? 1 : exp((log(firstShare) * (stages - stage)) / stages);
  };
}
