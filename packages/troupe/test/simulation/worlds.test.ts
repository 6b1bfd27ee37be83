/** The promises in seeded worlds; some seeds here, as many as wanted by `npm run reliability:simulate`. */
import { expect, test } from 'vitest'
import { harness } from '../reliability/under-test.ts'
import { worldOf } from '../reliability/worlds.ts'

/** About 20 s on two cores; the cap keeps it there on a slower machine. */
const plans = [
  ['journals', 100, 'journals are written by their newest owner alone, through take-overs and fences'],
  ['shared-state', 60, 'context is linearizable, no update is lost, and mailboxes keep what they accepted, in order'],
  ['runs', 60, 'runs of forty steps end as they would have, and repeat no once effect'],
  ['models', 50, 'models with parallel tools answer, and no tool acts twice'],
  ['frozen', 60, 'owners that stand still until their runs are taken over change nothing when they wake'],
  ['cancelled', 50, 'runs that are cancelled end so, and nothing of them changes afterwards'],
] as const

test.for(plans)('%s: in %i seeds, %s', { timeout: 90_000 }, async ([world, seeds]) => {
  const report = await harness.simulate({ world: worldOf(world), seeds, processes: 2, cap: '25s', maxEvents: 60_000 })
  expect(report.failures.map(({ seed, failure }) => `${seed}: ${failure}`)).toEqual([])
  expect(report.seeds.length).toBeGreaterThan(seeds / 4)
  expect(harness.checkShare(report.operations)).toEqual([])
})

test('the real library gives a byte-identical trace for the same seed', async () => {
  const run = (world: string) => harness.simulate({ world: worldOf(world), seeds: 8, base: 'twice', maxEvents: 60_000 })
  for (const world of ['shared-state', 'runs']) {
    const [once, again] = await Promise.all([run(world), run(world)])
    expect(once.seeds.map(({ digest }) => digest)).toEqual(again.seeds.map(({ digest }) => digest))
    expect(once.seeds).toHaveLength(8)
  }
}, 180_000)
