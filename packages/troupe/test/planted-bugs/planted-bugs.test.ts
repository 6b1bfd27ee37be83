/** The trials themselves: they find every defect that is planted in a copy of the library, and nothing in a clean one. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/index.ts'
import { type Bug, bugs } from './bugs.ts'
import { detect, type Verdict } from './detect.ts'
import { misfit, plant } from './plant.ts'

/** How many are planted here; all of them by `npm run reliability:planted`. */
const count = Number(process.env.TROUPE_PLANTED ?? 6)
const random = seededRandom('planted')
const chosen = bugs
  .map((bug) => ({ bug, at: random.next() }))
  .sort((a, b) => a.at - b.at)
  .slice(0, count)
  .map(({ bug }) => bug)

async function judge(edits: Bug['edits'], by: Bug['foundBy'], maxSeeds?: number): Promise<Verdict> {
  const { folder, remove } = plant(edits)
  try {
    return await detect(folder, by, maxSeeds)
  } finally {
    remove()
  }
}

test('The text of every planted defect is found once where it should be.', () => {
  expect(bugs.length).toBeGreaterThanOrEqual(25)
  expect(bugs.flatMap(({ name, edits }) => misfit(edits)?.replace(/^/, `${name}: `) ?? [])).toEqual([])
})

/** That a copy works at all: many seeds of the library itself are the simulation's. */
const cleanSeeds = count < bugs.length ? 15 : undefined

test.concurrent.for(['commits', 'journals', 'shared-state', 'runs'] as const)(
  'The simulation %s finds nothing in a clean copy.',
  { timeout: 120_000 },
  async (scenario, { expect: own }) => {
    own((await judge([], scenario, cleanSeeds)).found).toEqual([])
  },
)

test.concurrent.for(chosen.map((bug) => [bug.name, bug] as const))(
  'The simulation detects a library that %s.',
  { timeout: 120_000 },
  async ([name, { edits, foundBy }], { expect: own, skip }) => {
    const { found, skipped } = await judge(edits, foundBy)
    if (skipped) skip(`${name}: ${skipped}`)
    own(found.length, `${name} was not found by ${foundBy}`).toBeGreaterThan(0)
  },
)
