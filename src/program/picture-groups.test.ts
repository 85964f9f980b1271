import { describe, expect, test } from 'vitest';
import { buildGraph } from '../graph/build-graph.ts';
import { mobilenetV2 } from '../models/mobilenet-v2.ts';
import { mobilenetV3 } from '../models/mobilenet-v3.ts';
import { lowerInference } from './lower-inference.ts';
import { pictureGroups } from './picture-groups.ts';
import type { Step } from './program.ts';
import { validateProgram } from './validate-program.ts';

const large = buildGraph(mobilenetV3('large'));
const networks = [
  ['large', large],
  ['small', buildGraph(mobilenetV3('small', { width: 0.35 }))],
  ['wide', buildGraph(mobilenetV3('large', { width: 1.25 }))],
  ['small pictures', buildGraph(mobilenetV3('small', { reduction: 8 }))],
  ['v2', buildGraph(mobilenetV2())],
] as const;

describe('a batch in groups', () => {
  test.each(networks)('%s: every size gives a valid program', (_, graph) => {
    for (const resolution of [32, 75, 96, 97, 160, 224, 256]) {
      for (const images of [2, 5, 40]) {
        const shape = [images, 3, resolution, resolution];
        for (const input of ['bytes', 'floats'] as const) validateProgram(lowerInference(graph, shape, { input }));
        const { nodes, pictures } = pictureGroups(graph, shape);
        expect(pictures).toBeGreaterThanOrEqual(1);
        expect(pictures).toBeLessThanOrEqual(images);
        expect(Math.ceil(images / pictures)).toBeLessThanOrEqual(16);
        expect(nodes > 0).toBe(pictures < images);
      }
    }
  });

  test('large maps go picture by picture up to the last block of 28x28', () => {
    const { nodes, pictures } = pictureGroups(large, [8, 3, 224, 224]);
    expect(pictures).toBe(1);
    expect(large.nodes[nodes]?.name).toBe('features.8.block.0.0');
  });

  test('one picture, and pictures that a whole batch of fits, go whole', () => {
    expect(pictureGroups(large, [1, 3, 224, 224])).toEqual({ nodes: 0, pictures: 1 });
    expect(pictureGroups(networks[1][1], [2, 3, 32, 32])).toEqual({ nodes: 0, pictures: 2 });
  });

  test('what is prepared is prepared once', () => {
    const few = lowerInference(large, [4, 3, 224, 224], { input: 'bytes' });
    const many = lowerInference(large, [8, 3, 224, 224], { input: 'bytes' });
    expect(many.prepare.length).toBe(few.prepare.length);
    expect(many.programBytes).toBe(few.programBytes);
  });

  test('of many pictures, linear layers are prepared besides what one needs, and sums of weights', () => {
    const sums = ({ kernel }: Step) => kernel === 'f32_strassen_weight_sums_forward';
    const programs = [1, 8].map((batch) => lowerInference(large, [batch, 3, 224, 224], { input: 'bytes' }).prepare);
    expect(programs.map((prepare) => prepare.filter(sums).length)).toEqual([0, 5]);
    const [one, many] = programs.map((prepare) => prepare.filter((step) => !sums(step))) as [Step[], Step[]];
    const labels = new Set(one.map(({ label }) => label));
    const more = many.filter(({ label }) => !labels.has(label));
    expect(many.length - more.length).toBe(one.length);
    expect(more.map(({ kernel }) => kernel)).toEqual(Array(more.length).fill('f32_pack_panels_forward'));
    expect(more.map(({ label }) => label).filter((label) => !/^classifier|\.fc[12]$/.test(label))).toEqual([]);
  });
});
