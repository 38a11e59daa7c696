import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The examples import the package by its name, and get the sources. The others are Vite's own defaults.
  ssr: { resolve: { conditions: ['spanflow-source', 'module', 'node', 'development|production'] } },
  test: {
    // Tells, after all tests, which of them had no browser.
    globalSetup: 'test/view/chromium.ts',
    include: ['test/**/*.test.ts', 'marble-tests/**/*.test.ts'],
    // Child processes, sockets and recorded data: generous, and nothing waits for a clock.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
