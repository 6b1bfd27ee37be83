import { describe, expect, it } from 'vitest'
import { createIds } from '../ids.ts'
import { sleep, systemClock } from './clock.ts'
import { duration, milliseconds } from './duration.ts'
import { seededRandom, systemRandom } from './random.ts'
import { createVirtualClock } from './virtual-clock.ts'

describe('durations', () => {
  it('A duration needs its unit.', () => {
    expect(['250ms', '1.5s', '2m', '1h', '1d'].map((d) => milliseconds(d, 'ttl'))).toEqual([
      250, 1_500, 120_000, 3_600_000, 86_400_000,
    ])
    for (const bad of [0, 5, '5', '', '1 h', '-1s', 'soon', null, {}, Number.NaN, '1e999d'])
      expect(() => milliseconds(bad, 'The ttl')).toThrow(/The ttl must be a duration/)
  })
  it('A duration is at least as long as its minimum.', () => {
    expect(milliseconds('1s', 'The ttl', '1s')).toBe(1_000)
    expect(() => milliseconds('0ms', 'The ttl', '1ms')).toThrow('The ttl is not valid: it must be at least 1ms.')
    expect(() => milliseconds('999ms', 'The ttl', '1s')).toThrow(/at least 1s/)
  })
  it('A duration is bounded so that its end is a valid date.', () => {
    expect(new Date(Date.now() + 10 * milliseconds('1000000d', 'ttl')).toISOString()).toMatch(/^\+0\d{5}-/)
    for (const bad of ['1000001d', '99999999d', '9007199254740991ms'] as const)
      expect(() => milliseconds(bad, 'The ttl')).toThrow(/The ttl must be a duration/)
  })
  it('A duration is printed in the longest exact unit.', () => {
    expect([0, 1, 1_000, 90_000, 3_600_000, 86_400_000].map(duration)).toEqual(['0ms', '1ms', '1s', '90s', '1h', '1d'])
  })
})

describe('the virtual clock', () => {
  it('The virtual clock rejects an invalid start and unknown options.', () => {
    for (const options of [5, null, { startAt: 5 }, { start: '2026-03-01T00:00:00Z' }, { start: Number.NaN }])
      expect(() => createVirtualClock(options as never), JSON.stringify(options)).toThrow(/irtual ?[cC]lock/)
    expect(createVirtualClock({ start: 5 }).now()).toBe(5)
  })
  it('The virtual clock fires timers in order, those that are set meanwhile too.', async () => {
    const clock = createVirtualClock({ start: 0 })
    const seen: string[] = []
    clock.after(20, () => seen.push(`second at ${clock.now()}`))
    clock.after(10, () => {
      seen.push(`first at ${clock.now()}`)
      clock.after(5, () => seen.push(`nested at ${clock.now()}`))
    })
    const cancel = clock.after(12, () => seen.push('never'))
    cancel()
    await clock.advance('19ms')
    expect(seen).toEqual(['first at 10', 'nested at 15'])
    await clock.advance('1ms')
    expect(seen.at(-1)).toBe('second at 20')
  })
  it('The virtual clock wakes sleepers, and aborts them at once.', async () => {
    const clock = createVirtualClock()
    const awake = sleep(clock, 60_000)
    await clock.advance('1m')
    await awake
    const controller = new AbortController()
    const aborted = sleep(clock, 60_000, controller.signal)
    controller.abort('enough')
    await expect(aborted).rejects.toMatchObject({ name: 'CancelledError', cause: 'enough' })
    await expect(sleep(clock, 1, AbortSignal.abort())).rejects.toThrow(/cancelled/)
  })
})

describe('chance and ids', () => {
  it('A seeded random source repeats itself for its seed alone.', () => {
    const draw = (seed: string) => Array.from({ length: 50 }, seededRandom(seed).next)
    expect(draw('a')).toEqual(draw('a'))
    expect(draw('a')).not.toEqual(draw('b'))
    expect(draw('a').every((x) => x >= 0 && x < 1)).toBe(true)
  })
  it('The ids sort by time and are unique.', () => {
    const clock = createVirtualClock()
    const ids = createIds(clock, systemRandom)
    const early = ids.next()
    expect(new Set(Array.from({ length: 2_000 }, () => ids.next())).size).toBe(2_000)
    expect(createIds(systemClock, systemRandom).next() > early).toBe(true)
    expect(early).toMatch(/^[0-9a-z]{26}$/)
  })
})
