/** A server that is stopped at once and started again under load: what was acknowledged is there, and exactly once. */
import { describe, expect, test } from 'vitest'
import { binaries } from './binaries.ts'
import { runRestartTrial } from './restart-trial.ts'

const bin = binaries()
if (!bin) process.stderr.write('skipped: no programs of PostgreSQL\n')
const rounds = 20

describe.skipIf(bin === undefined)('a server that restarts', () => {
  test(`A server that restarts ${rounds} times under 8 writers loses nothing acknowledged and does nothing twice.`, async () => {
    const report = await runRestartTrial(bin as string, rounds)
    process.stderr.write(
      `${report.acknowledged} changes over ${rounds} restarts, the longest took ${report.longest} ms\n`,
    )
    expect(report).toMatchObject({ lost: [], doubled: 0, rejected: [], unacknowledged: [] })
    expect(report.acknowledged).toBeGreaterThan(rounds * 8)
    expect(report.states.at(-1)).toBe('open')
  })
})
