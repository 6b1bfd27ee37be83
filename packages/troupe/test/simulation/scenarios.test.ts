/** The promises in seeded worlds; some seeds here, as many as wanted by `npm run reliability:simulate -- --seeds 1000`. */
import { expect, test } from 'vitest'
import { harness } from '../reliability/library-under-test.ts'
import { scenarioOf } from '../reliability/scenarios.ts'

/** The first seeds of those that the command has; the cap bounds their time on a slow machine. */
const plans = [
  ['journals', 10, 'journals are written by their newest owner alone, through take-overs and fences'],
  ['shared-state', 5, 'context is linearizable, no update is lost, and mailboxes keep what they accepted, in order'],
  ['runs', 8, 'runs of forty steps end as they would have, and repeat no at-most-once effect'],
  ['models', 5, 'models with parallel tools answer, and no tool acts twice'],
  ['sessions', 7, 'a thread has each acknowledged message once, in order, and no effect of a message happens twice'],
  ['schedules', 5, 'each message, write and manual trigger starts one run, and no effect happens twice'],
  ['workers', 4, 'each message is handled once, in order, or is a dead letter, and no effect happens twice'],
  ['entries', 5, 'sums hold, watchers see the last state of each key, and an erased user has no data'],
  ['frozen', 10, 'owners that stand still until their runs are taken over change nothing when they wake'],
  ['cancelled', 5, 'runs that are cancelled end so, and nothing of them changes afterwards'],
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
    harness.simulate({ scenario: scenarioOf(scenario), seeds: 4, base: 'twice', maxEvents: 60_000 })
  for (const scenario of ['shared-state', 'runs']) {
    const [once, repeated] = await Promise.all([run(scenario), run(scenario)])
    expect(once.seeds.map(({ digest }) => digest)).toEqual(repeated.seeds.map(({ digest }) => digest))
    expect(once.seeds).toHaveLength(4)
  }
})
