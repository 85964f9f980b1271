/**
 * The registry of ops: from a node to the file that says what it means. Adding an op is a node type in
 * `graph.ts`, a file here, and a line below; the type makes the line impossible to forget.
 */
import type { GraphNode } from '../graph.ts';
import type { Op } from '../op.ts';
import { activation } from './activation.ts';
import { add } from './add.ts';
import { batchNorm2d } from './batch-norm2d.ts';
import { conv2d } from './conv2d.ts';
import { dropout } from './dropout.ts';
import { globalAveragePool2d } from './global-average-pool2d.ts';
import { linear } from './linear.ts';
import { scaleChannels } from './scale-channels.ts';

type OpTable = { readonly [Name in GraphNode['op']]: Op<Extract<GraphNode, { op: Name }>> };

const OPS: OpTable = {
  conv2d,
  batch_norm2d: batchNorm2d,
  activation,
  global_average_pool2d: globalAveragePool2d,
  scale_channels: scaleChannels,
  add,
  linear,
  dropout,
};

/** What a node's op means: its shape rule, parameters, cost and reference. */
export function opOf(node: GraphNode): Op {
  // Each table entry takes its own node type; the key makes the pairing right.
  return OPS[node.op] as Op;
}
