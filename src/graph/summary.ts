/**
 * A network at a glance: one row a block, with its output shape, parameters and multiply-adds for one
 * picture. `summarize` gives plain data for reports and programs, `formatSummary` the table that the
 * terminal shows. Counts are the paper's: parameters are the trained ones, multiply-adds those of
 * convolutions and linear layers.
 */
import { elementCount, formatShape, type Shape } from '../base/tensor.ts';
import type { ActivationName, Architecture, BlockRow, ConvRow } from '../models/architecture.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import { resolveNetwork } from '../models/resolve-network.ts';
import { buildGraph } from './build-graph.ts';
import type { Graph, GraphNode } from './graph.ts';
import { countMultiplyAdds, inferShapes } from './infer-shapes.ts';
import { opOf } from './ops/index.ts';

export interface SummaryRow {
  /** torchvision's module path. */
  readonly name: string;
  /** For example `conv 3x3 /2 HS` or `bneck 5x5 /2 SE HS`. */
  readonly kind: string;
  readonly residual: boolean;
  /** Channels inside the block, where it is a bneck. */
  readonly expandedChannels: number | null;
  /** [C, H, W] or [K], for one picture. */
  readonly outputShape: Shape;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

export interface Summary {
  /** The architecture in words. */
  readonly title: string;
  readonly architecture: Architecture;
  /** Height and width of the pictures, in pixels. */
  readonly resolution: number;
  readonly rows: readonly SummaryRow[];
  readonly totalParameters: number;
  readonly totalMultiplyAdds: number;
  /** All weights and running statistics in single precision, in bytes. */
  readonly weightsBytes: number;
}

const ACTIVATION_MARKS: Readonly<Record<ActivationName, string>> = {
  relu: 'RE',
  relu6: 'RE6',
  hard_swish: 'HS',
  hard_sigmoid: 'HSig',
};

function words(...parts: readonly (string | false | null)[]): string {
  return parts.filter((part) => part).join(' ');
}

function convKind(head: string, conv: ConvRow, squeeze: boolean): string {
  return words(
    `${head} ${conv.kernel}x${conv.kernel}`,
    conv.stride > 1 && `/${conv.stride}`,
    conv.dilation > 1 && `dilated ${conv.dilation}`,
    squeeze && 'SE',
    conv.activation && ACTIVATION_MARKS[conv.activation],
  );
}

type RowHead = Pick<SummaryRow, 'name' | 'kind' | 'residual' | 'expandedChannels'>;

/** The rows before anything is counted, each with the module path that its nodes' names start with. */
function rowHeads(architecture: Architecture): RowHead[] {
  const { stem, blocks, lastConv, head } = resolveNetwork(architecture);
  const plain = (name: string, kind: string): RowHead => ({ name, kind, residual: false, expandedChannels: null });
  const block = (row: BlockRow, index: number): RowHead => ({
    name: `features.${index + 1}`,
    kind: convKind('bneck', row.depthwise, row.squeeze !== null),
    residual: row.residual,
    expandedChannels: row.depthwise.outChannels,
  });
  const rows = [
    plain('features.0', convKind('conv', stem, false)),
    ...blocks.map(block),
    plain(`features.${blocks.length + 1}`, convKind('conv', lastConv, false)),
    plain('avgpool', 'average pool'),
  ];
  if (!head.hidden) return [...rows, plain('classifier.1', 'linear')];
  const hidden = head.activation === 'hard_swish' ? 'linear HS' : 'linear RE';
  return [...rows, plain('classifier.0', hidden), plain('classifier.3', 'linear')];
}

function belongsTo(node: GraphNode, row: RowHead): boolean {
  return node.name === row.name || node.name.startsWith(`${row.name}.`);
}

function countParameters(graph: Graph, row: RowHead): number {
  return graph.nodes
    .filter((node) => belongsTo(node, row))
    .flatMap((node) => opOf(node).parameters(node))
    .filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/**
 * Counts a network, block by block.
 * @param resolution height and width of the pictures, in pixels
 * @throws BneckError('option') or BneckError('shape') on an architecture or resolution that cannot be
 */
export function summarize(architecture: Architecture, resolution = 224): Summary {
  const graph = buildGraph(architecture);
  const input = [1, 3, resolution, resolution];
  const shapes = inferShapes(graph, input);
  const multiplyAdds = countMultiplyAdds(graph, input);
  const rows = rowHeads(architecture).map((row): SummaryRow => {
    const nodes = graph.nodes.filter((node) => belongsTo(node, row));
    const shape = shapes.get(nodes.at(-1)?.output ?? '') ?? [];
    return {
      ...row,
      outputShape: shape.slice(1),
      parameters: countParameters(graph, row),
      multiplyAdds: nodes.reduce((sum, { name }) => sum + (multiplyAdds.get(name) ?? 0), 0),
    };
  });
  const floats = graph.parameters.filter(({ dtype }) => dtype === 'float32');
  return {
    title: describeArchitecture(architecture),
    architecture,
    resolution,
    rows,
    totalParameters: rows.reduce((sum, row) => sum + row.parameters, 0),
    totalMultiplyAdds: rows.reduce((sum, row) => sum + row.multiplyAdds, 0),
    weightsBytes: 4 * floats.reduce((sum, { shape }) => sum + elementCount(shape), 0),
  };
}

/** 5483032 as `5,483,032`, the same in every locale. */
function thousands(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

const millions = (count: number): string => (count / 1e6).toFixed(count < 1e8 ? 2 : 1);

/** An aligned table for the terminal: a title, a row a block, totals. Ends without a newline. */
export function formatSummary(summary: Summary): string {
  const { title, resolution, rows, totalParameters, totalMultiplyAdds, weightsBytes } = summary;
  const header = ['module', 'kind', 'expand', 'add', 'output', 'parameters', 'multiply-adds'];
  const body = rows.map((row) => [
    row.name,
    row.kind,
    row.expandedChannels === null ? '' : String(row.expandedChannels),
    row.residual ? '+' : '',
    formatShape(row.outputShape),
    thousands(row.parameters),
    thousands(row.multiplyAdds),
  ]);
  const totals = ['total', '', '', '', '', thousands(totalParameters), thousands(totalMultiplyAdds)];
  const lines = [header, ...body, totals];
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  const leftAligned = 2;
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column < leftAligned ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [
    `${title}, at ${resolution}x${resolution}`,
    '',
    format(header),
    rule,
    ...body.map(format),
    rule,
    format(totals),
    '',
    `${millions(totalParameters)} M parameters (${(weightsBytes / 1e6).toFixed(1)} MB), ${millions(totalMultiplyAdds)} M multiply-adds a picture`,
  ].join('\n');
}
