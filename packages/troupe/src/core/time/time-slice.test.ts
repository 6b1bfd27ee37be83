import { expect, it } from 'vitest'
import { type Clock, createVirtualClock } from '../index.ts'
import { TimeSlice } from './time-slice.ts'

it('A slice of time is over after 10 ms, and lets macrotasks have their turn before the next one.', async () => {
  const virtual = createVirtualClock({ start: 0 })
  let passedMs = 0
  const clock: Clock = { ...virtual, monotonic: () => passedMs }
  const slice = new TimeSlice(clock)
  passedMs = 9
  expect(slice.isOver).toBe(false)
  passedMs = 10
  expect(slice.isOver).toBe(true)
  let turns = 0
  setImmediate(() => turns++)
  await slice.renew()
  expect([turns, slice.isOver]).toEqual([1, false])
})
