import { expect, test } from 'vitest'
import type { SeedReport } from './run-seed.ts'
import { shrinkSeed } from './shrink-seed.ts'

const names = (count: number) => Array.from({ length: count }, (_, n) => `fault ${n}`)
const reportOf = (faults: readonly string[], failed: boolean): SeedReport => ({
  ...{ seed: 'seed-0', digest: 'd', events: 1, simulatedMs: 1, kills: 0, operations: { succeeded: 0, failed: 0 } },
  ...{ faults, tail: [], ...(failed ? { failure: 'it fails' } : {}) },
})

test.each([
  [16, []],
  [16, [5]],
  [17, [0, 16]],
  [40, [3, 4, 21, 39]],
])('shrinkSeed finds the faults that a failure needs: of %i those at %j.', async (count, at) => {
  const needed = at.map((n) => `fault ${n}`)
  let attempts = 0
  const smallest = await shrinkSeed(reportOf(names(count), true), async (only) => {
    attempts++
    return reportOf(
      only,
      needed.every((name) => only.includes(name)),
    )
  })
  expect(smallest?.faults).toEqual(needed)
  expect(attempts).toBeLessThan(60)
})

test('shrinkSeed returns undefined for a seed that does not fail alone, and the best so far without time.', async () => {
  const faults = names(8)
  expect(await shrinkSeed(reportOf(faults, true), async (only) => reportOf(only, false))).toBeUndefined()
  let remaining = 3
  const cut = async (only: readonly string[]) => (remaining-- > 0 ? reportOf(only, only.length > 0) : undefined)
  expect((await shrinkSeed(reportOf(faults, true), cut))?.faults).toHaveLength(4)
})
