/** Where a training step's time goes. */
import { trainingSession, trainingStep } from '../training.js';
import { nameOf } from '../workloads.js';
import { callCosts, tables } from './costs.js';
import { measureRoofs } from './roofs.js';

const WARM_UP_STEPS = 2;
const MEASURED_STEPS = 5;

/**
 * @param {import('../workloads.js').Workload} workload a training one
 * @param {number} threads
 * @returns {Promise<string>} tables for people; times are those of one step
 */
export async function profileTraining(workload, threads) {
  const roofs = await measureRoofs(threads);
  const session = await trainingSession(workload, threads);
  try {
    const step = trainingStep(workload, session);
    for (let count = 0; count < WARM_UP_STEPS; count++) await step();
    session.program.startProfile();
    const start = performance.now();
    for (let count = 0; count < MEASURED_STEPS; count++) await step();
    const milliseconds = (performance.now() - start) / MEASURED_STEPS;
    const times = session.program.profile().map((sum) => sum / MEASURED_STEPS);
    const { flopsPerSecond, bytesPerSecond } = roofs;
    const calls = callCosts(session.program.program, times, (flops, bytes) =>
      Math.max(flops / flopsPerSecond, bytes / bytesPerSecond),
    );
    const rate = ((workload.batch / milliseconds) * 1000).toFixed(1);
    const memory = (session.memoryBytes / 1e6).toFixed(0);
    return [
      `${nameOf(workload)}, ${threads} threads: ${milliseconds.toFixed(1)} ms a step, ${rate} img/s, ${memory} MB of engine memory`,
      `roofs, measured now: ${(roofs.flopsPerSecond / 1e9).toFixed(1)} GFLOP/s, ${(roofs.bytesPerSecond / 1e9).toFixed(1)} GB/s read and written`,
      '',
      ...tables(calls),
      '',
      'Of roof: the time that the roofs allow, over the time taken. Above 100% the operands came from cache.',
    ].join('\n');
  } finally {
    await session.dispose();
  }
}
