/** Time in which no process carries a run counts for none of its clocks, wherever the process was killed or suspended. */
import { expect, test } from 'vitest'
import { harness } from '../reliability/library-under-test.ts'

const scenario = new URL('./down-time.scenario.ts', import.meta.url)
const minute = 60_000
const gaps = [10 * minute, 5 * 60 * minute, 4 * 24 * 60 * minute]
const simulate = (seeds: readonly string[]) =>
  harness.simulate({ scenario, seeds, processes: 2, cap: '60s', maxSimulated: '30d' })
const failuresOf = ({ failures }: Awaited<ReturnType<typeof simulate>>) =>
  failures.map(({ seed, failure }) => `${seed}: ${failure}`)

test('A hub-and-spoke run whose process is killed around any commit, and started again minutes, hours or days later, ends with the same result.', {
  timeout: 120_000,
}, async () => {
  const [undisturbed] = (await simulate(['kill-100000-0'])).seeds
  expect(undisturbed?.failure).toBeUndefined()
  // A commit and its answer are two events: each commit loses its process before or after it.
  const events = Array.from({ length: Math.floor((undisturbed?.events ?? 0) / 2) }, (_, i) => 2 * i)
  const report = await simulate(events.map((at, i) => `kill-${at}-${gaps[i % gaps.length]}`))
  expect(failuresOf(report)).toEqual([])
  expect(report.seeds).toHaveLength(events.length)
  expect(report.kills).toBeGreaterThan(events.length / 2)
})

test('A hub-and-spoke run whose process is suspended for minutes, hours or days ends with the same result.', {
  timeout: 120_000,
}, async () => {
  const times = Array.from({ length: 39 }, (_, i) => 500 + i * 1_000)
  const report = await simulate(times.map((at, i) => `freeze-${at}-${gaps[i % gaps.length]}`))
  expect(failuresOf(report)).toEqual([])
})
