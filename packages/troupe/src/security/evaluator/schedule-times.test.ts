import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graceMs, type Misfire, maxCatchUp, nextTime, scheduleTimes, type Timing } from './schedule-times.ts'

const at = (text: string) => Date.parse(text)
const iso = (times: readonly number[]) => times.map((time) => new Date(time).toISOString())
const dueTimes = (timing: Timing, first: number, now: number, misfire: Misfire) =>
  scheduleTimes({ timing, first, now, misfire })
function comingTimes(timing: Timing, after: number, count: number): readonly number[] {
  const times: number[] = []
  while (times.length < count) times.push(nextTime(timing, times.at(-1) ?? after) as number)
  return times
}
const berlin = (cron: string): Timing => ({ cron, timeZone: 'Europe/Berlin' })
const newYork = (cron: string): Timing => ({ cron, timeZone: 'America/New_York' })

describe('a time of day', () => {
  it('A time of day that a clock change skips falls due once, at the first moment after the gap.', () => {
    expect(iso(comingTimes(berlin('30 2 * * *'), at('2026-03-28T00:00:00Z'), 3))).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    expect(iso(comingTimes(newYork('30 2 * * *'), at('2026-03-07T12:00:00Z'), 2))).toEqual([
      '2026-03-08T07:00:00.000Z',
      '2026-03-09T06:30:00.000Z',
    ])
  })

  it('A time of day that a clock change repeats falls due once, the first time.', () => {
    expect(iso(comingTimes(berlin('30 2 * * *'), at('2026-10-24T00:00:00Z'), 3))).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
    expect(iso(comingTimes(newYork('30 1 * * *'), at('2026-10-31T12:00:00Z'), 2))).toEqual([
      '2026-11-01T05:30:00.000Z',
      '2026-11-02T06:30:00.000Z',
    ])
  })

  it('Several times of day that a clock change merges fall due once.', () => {
    const days = (cron: string, from: string, count: number) => iso(comingTimes(berlin(cron), at(from), count))
    for (const cron of ['0 2,3 * * *', '0 2-3 * * *', '0 2-3/1 * * *', '0 0 2,3 * * *', '0 0 2,3 * * * 2026'])
      expect(days(cron, '2026-10-24T23:00:00Z', 3), cron).toEqual([
        '2026-10-25T00:00:00.000Z',
        '2026-10-25T02:00:00.000Z',
        '2026-10-26T01:00:00.000Z',
      ])
    expect(days('0 */2 * * *', '2026-10-24T23:00:00Z', 2)).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T03:00:00.000Z',
    ])
    expect(days('30 2,4 * * *', '2026-03-29T00:00:00Z', 3)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T02:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
  })

  it('An hourly or shorter schedule retains its interval across both clock changes.', () => {
    for (const change of ['2026-03-29T00:00:00Z', '2026-10-24T23:00:00Z'])
      for (const [cron, ms] of [
        ['*/20 * * * *', 1_200_000],
        ['0 * * * *', 3_600_000],
        ['0 */1 * * *', 3_600_000],
      ] as const) {
        const times = comingTimes(berlin(cron), at(change), 12)
        expect(times.map((time, i) => time - (times[i - 1] ?? time - ms))).toEqual(times.map(() => ms))
      }
  })
})

describe('due times', () => {
  const cron: Timing = { cron: '0 * * * *', timeZone: 'UTC' }
  const first = at('2026-01-01T00:00:00Z')

  it('Missed times are fired once, all or not at all, as the misfire policy says.', () => {
    const now = at('2026-01-01T05:30:00Z')
    expect(iso(dueTimes(cron, first, now, 'once').fire)).toEqual(['2026-01-01T05:00:00.000Z'])
    expect(dueTimes(cron, first, now, 'once').missed).toEqual({ from: first, to: at('2026-01-01T04:00:00Z') })
    expect(dueTimes(cron, first, now, 'all')).toMatchObject({ fire: { length: 6 } })
    expect(dueTimes(cron, first, now, 'all').missed).toBeUndefined()
    expect(dueTimes(cron, first, now, 'skip')).toEqual({
      fire: [],
      missed: { from: first, to: at('2026-01-01T05:00:00Z') },
      coming: [6, 7, 8, 9, 10].map((hour) => first + hour * 3_600_000),
    })
  })

  it('The misfire policy `all` fires the newest hundred missed times, and reports which ones are left.', () => {
    const now = first + 200 * 3_600_000 + 60_000
    const { fire, missed } = dueTimes(cron, first, now, 'all')
    expect(fire).toHaveLength(maxCatchUp)
    expect(fire.at(-1)).toBe(first + 200 * 3_600_000)
    expect(missed).toEqual({ from: first, to: first + 100 * 3_600_000 })
  })

  it('A schedule with `at` ends after its only time.', () => {
    const once: Timing = { at: first }
    expect(dueTimes(once, first, first + 5, 'skip')).toEqual({ fire: [first], coming: [] })
    expect(dueTimes(once, first, first + graceMs + 1, 'skip')).toMatchObject({ fire: [], missed: { from: first } })
    expect(dueTimes(once, first, first + graceMs + 1, 'once').fire).toEqual([first])
  })

  it('Each time of a schedule falls due once, at whatever moments the schedule is checked.', () => {
    const timings: readonly Timing[] = [
      berlin('*/7 * * * *'),
      newYork('15,45 1-3 * * *'),
      berlin('30 2 * * *'),
      berlin('15 1,2,3 * * *'),
      { everyMs: 431_000, from: at('2026-03-27T13:11:10Z') },
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...timings),
        fc.constantFrom('2026-03-07T05:00:00Z', '2026-03-28T22:00:00Z', '2026-10-24T22:00:00Z'),
        fc.array(fc.integer({ min: 1, max: 5_000_000 }), { minLength: 1, maxLength: 5 }),
        (timing, start, pauses) => {
          const began = nextTime(timing, at(start)) as number
          const fired: number[] = []
          let [due, now] = [began, began]
          for (const pause of pauses) {
            now += pause
            if (due > now) continue
            const found = dueTimes(timing, due, now, 'all')
            expect(found.missed).toBeUndefined()
            fired.push(...found.fire)
            due = found.coming[0] as number
          }
          expect(fired).toEqual(comingTimes(timing, began - 1, fired.length))
          expect(due).toBe(nextTime(timing, now < began ? began - 1 : now))
        },
      ),
      { numRuns: 40 },
    )
  })
})
