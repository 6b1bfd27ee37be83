/** A run of forty steps in four branches, killed where a seed chooses, for real and simulated, and carried on each time. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { scenarioOf } from '../reliability/scenarios.ts'
import { Trial } from './crash-trial.ts'

const points = Number(process.env.TROUPE_CRASHES ?? 20)
const perTrial = 12

test(`A process that is killed at ${points} commits loses no acknowledged turn, repeats no at-most-once effect, and corrupts nothing.`, async () => {
  let kills = 0
  let trials = 0
  const one = async () => {
    while (kills < points) {
      const random = seededRandom(`crash ${trials++}`)
      const trial = new Trial()
      try {
        for (let n = 0; n < perTrial && kills < points; n++) {
          // Around the first commits of a process, then in the work of the next few steps. More short processes in
          // succession would end one step five times without a record, which fails it: `step.crashed`.
          const dieAt = Math.floor(n % 3 === 0 ? 12 * random.next() : 12 + 48 * random.next())
          const { killed, ended, lines } = await trial.live({ dieAt })
          if (ended) break
          expect(killed, lines.slice(-3).join(' | ')).toBe(true)
          kills++
        }
        expect(await trial.judge()).toEqual([])
      } finally {
        trial.remove()
      }
    }
  }
  await Promise.all([one(), one()])
  expect(kills).toBeGreaterThanOrEqual(points)
}, 300_000)

test('A process that is killed before each of 30 of its events ends its runs as without kills.', async () => {
  const random = seededRandom('events')
  const seeds = Array.from({ length: 30 }, (_, i) => `kill-${i * 18 + Math.floor(random.next() * 18)}`)
  const report = await harness.simulate({
    scenario: scenarioOf('runs'),
    seeds,
    processes: 2,
    cap: '2m',
    maxEvents: 60_000,
  })
  expect(report.failures.map(({ seed, failure }) => `${seed}: ${failure}`)).toEqual([])
  expect(report.kills).toBeGreaterThan(15)
})
