import { expect, it, vi } from 'vitest'
import { type Clock, createVirtualClock, systemClock } from '../index.ts'
import { finishNow, TimeSlice } from './time-slice.ts'

it('A slice of time is over after 10 ms, and lets macrotasks have their turn before the next one.', async () => {
  const virtual = createVirtualClock({ start: 0 })
  let passedMs = 0
  const clock: Clock = { ...virtual, monotonic: () => passedMs }
  let turns = 0
  setImmediate(() => turns++)
  const slice = new TimeSlice(clock)
  passedMs = 9
  expect(slice.isOver).toBe(false)
  passedMs = 10
  expect(slice.isOver).toBe(true)
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

it('A slice of time is over after a part of any length, as on a machine whose processors have other work.', async () => {
  let passedMs = 0
  const clock: Clock = { ...createVirtualClock({ start: 0 }), monotonic: () => passedMs }
  const slice = new TimeSlice(clock)
  for (const ms of [150, 1_000, 60_000]) {
    passedMs += ms
    expect([slice.isOver, new TimeSlice(clock).isOver]).toEqual([true, true])
  }
  await slice.renew()
  expect(slice.isOver).toBe(false)
})

it('All loops that run at once share the 10 ms of a macrotask.', async () => {
  let passedMs = 0
  const clock: Clock = { ...createVirtualClock({ start: 0 }), monotonic: () => passedMs }
  const inMacrotask: number[] = []
  let before = 0
  let isDone = false
  const look = () => {
    inMacrotask.push(passedMs - before)
    before = passedMs
    if (!isDone) setImmediate(look)
  }
  setImmediate(look)
  const loop = async () => {
    const slice = new TimeSlice(clock)
    for (let part = 0; part < 8; part++) {
      if (slice.isOver) await slice.renew()
      passedMs += 4
    }
  }
  await Promise.all(Array.from({ length: 20 }, loop))
  isDone = true
  expect(passedMs).toBe(20 * 8 * 4)
  // The time of a macrotask, and the part that went over it, before and after a look.
  expect(Math.max(...inMacrotask)).toBeLessThanOrEqual(2 * (10 + 4))
})

it('A slice of time that is created before a wait begins with its next look.', async () => {
  let passedMs = 0
  const clock: Clock = { ...createVirtualClock({ start: 0 }), monotonic: () => passedMs }
  const slice = new TimeSlice(clock)
  expect(slice.isOver).toBe(false)
  passedMs = 1_000
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(slice.isOver).toBe(false)
  passedMs += 10
  expect(slice.isOver).toBe(true)
})

it('An error at the start of a further slice ends its loop alone.', async () => {
  const clock = createVirtualClock({ start: 0 })
  const fails = new TimeSlice(clock, () => {
    throw new Error('over')
  })
  const renewals = await Promise.allSettled([fails.renew(), new TimeSlice(clock).renew()])
  expect(renewals.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
})

it('A loop goes on although a program replaced the timers while another loop began, and the call of that loop is lost.', async () => {
  const timers = { ...systemClock }
  vi.useFakeTimers()
  new TimeSlice(timers)
  vi.useRealTimers()
  await new TimeSlice(timers).renew()

  vi.useFakeTimers()
  const lost = new TimeSlice(timers)
  const never = lost.renew()
  vi.useRealTimers()
  await new Promise((resolve) => setTimeout(resolve, 150))
  await new TimeSlice(timers).renew()
  await never
})
