/**
 * A program that moves the exponential moving average of a model's weights and running statistics: two
 * calls, whatever the network. It is run after those updates that the recipe says.
 */
import type { Graph } from '../graph/graph.ts';
import { layoutParameters } from './parameter-layout.ts';
import type { Program } from './program.ts';
import { ProgramBuilder } from './program-builder.ts';

/** @returns a program with a port `rates` [2]: decay, 1 - decay; with 0 and 1 it copies */
export function lowerAverage(graph: Graph): Program {
  const builder = new ProgramBuilder(layoutParameters(graph));
  const rates = builder.port('rates', 8, 'program');
  for (const { values, averages, floats: length } of builder.averaged()) {
    builder.step('f32_moving_average_update', 'average', { averages, values, rates }, { length });
  }
  return builder.finish('training', true);
}
