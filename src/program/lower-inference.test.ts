import { expect, test } from 'vitest';
import { buildGraph } from '../graph/build-graph.ts';
import type { Graph } from '../graph/graph.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { lowerInference } from './lower-inference.ts';
import { validateProgram } from './validate-program.ts';

const graph = buildGraph(mobilenetV3('large'));
const FUSED = /^f32_expand_depthwise_conv_forward__/;

function lower(resolution: number, keep: readonly string[] = [], batch = 1) {
  const program = lowerInference(graph, [batch, 3, resolution, resolution], { input: 'bytes', keep });
  validateProgram(program);
  return program;
}

/** The blocks whose expansion and depthwise convolution are one step. */
function fusedBlocks(program: ReturnType<typeof lower>): number[] {
  return program.steps.filter(({ kernel }) => FUSED.test(kernel)).map(({ label }) => Number(label.split('.')[1]));
}

test('expansions are made with the depthwise convolution behind them, but on few pixels', () => {
  // block 1 has no expansion; 14 and 15 see 3x3 at 96 pixels, 2x2 at 64
  expect(fusedBlocks(lower(96))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(fusedBlocks(lower(64))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
});

test('an expanded map that is to be kept is made by a step of its own', () => {
  const expanded = graph.nodes.find(({ name }) => name === 'features.12.block.0.2')?.output as string;
  const program = lower(224, [expanded]);
  expect(fusedBlocks(program)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15]);
  expect(program.ports[expanded]?.bytes).toBe(4 * 14 * 14 * 672);
});

test('large products on 7x7 pixels and more are made of quarters from four pictures on', () => {
  const quartered = (batch: number) =>
    lower(224, [], batch)
      .steps.filter(({ kernel }) => kernel.endsWith('__strassen'))
      .map(({ label }) => label.replace(/^features\.(\d+)\.block\.(\d)\.0$/, '$1.$2'));
  expect(quartered(3)).toEqual([]);
  // expansions are layers 1 of a block, projections 2 or, behind squeeze-and-excite, 3

  expect(quartered(4).join(' ')).toBe('8.1 9.1 10.1 11.1 11.3 12.1 12.3 13.1 13.3 14.1 14.3 15.1 15.3');
});

test('the last map is averaged where it is made, but a map that is to be kept', () => {
  const pools = (keep: readonly string[]) =>
    lower(224, keep, 8)
      .steps.filter(({ kernel }) => kernel.includes('average_pool'))
      .map(({ label }) => label);
  const last = graph.nodes.find(({ name }) => name === 'features.16.2')?.output as string;
  expect(pools([])).not.toContain('avgpool');
  expect(pools([last])).toContain('avgpool');
});

test('linear layers go through the matrix tiles from four pictures on', () => {
  const kernels = (batch: number) =>
    lower(64, [], batch)
      .steps.filter(({ label }) => label.startsWith('classifier'))
      .map(({ kernel }) => kernel);
  expect(kernels(3)).toEqual(['f32_linear_forward', 'f32_linear_forward']);
  expect(kernels(4)).toEqual(['f32_linear_forward__5x8', 'f32_linear_forward__5x8']);
});

test('the stem reads bytes as they come; other first convolutions have them normalised', () => {
  const first = (model: Graph, input: 'bytes' | 'floats') =>
    lowerInference(model, [1, 3, 64, 64], { input }).steps[0]?.kernel;
  expect(first(graph, 'bytes')).toBe('u8_conv_forward__picture');
  expect(first(graph, 'floats')).toBe('f32_conv_forward__picture');
  const small = buildGraph(mobilenetV3('small', { reduction: 8 }));
  expect(first(small, 'bytes')).toBe('u8_normalize_forward');
  expect(first(small, 'floats')).toBe('f32_conv_forward__patches');
});
