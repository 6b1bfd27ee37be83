import { expect, it } from 'vitest'
import { type Clock, createVirtualClock } from '../index.ts'
import { finishNow, TimeSlice } from './time-slice.ts'

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

it('A slice of time lets macrotasks have their turn while it does long work in parts, and returns the result of the work.', async () => {
  let passedMs = 0
  const clock: Clock = { ...createVirtualClock({ start: 0 }), monotonic: () => passedMs }
  let turns = 0
  function* count() {
    for (let part = 0; part < 100; part++) {
      passedMs += 1
      yield
    }
    return turns
  }
  const tick = () => setImmediate(() => ++turns < 100 && tick())
  tick()
  expect(await new TimeSlice(clock).finish(count())).toBeGreaterThanOrEqual(5)
  expect(finishNow(count())).toBe(turns)
})
