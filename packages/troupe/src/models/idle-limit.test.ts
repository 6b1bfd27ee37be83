import { expect, test } from 'vitest'
import { type Clock, systemClock } from '../core/index.ts'
import { withIdleLimit } from './idle-limit.ts'

test('The limit of a call that was aborted and never settles keeps no process alive.', () => {
  const timers = new Set<{ readonly background: boolean }>()
  const clock: Clock = {
    ...systemClock,
    after(_ms, _run, { background = false } = {}) {
      const timer = { background }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  }
  const caller = new AbortController()
  void withIdleLimit(
    { clock, limitMs: 300_000, model: 'mock/mock', signal: caller.signal },
    () => new Promise(() => {}),
  )
  expect([...timers]).toEqual([{ background: false }])
  caller.abort()
  expect([...timers]).toEqual([{ background: true }])
})
