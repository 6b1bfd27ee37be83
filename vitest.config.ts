/** Two projects: what runs from its sources, and what needs the packages built first, as users have them. */
import { defineConfig } from 'vitest/config'

const findServer = 'packages/troupe/test/postgres/find-server.ts'

export default defineConfig({
  test: {
    pool: 'forks',
    // Machines are shared: what takes a second alone may take many.
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'sources',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          setupFiles: ['packages/troupe/test/replay-ended-runs.ts'],
          globalSetup: [findServer],
        },
      },
      {
        extends: true,
        test: {
          name: 'built',
          include: ['packages/*/test/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'],
          globalSetup: ['scripts/build.ts', findServer],
        },
      },
    ],
  },
})
