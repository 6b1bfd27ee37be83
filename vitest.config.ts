/** Two projects: what runs from its sources, and what needs the packages built first, as users have them. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'sources', include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'built',
          include: ['packages/*/test/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'],
          globalSetup: ['scripts/build.ts'],
        },
      },
    ],
  },
})
