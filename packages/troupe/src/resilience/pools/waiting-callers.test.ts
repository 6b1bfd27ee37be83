import { expect, test } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { WaitingCallers } from './waiting-callers.ts'

function waiting() {
  const clock = createVirtualClock()
  const callers = new WaitingCallers<string>()
  const wait = (ms: number, signal?: AbortSignal) =>
    callers.wait({
      clock,
      until: clock.monotonic() + ms,
      signal,
      what: 'Waiting',
      timedOut: () => new Error('too late'),
    })
  return { clock, callers, wait }
}

test('Waiting callers are served in the order in which they came.', async () => {
  const { callers, wait } = waiting()
  const served = Promise.all([wait(10), wait(10)])
  expect(callers.size).toBe(2)
  expect([callers.serve('a'), callers.serve('b'), callers.serve('c')]).toEqual([true, true, false])
  expect(await served).toEqual(['a', 'b'])
})

test('A waiting caller whose time is over is not served.', async () => {
  const { clock, callers, wait } = waiting()
  const late = expect(wait(10)).rejects.toThrow('too late')
  const second = wait(20)
  await clock.advance('10ms')
  await late
  expect(callers.serve('a')).toBe(true)
  expect(await second).toBe('a')
})

test('A waiting caller whose signal aborts leaves at that moment.', async () => {
  const { callers, wait } = waiting()
  const abort = new AbortController()
  const cancelled = expect(wait(10, abort.signal)).rejects.toMatchObject({ code: 'cancelled' })
  abort.abort()
  expect(callers.serve('a')).toBe(false)
  await cancelled
  await expect(wait(10, abort.signal)).rejects.toMatchObject({ code: 'cancelled' })
  expect(callers.size).toBe(0)
})

test('Waiting callers are rejected together.', async () => {
  const { callers, wait } = waiting()
  const rejected = expect(wait(10)).rejects.toThrow('closed')
  callers.rejectAll(new Error('closed'))
  await rejected
  expect(callers.size).toBe(0)
})
