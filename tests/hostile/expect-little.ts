/** What a hostile file may cost: two seconds, and memory of the order of the file and not of its claims. */
import { expect } from 'vitest';

const MOST_MS = 2000;
const MOST_BYTES = 100e6;
/** Decoders work on other threads, so this one can watch. */
const LOOK_EVERY_MS = 1;

/** Milliseconds of the processor's time since `start`: what else the machine does is not counted. */
function processorMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Runs what must take at most two seconds, and returns or throws what it does. */
export function expectQuick<T>(run: () => T, most = MOST_MS): T {
  const start = process.cpuUsage();
  try {
    return run();
  } finally {
    expect(processorMs(start), 'milliseconds').toBeLessThan(most);
  }
}

/** Runs what must be cheap. */
export async function expectLittle(run: () => Promise<unknown>): Promise<void> {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, LOOK_EVERY_MS);
  const start = process.cpuUsage();
  await run().finally(() => clearInterval(look));
  expect(processorMs(start), 'milliseconds').toBeLessThan(MOST_MS);
  expect(Math.max(most, process.memoryUsage.rss()) - before, 'bytes').toBeLessThan(MOST_BYTES);
}
