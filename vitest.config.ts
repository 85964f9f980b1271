import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // What training keeps between runs stays out of the caches of whoever runs the tests.
    env: { XDG_CACHE_HOME: join(tmpdir(), 'bneck-test-cache') },
  },
});
