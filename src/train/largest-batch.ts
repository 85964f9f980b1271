/** How much of the engine's memory training takes, and the largest batch that fits. */
import { buildGraph } from '../graph/build-graph.ts';
import type { Architecture } from '../models/architecture.ts';
import { lowerAverage } from '../program/lower-average.ts';
import { lowerTraining } from '../program/lower-training.ts';
import type { Program } from '../program/program.ts';

/**
 * Bytes of engine memory that training at this batch takes: with the hungriest optimizer, sums over
 * micro-batches, averages, and scratch memory for `threads`.
 */
export function trainingBytes(architecture: Architecture, resolution: number, batch: number, threads: number): number {
  const graph = buildGraph(architecture);
  const optimizer = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;
  const shape = [batch, 3, resolution, resolution];
  const program = lowerTraining(graph, shape, { input: 'bytes', optimizer, microBatches: 2 });
  const kept = [
    ...program.buffers,
    ...lowerAverage(graph).buffers.filter(({ region }) => region.startsWith('average')),
  ];
  const ofModel = kept.filter(({ region }) => region !== 'arena' && region !== 'program');
  return programBytes(program, threads) + ofModel.reduce((sum, buffer) => sum + buffer.bytes, 0);
}

function programBytes(program: Program, threads: number): number {
  return program.arenaBytes + program.programBytes + program.scratchBytes * threads;
}

/** The largest batch, up to `most`, whose training fits `limitBytes`; 0 if not even 2 pictures do. */
export function largestBatch(
  architecture: Architecture,
  resolution: number,
  most: number,
  limitBytes: number,
  threads = 8,
): number {
  const fits = (batch: number) => trainingBytes(architecture, resolution, batch, threads) <= limitBytes;
  if (fits(most)) return most;
  if (!fits(2)) return 0;
  let [low, high] = [2, most];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
