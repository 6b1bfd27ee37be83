import { expect, test } from 'vitest'
import { seededRandom } from '../../../core/index.ts'
import { backoffMs, pause } from './deadline.ts'

test('The waits of a backoff double up to a bound, and differ for two clients of the same server.', () => {
  const waits = (seed: number) => {
    const random = seededRandom(seed)
    return [0, 1, 2, 3, 10].map((attempt) => backoffMs(attempt, { first: 100, last: 1_000 }, random))
  }
  for (let seed = 0; seed < 100; seed++)
    waits(seed).forEach((wait, i) => {
      const middle = [100, 200, 400, 800, 1_000][i] as number
      expect(wait).toBeGreaterThanOrEqual(middle / 2)
      expect(wait).toBeLessThan(middle * 1.5)
    })
  expect(new Set(Array.from({ length: 100 }, (_, seed) => waits(seed)[0])).size).toBe(100)
})

test('A pause ends when its signal aborts, and leaves no timer that keeps the process alive.', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const stopping = new AbortController()
  const paused = pause(60_000, stopping.signal)
  expect(timers()).toBe(before + 1)
  stopping.abort()
  await paused
  expect(timers()).toBe(before)
})
