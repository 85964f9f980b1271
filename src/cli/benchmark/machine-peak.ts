/**
 * What this machine could do at best, measured with the engine's own kernels: the flops of matrix
 * products whose operands stay in cache, and the bytes of a copy that goes to memory. It is what a
 * kernel's rates are compared with.
 */
import type { Graph, GraphNode } from '../../graph/graph.ts';
import { opOf } from '../../graph/ops/index.ts';
import { kernelNamed } from '../../kernels/table.ts';
import { lowerInference } from '../../program/lower-inference.ts';
import { layoutParameters } from '../../program/parameter-layout.ts';
import { stepBytes } from '../../program/print-program.ts';
import type { Program, Step } from '../../program/program.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import { Engine } from '../../runtime/engine.ts';
import { createThreadPool } from '../../runtime/thread-pool.node.ts';

export interface MachinePeak {
  readonly threads: number;
  /** Floating point operations in billions a second. */
  readonly gflops: number;
  /** Bytes read and written, in billions a second. */
  readonly gigabytesPerSecond: number;
}

/** Rows and channels of the products: 256 KB for each operand, which a core's second-level cache holds. */
const PRODUCT_SIDE = 16;
const PRODUCT_CHANNELS = 256;
const PRODUCTS = 4;
/** Floats of the copied array: 64 MB each for source and target, beyond most caches. */
const COPIED_FLOATS = 2 ** 24;
/** So often are the steps of a program repeated in a run, so that waking the threads is nothing beside them. */
const REPEATS = 8;
/** The best of some runs is the peak: for so long, and so many at least. */
const SECONDS = 0.6;
const LEAST_RUNS = 8;

/** A chain of pointwise convolutions; its input has as many channels as they have. */
function productsGraph(): Graph {
  const nodes: GraphNode[] = [];
  const channels = PRODUCT_CHANNELS;
  let value = 'input';
  const add = (node: GraphNode) => {
    nodes.push(node);
    value = node.output;
  };
  const pointwise = { kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1, bias: false };
  for (let index = 0; index < PRODUCTS; index++) {
    const [conv, norm] = [`product.${index}.0`, `product.${index}.1`];
    const attributes = { inChannels: channels, outChannels: channels, ...pointwise };
    add({ op: 'conv2d', name: conv, inputs: [value], output: conv, attributes });
    const statistics = { channels, epsilon: 1, momentum: 0.1 };
    add({ op: 'batch_norm2d', name: norm, inputs: [value], output: norm, attributes: statistics });
  }
  add({ op: 'global_average_pool2d', name: 'pool', inputs: [value], output: 'pool', attributes: {} });
  const attributes = { inFeatures: channels, outFeatures: 1 };
  add({ op: 'linear', name: 'linear', inputs: [value], output: 'linear', attributes });
  const parameters = nodes.flatMap((node) => opOf(node).parameters(node));
  return { input: 'input', output: value, nodes, parameters };
}

function copyProgram(graph: Graph): Program {
  const builder = new ProgramBuilder(layoutParameters(graph));
  const [x, y] = [builder.port('source', 4 * COPIED_FLOATS), builder.port('target', 4 * COPIED_FLOATS)];
  builder.step('f32_activation_forward', 'copy', { x, y }, { length: COPIED_FLOATS, activation: 0 });
  return builder.finish('inference', true);
}

/** What is run: products of matrices and a copy, for a model of the graph whose weights are zero. */
export function peakPrograms(): { graph: Graph; products: Program; copy: Program } {
  const graph = productsGraph();
  const shape = [1, PRODUCT_CHANNELS, PRODUCT_SIDE, PRODUCT_SIDE];
  return { graph, products: lowerInference(graph, shape, { input: 'floats' }), copy: copyProgram(graph) };
}

/** Billions a second of what `amount` counts in a step, in the best of a few runs. */
async function bestRate(engine: Engine, graph: Graph, program: Program, amount: (step: Step) => number) {
  const steps = Array.from({ length: REPEATS }, () => program.steps).flat();
  const loaded = await engine.load({ ...program, steps }, engine.createModel(graph, null));
  if (program.prepare.length > 0) await loaded.prepare();
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + 1000 * SECONDS;
  for (let run = 0; run < LEAST_RUNS || performance.now() < end; run++) {
    const start = performance.now();
    await loaded.execute(
      () => {},
      () => {},
    );
    best = Math.min(best, performance.now() - start);
  }
  return steps.reduce((sum, step) => sum + amount(step), 0) / best / 1e6;
}

/** @param threads as many as what is compared with the peak ran on */
export async function measurePeak(threads: number): Promise<MachinePeak> {
  const { graph, products, copy } = peakPrograms();
  const flops = ({ kernel, sizes }: Step) => kernelNamed(kernel).kernel.flops(sizes);
  const engine = new Engine(await createThreadPool(threads));
  try {
    return {
      threads,
      gflops: await bestRate(engine, graph, products, flops),
      gigabytesPerSecond: await bestRate(engine, graph, copy, stepBytes),
    };
  } finally {
    await engine.dispose();
  }
}
