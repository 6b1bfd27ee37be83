/** The range of time of a report, and the intervals of one over time. */
import { invalidInput, show } from '../../../../core/index.ts'

interface Range {
  readonly from?: string
  readonly to?: string
}

/**
 * @param what the method, for errors
 * @param lengthMs the length of the range if `from` is absent
 * @throws ValidationError
 */
export function checkedRange(
  what: string,
  range: Range,
  now: number,
  lengthMs: number,
): { readonly from: number; readonly to: number } {
  const timeOf = (name: 'from' | 'to', otherwise: number) => {
    const text = range[name]
    if (text === undefined) return otherwise
    const at = typeof text === 'string' ? Date.parse(text) : Number.NaN
    if (Number.isNaN(at))
      throw invalidInput(`${what}.${name}`, `it must be a time such as 2026-03-01T08:00:00Z, got ${show(text)}`)
    return at
  }
  const to = timeOf('to', now)
  const from = timeOf('from', to - lengthMs)
  if (to <= from) throw invalidInput(`${what}.to`, 'it must be after from')
  return { from, to }
}

const lengths = { hour: 3_600_000, day: 86_400_000 } as const
const maxIntervals = 1_000

/**
 * @param what the method, for errors
 * @returns the range, of 24 hours by default, and the length of its intervals in ms
 * @throws ValidationError for more than 1,000 intervals
 */
export function checkedIntervals(
  what: string,
  range: Range & { readonly interval?: string },
  now: number,
): { readonly from: number; readonly to: number; readonly length: number } {
  const { interval = 'hour' } = range
  const wrong = (name: string, problem: string) => invalidInput(`${what}.${name}`, problem)
  if (interval !== 'hour' && interval !== 'day') throw wrong('interval', 'it must be hour or day')
  const { from, to } = checkedRange(what, range, now, lengths.day)
  const length = lengths[interval]
  if ((to - from) / length > maxIntervals)
    throw wrong('from', `the range has more than ${maxIntervals} intervals: take a shorter one, or interval day`)
  return { from, to, length }
}
