import { expect, test } from 'vitest';
import { kernelNamed } from '../kernels/table.ts';
import { encodeProgram } from './encode-program.ts';

const KERNEL = 'f32_pointwise_conv_forward__5x8';
const SIZES = {
  rows: 49,
  inChannels: 160,
  outChannels: 960,
  rowsPerImage: 49,
  rowsPerTask: 50,
  columnsPerTask: 64,
  activation: 0,
};

/** The list of what a step's tiles read ahead: [the first tile behind, address, bytes a tile, how far apart]. */
function listOf(ahead: { address: number; bytes: number }[]): number[][] {
  const words = encodeProgram([{ kernel: KERNEL, addresses: {}, sizes: SIZES, ahead }]);
  const [, bytes, , list] = words as unknown as [number, number, number, number];
  expect(words[bytes / 4]).toBe(0);
  if (list === 0) return [];
  const runs = [...words.slice(list / 4, bytes / 4)];
  return Array.from({ length: runs.length / 4 }, (_, run) => runs.slice(4 * run, 4 * run + 4));
}

test('tiles share what a step reads ahead as the parts are large, and stay inside them', () => {
  const { kernel } = kernelNamed(KERNEL);
  expect(kernel.tiles(SIZES)).toBe(15);
  expect(listOf([])).toEqual([]);
  // 20 turns of eight, ten tiles of rows, sixty of columns
  expect(kernel.readsAhead?.(SIZES)).toBe(12000);
  expect(listOf([{ address: 4096, bytes: 120000 }])).toEqual([[15, 4096, 8000, 10]]);
  const parts = [
    { address: 4096, bytes: 400000 },
    { address: 1048576, bytes: 3 },
    { address: 2097152, bytes: 199997 },
  ];
  expect(listOf(parts)).toEqual([
    [10, 4096, 40000, 50],
    [15, 2097152, 39999, 50],
  ]);
});
