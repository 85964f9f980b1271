/** What a hostile file may cost: two seconds, and memory of the order of the file and not of its claims. */
import { expect } from 'vitest';

const MOST_MS = 2000;
const MOST_BYTES = 100e6;
/** Decoders work on other threads, so this one can watch. */
const LOOK_EVERY_MS = 1;

/** Runs what must take at most two seconds, and returns or throws what it does. */
export function expectQuick<T>(run: () => T, most = MOST_MS): T {
  const start = performance.now();
  try {
    return run();
  } finally {
    expect(performance.now() - start, 'milliseconds').toBeLessThan(most);
  }
}

/** Runs what must be cheap. */
export async function expectLittle(run: () => Promise<unknown>): Promise<void> {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, LOOK_EVERY_MS);
  const start = performance.now();
  await run().finally(() => clearInterval(look));
  expect(performance.now() - start, 'milliseconds').toBeLessThan(MOST_MS);
  expect(Math.max(most, process.memoryUsage.rss()) - before, 'bytes').toBeLessThan(MOST_BYTES);
}
