import { expect, test } from 'vitest'
import { type Clock, createVirtualClock, seededRandom } from '../../../core/index.ts'
import { Wakeups } from './wakeups.ts'

test('Wake-ups come in the order of their times, and those that were replaced or cleared not at all.', async () => {
  const clock = createVirtualClock()
  const wakeups = new Wakeups(clock)
  const random = seededRandom('wakeups')
  const due = new Map<string, number>()
  const came: [string, number][] = []
  const began = clock.monotonic()
  for (let i = 0; i < 2_000; i++) {
    const key = `k${Math.floor(random.next() * 500)}`
    const ms = Math.floor(random.next() * 10_000)
    if (random.next() < 0.2) {
      wakeups.clear(key)
      due.delete(key)
    } else {
      wakeups.set(key, ms, () => came.push([key, clock.monotonic() - began]))
      due.set(key, ms)
    }
  }
  await clock.advance('10s')
  expect(came.map(([, at]) => at)).toEqual([...due.values()].sort((a, b) => a - b))
  expect(new Map(came)).toEqual(due)
})

test('Wake-ups of all runs share one timer, which keeps the process alive as long as one of them asks for it.', () => {
  const armed = new Map<number, boolean>()
  let timers = 0
  const clock = {
    monotonic: () => 0,
    after: (_ms: number, _run: () => void, { background = false } = {}) => {
      const id = ++timers
      armed.set(id, background)
      return () => void armed.delete(id)
    },
  } as unknown as Clock
  const wakeups = new Wakeups(clock)
  for (let i = 0; i < 100; i++) wakeups.set(`k${i}`, 100 + i, () => {})
  expect([...armed.values()]).toEqual([true])
  wakeups.set('kept', 5_000, () => {}, { foreground: true })
  expect([...armed.values()]).toEqual([false])
  wakeups.clear('kept')
  expect([...armed.values()]).toEqual([true])
  wakeups.close()
  expect(armed.size).toBe(0)
})

test('A throttled wake-up comes once for all that asks within its pause, and once more after it.', async () => {
  const clock = createVirtualClock()
  const wakeups = new Wakeups(clock)
  const came: number[] = []
  const began = clock.monotonic()
  for (let i = 0; i < 30; i++) {
    wakeups.setThrottled('run', { inMs: 20, pauseMs: 1_000 }, () => came.push(clock.monotonic() - began))
    await clock.advance('50ms')
  }
  expect(came).toEqual([20, 1_020])
})
