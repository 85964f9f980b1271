/**
 * How a batch is cut for inference. The first layers' maps of a whole batch leave the caches, so that each layer reads from
 * memory what the one before wrote; their weights are few. So these layers take the batch a few pictures at a time, and
 * what follows, with small maps and large weights, takes it whole. A function of shapes alone.
 */
import type { Shape } from '../base/tensor.ts';
import type { Graph, GraphNode, TensorName } from '../graph/graph.ts';
import { convOutput, type MapShape, rowsOf } from './geometry.ts';

/** Floats that a layer may read and write for a group: half of a second-level cache of 1 MB. */
const GROUP_FLOATS = 131072;
/** Floats of one picture's map from which on the batch goes whole. */
const SMALL_MAP_FLOATS = 16384;
const MOST_GROUPS = 16;
/** What a step of the program ends with: its output is a tensor that can be joined. */
const LAST_OF_A_STEP: ReadonlySet<GraphNode['op']> = new Set(['batch_norm2d', 'activation', 'add']);

export interface PictureGroups {
  /** Nodes, from the first, that take the batch in groups. */
  readonly nodes: number;
  /** Pictures of a group; the last may be smaller. */
  readonly pictures: number;
}

const floatsOf = (map: MapShape) => rowsOf(map) * map.channels;

/** The maps of one picture by tensor; vectors have none. */
function mapShapes(graph: Graph, [, channels, height, width]: Shape): Map<TensorName, MapShape> {
  const maps = new Map<TensorName, MapShape>();
  maps.set(graph.input, { images: 1, channels: channels ?? 0, height: height ?? 0, width: width ?? 0 });
  for (const node of graph.nodes) {
    const input = maps.get(node.inputs[0] as TensorName);
    if (!input || node.op === 'global_average_pool2d') continue;
    maps.set(node.output, node.op === 'conv2d' ? convOutput(node, input) : input);
  }
  return maps;
}

/** The first convolution whose input is small, and all that is read from it on. */
function firstOfSmallMaps(graph: Graph, maps: ReadonlyMap<TensorName, MapShape>): number {
  const lastUse = new Map<TensorName, number>();
  graph.nodes.forEach((node, index) => {
    for (const input of node.inputs) lastUse.set(input, index);
  });
  const alive = new Set<TensorName>([graph.input]);
  let previous: GraphNode | null = null;
  for (const [index, node] of graph.nodes.entries()) {
    for (const tensor of alive) if ((lastUse.get(tensor) ?? 0) < index) alive.delete(tensor);
    const input = maps.get(node.inputs[0] as TensorName);
    const alone = alive.size === 1 && previous?.output === node.inputs[0];
    const starts = node.op === 'conv2d' && previous !== null && LAST_OF_A_STEP.has(previous.op);
    if (starts && alone && input && floatsOf(input) <= SMALL_MAP_FLOATS) return index;
    alive.add(node.output);
    previous = node;
  }
  return 0;
}

/** @param shape [N, 3, H, W] */
export function pictureGroups(graph: Graph, shape: Shape): PictureGroups {
  const images = shape[0] ?? 0;
  const whole = { nodes: 0, pictures: images };
  const maps = mapShapes(graph, shape);
  const nodes = firstOfSmallMaps(graph, maps);
  const sizes = graph.nodes.slice(0, nodes).map((node) => {
    const [input, output] = [maps.get(node.inputs[0] as TensorName), maps.get(node.output)];
    return node.op === 'conv2d' && input && output ? floatsOf(input) + floatsOf(output) : 0;
  });
  const fitting = Math.floor(GROUP_FLOATS / Math.max(1, ...sizes));
  const pictures = Math.max(1, fitting, Math.ceil(images / MOST_GROUPS));
  // operands are aligned to 16 bytes, so a picture has to be
  const aligned = (pictures * floatsOf(maps.get(graph.input) as MapShape)) % 4 === 0;
  return nodes > 0 && pictures < images && aligned ? { nodes, pictures } : whole;
}
