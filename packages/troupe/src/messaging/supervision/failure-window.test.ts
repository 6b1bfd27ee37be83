import { expect, it } from 'vitest'
import { createVirtualClock, seededRandom } from '../../core/index.ts'
import { FailureWindow } from './failure-window.ts'

it('Failures within the window lengthen the pause until there are too many; older ones do not count.', async () => {
  const clock = createVirtualClock()
  const backoff = { baseMs: 1_000, maxMs: 8_000 }
  const limits = { withinMs: 60_000, maxRestarts: 2, backoff }
  const failures = new FailureWindow(limits, { clock, random: seededRandom('window') })
  const fail = () => {
    failures.add()
    return failures.pauseMs()
  }
  const [first, second] = [fail() ?? 0, fail() ?? 0]
  expect([first <= 1_100, second <= 2_200]).toEqual([true, true])
  expect([fail(), failures.count]).toEqual([undefined, 3])
  await clock.advance('61s')
  expect([fail() !== undefined, failures.count]).toEqual([true, 1])
})
