/** The promises in seeded worlds; some seeds here, as many as wanted by `npm run reliability:simulate`. */
import { expect, test } from 'vitest'
import { harness } from '../reliability/library-under-test.ts'
import { scenarioOf } from '../reliability/scenarios.ts'

/** About 12 s each on two idle cores; the cap keeps it near there on a slower machine. */
const plans = [
  ['journals', 40, 'journals are written by their newest owner alone, through take-overs and fences'],
  ['shared-state', 30, 'context is linearizable, no update is lost, and mailboxes keep what they accepted, in order'],
  ['runs', 40, 'runs of forty steps end as they would have, and repeat no at-most-once effect'],
  ['models', 20, 'models with parallel tools answer, and no tool acts twice'],
  ['sessions', 30, 'a thread has each acknowledged message once, in order, and no effect of a message happens twice'],
  ['schedules', 20, 'each message, write and manual trigger starts one run, and no effect happens twice'],
  ['workers', 12, 'each message is handled once, in order, or is a dead letter, and no effect happens twice'],
  ['entries', 20, 'sums hold, watchers see the last state of each key, and an erased user has no data'],
  ['frozen', 40, 'owners that stand still until their runs are taken over change nothing when they wake'],
  ['cancelled', 20, 'runs that are cancelled end so, and nothing of them changes afterwards'],
] as const

test.for(plans)('The simulation %s holds in %i seeds, %s.', async ([scenario, seeds]) => {
  const report = await harness.simulate({
    scenario: scenarioOf(scenario),
    seeds,
    processes: 2,
    cap: '60s',
    maxEvents: 60_000,
  })
  expect(report.failures.map(({ seed, failure }) => `${seed}: ${failure}`)).toEqual([])
  expect(report.seeds.length).toBeGreaterThan(seeds / 4)
  expect(harness.checkShare(report.operations)).toEqual([])
})

test('The real library gives a byte-identical trace for the same seed.', async () => {
  const run = (scenario: string) =>
    harness.simulate({ scenario: scenarioOf(scenario), seeds: 8, base: 'twice', maxEvents: 60_000 })
  for (const scenario of ['shared-state', 'runs']) {
    const [once, repeated] = await Promise.all([run(scenario), run(scenario)])
    expect(once.seeds.map(({ digest }) => digest)).toEqual(repeated.seeds.map(({ digest }) => digest))
    expect(once.seeds).toHaveLength(8)
  }
})
