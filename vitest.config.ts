import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// What training keeps between runs stays out of the caches of whoever runs the tests.
const cache = mkdtempSync(join(tmpdir(), 'bneck-test-cache-'));
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // vitest leaves one core free, which of two is half of them
    maxWorkers: Math.max(2, availableParallelism() - 1),
    env: { XDG_CACHE_HOME: cache },
    // flags that the tests were started with: wide vectors, on Node 24
    execArgv: process.execArgv,
  },
});
