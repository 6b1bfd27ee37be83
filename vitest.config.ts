/** Two projects: what runs from its sources, and what needs the packages built first, as users have them. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Hundreds of tests start processes, and most of the processor time of such a process compiles the same modules.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

/**
 * Tests of two minutes and more. Vitest starts the files that took longest first, but where it has no durations, as in a
 * fresh clone, the largest ones: the last of these would then run alone at the end.
 */
const longest = ['own-database', 'hostile-values', 'bounds', 'attacks', 'pictures-and-code', 'outside'].map(
  (name) => `/${name}.test.ts`,
)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification) => longest.some((name) => moduleId.endsWith(name))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))]
  }
}

const findServer = 'packages/troupe/test/postgres/find-server.ts'

export default defineConfig({
  test: {
    // Nothing has state at the top of a module, so files can share what their process has loaded.
    isolate: false,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // The tests spend half of their time waiting, so one more file runs at once than there are cores.
    maxWorkers: availableParallelism() + 1,
    // Machines are shared: what takes a second alone may take many.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // `npm run promises` reads the report of the last run.
    reporters: ['default', 'json'],
    outputFile: { json: 'node_modules/.cache/tests.json' },
    projects: [
      {
        extends: true,
        test: {
          name: 'sources',
          include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts'],
          setupFiles: ['packages/troupe/test/verify-ended-runs.ts'],
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
