import { describe, expect, it } from 'vitest'
import { type Clock, createVirtualClock } from '../index.ts'
import { WorkTimer } from './work-timer.ts'

/** A clock of a process that can be suspended: its monotonic time goes on, its timers come when it is continued. */
function suspendable() {
  const virtual = createVirtualClock({ start: 0 })
  let suspendedMs = 0
  const clock: Clock = {
    now: () => virtual.now() + suspendedMs,
    monotonic: () => virtual.monotonic() + suspendedMs,
    after: (ms, run, options) => virtual.after(ms, run, options),
    soon: (run) => virtual.soon(run),
  }
  return {
    clock,
    advance: (ms: number) => virtual.advance(`${ms}ms`),
    suspend: (ms: number) => {
      suspendedMs += ms
    },
  }
}

describe('WorkTimer', () => {
  it('A work timer ends after its time of work.', async () => {
    const { clock, advance } = suspendable()
    let ended = 0
    new WorkTimer(clock, 2_500, () => ended++)
    await advance(2_499)
    expect(ended).toBe(0)
    await advance(2)
    expect(ended).toBe(1)
    await advance(10_000)
    expect(ended).toBe(1)
  })

  it('A work timer does not count a suspension of its process.', async () => {
    const { clock, advance, suspend } = suspendable()
    let ended = 0
    const timer = new WorkTimer(clock, 30_000, () => ended++)
    await advance(10_500)
    suspend(600_000)
    await advance(1_000)
    expect(ended).toBe(0)
    expect(timer.leftMs).toBeGreaterThan(18_000)
    await advance(18_000)
    expect(ended).toBe(0)
    await advance(2_000)
    expect(ended).toBe(1)
  })

  it('A work timer shorter than a second does not end by a suspension of its process.', async () => {
    const { clock, advance, suspend } = suspendable()
    let ended = 0
    new WorkTimer(clock, 500, () => ended++)
    await advance(100)
    suspend(600_000)
    await advance(450)
    expect(ended).toBe(0)
    await advance(500)
    expect(ended).toBe(1)
  })

  it('A work timer counts the time in which code keeps the event loop busy.', async () => {
    const { clock, advance, suspend } = suspendable()
    let ended = 0
    new WorkTimer(clock, 4_000, () => ended++)
    suspend(4_500)
    await advance(1_000)
    expect(ended).toBe(1)
  })

  it('A work timer that is stopped never ends, and says what was left.', async () => {
    const { clock, advance } = suspendable()
    let ended = 0
    const timer = new WorkTimer(clock, 3_000, () => ended++)
    await advance(1_200)
    timer.stop()
    await advance(10_000)
    expect([ended, timer.leftMs]).toEqual([0, 1_800])
  })
})
