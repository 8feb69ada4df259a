// The long forms of the chaos suites: one after the other, since each of them judges a machine under its own load.
import { defineConfig } from 'vitest/config';

const hours = 3_600_000;

export default defineConfig({
  test: {
    include: ['tests/chaos/**/*.test.ts'],
    globalSetup: ['tests/support/cluster.ts'],
    env: { CHAOS: 'long' },
    fileParallelism: false,
    testTimeout: 2 * hours,
    hookTimeout: 120_000,
  },
});
