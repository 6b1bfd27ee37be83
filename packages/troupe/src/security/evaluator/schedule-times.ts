/**
 * Computes the due times of a schedule from given times: `croner` finds the times of a cron text and starts no timer.
 *
 * If clocks are put forward, a time of day that does not exist is due at the end of the gap. If they are put back, a time that
 * occurs twice is due the first time. Schedules that repeat each hour or more often keep their interval in both cases.
 *
 * The search is limited to the years near the given time, in which each date that comes at all comes. The thread of the
 * evaluator searches for the times of a cron text that a caller wrote, and the main thread for those of the application.
 */
import { Cron } from 'croner'

export type Timing =
  | { readonly cron: string; readonly timeZone: string }
  /** The start of the interval, ms since 1970. */
  | { readonly everyMs: number; readonly from: number }
  | { readonly at: number }

/** The rule for missed times: no run, one run for all of them, or one run for each. */
export type Misfire = 'skip' | 'once' | 'all'

export interface DueTimes {
  /** The times that start runs, in order, ms since 1970. */
  readonly fire: readonly number[]
  /** The first and the last of the times that start no run. */
  readonly missed?: { readonly from: number; readonly to: number }
  /** The next times, at most five, in order; empty if there are none. */
  readonly coming: readonly number[]
}

/** A question about the times of a schedule. */
export interface TimesQuery {
  readonly timing: Timing
  /** The time of the question, ms since 1970. */
  readonly now: number
  /** The earliest time that was not processed, at most `now`; without it only the coming times are wanted. */
  readonly first?: number
  readonly misfire?: Misfire
}

/** A time that is processed later than this, in ms, counts as missed. */
export const graceMs = 10_000
/** The number of the newest missed times for which `all` starts runs. */
export const maxCatchUp = 100
/** The number of coming times that readers of a schedule see. */
const shown = 5

const [firstYear, lastYear] = [1970, 2199]
/** 29 February comes on a given weekday within 40 years, also across 2100. A year may begin earlier in the time zone. */
const searchedYears = 42
const yearsForm = /^(?:[*?]|(?:19[7-9]|2[01]\d)\d(?:-(?:19[7-9]|2[01]\d)\d(?:\/\d+)?)?)$/

/** @throws the error of `croner` for an invalid text, and an error for one that would be searched for too long */
export function checkCron(cron: string, timeZone: string): void {
  const [, , , day = '', , dayOfWeek = '', years = '*'] = fieldsOf(cron) ?? []
  if (!years.split(',').every((part) => yearsForm.test(part)))
    throw new Error(`a year must be * or from ${firstYear} to ${lastYear}`)
  // Such dates may never come. Without them, a day of the month that is also a given weekday comes within 11 years.
  if (dayOfWeek.startsWith('+') && (/[wl]|29|3[01]/i.test(day) || /[#l]/i.test(dayOfWeek)))
    throw new Error('+ before a day of the week excludes W, L, # and days after the 28th')
  new Cron(cron, optionsOf(timeZone))
}

/** @returns the first time strictly after the given one */
export function nextTime(timing: Timing, after: number): number | undefined {
  if ('at' in timing) return timing.at > after ? timing.at : undefined
  if ('everyMs' in timing) {
    const { everyMs, from } = timing
    return after < from + everyMs ? from + everyMs : from + (Math.floor((after - from) / everyMs) + 1) * everyMs
  }
  return cronNear(timing, after, 1)?.nextRun(new Date(after))?.getTime()
}

/** Returns at most `count` times strictly after the given one. */
function comingTimes(timing: Timing, after: number, count: number): readonly number[] {
  const times: number[] = []
  while (times.length < count) {
    const next = nextTime(timing, times.at(-1) ?? after)
    if (next === undefined) break
    times.push(next)
  }
  return times
}

/** The last `count` times from `first` to `until`, both included, in order. */
function lastTimes(timing: Timing, first: number, until: number, count: number): readonly number[] {
  if (until < first) return []
  if ('at' in timing) return [timing.at]
  if ('everyMs' in timing) {
    const { everyMs, from } = timing
    const last = from + Math.floor((until - from) / everyMs) * everyMs
    return Array.from({ length: count }, (_, i) => last - (count - 1 - i) * everyMs).filter((time) => time >= first)
  }
  const cron = cronNear(timing, until, -1)
  const times: number[] = []
  for (let end = until + 1; times.length < count; end = times[0] as number) {
    const time = cron?.previousRuns(1, new Date(end))[0]?.getTime()
    if (time === undefined || time < first) break
    times.unshift(time)
  }
  return times
}

/**
 * Returns the due times and the coming times.
 * @throws the error of `croner` for an invalid cron text, and an error for one that would be searched for too long
 */
export function scheduleTimes({ timing, first, now, misfire = 'once' }: TimesQuery): DueTimes {
  if (first !== undefined) return dueTimes(timing, first, now, misfire)
  if ('cron' in timing) checkCron(timing.cron, timing.timeZone)
  return { fire: [], coming: comingTimes(timing, now, shown) }
}

function dueTimes(timing: Timing, first: number, now: number, misfire: Misfire): DueTimes {
  const late = now - graceMs - 1
  const onTime: number[] = []
  const from = Math.max(first, late + 1)
  let next = nextTime(timing, from - 1)
  for (; next !== undefined && next <= now; next = nextTime(timing, next)) onTime.push(next)
  const coming = next === undefined ? [] : [next, ...comingTimes(timing, next, shown - 1)]
  const wanted = misfire === 'all' ? maxCatchUp : 1
  // One more time tells whether others follow.
  const missed = lastTimes(timing, first, late, wanted + 1)
  const madeUp = misfire === 'skip' ? [] : missed.slice(-wanted)
  const left = missed.slice(0, missed.length - madeUp.length).at(-1)
  return {
    fire: [...madeUp, ...onTime],
    ...(left === undefined ? {} : { missed: { from: first, to: left } }),
    coming,
  }
}

const optionsOf = (timeZone: string) => ({ timezone: timeZone, paused: true })

/** Returns the cron of the years from a time on, or before it; undefined if there are none. */
function cronNear(
  { cron, timeZone }: { readonly cron: string; readonly timeZone: string },
  time: number,
  step: 1 | -1,
): Cron | undefined {
  const options = optionsOf(timeZone)
  const fields = fieldsOf(cron)
  if (!fields) return new Cron(cron, options)
  const [second, minute, hour, day, month, dayOfWeek, year] = fields
  const years = yearsNear(year, new Date(time).getUTCFullYear(), step)
  if (years.length === 0) return undefined
  // Several times of day are fixed times; what repeats within its hour is an interval.
  const hours = [second, minute].every((field) => /^\d+$/.test(field)) ? hoursOf(hour) : []
  const areFixed = hours.length > 1
  const text = [second, minute, areFixed ? hours.join(',') : hour, day, month, dayOfWeek, years.join(',')].join(' ')
  return new Cron(text, areFixed ? { ...options, fixedTimeRule: 'no-wildcard' } : options)
}

/** Seconds, minutes, hours, days, months, days of the week and years. */
type Fields = readonly [string, string, string, string, string, string, string]

/** @returns undefined for a nickname such as @daily, which is one word */
function fieldsOf(cron: string): Fields | undefined {
  const fields = cron.trim().split(/\s+/)
  if (fields.length === 1) return undefined
  const withSeconds = fields.length === 5 ? ['0', ...fields] : fields
  return [...withSeconds, '*'].slice(0, 7) as unknown as Fields
}

function yearsNear(field: string, year: number, step: 1 | -1): readonly number[] {
  const years: number[] = []
  const isIn = (one: number) => field.split(',').some((part) => isYearOf(part, one))
  const begin = Math.min(Math.max(year - step, firstYear), lastYear)
  for (let one = begin; one >= firstYear && one <= lastYear && years.length < searchedYears; one += step)
    if (isIn(one)) years.push(one)
  return years
}

function isYearOf(part: string, year: number): boolean {
  if (part === '*' || part === '?') return true
  const [range = '', step = '1'] = part.split('/')
  const [from, to = from] = range.split('-').map(Number) as [number, number?]
  return year >= from && year <= to && (year - from) % Number(step) === 0
}

/** @returns no hours for each hour, or for a form other than numbers, ranges and steps */
function hoursOf(field: string): readonly number[] {
  const hours = new Set<number>()
  for (const part of field.split(',')) {
    const found = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part)
    if (!found) return []
    const [, from = '', to, step] = found
    const first = from === '*' ? 0 : Number(from)
    const last = to !== undefined ? Number(to) : from === '*' || step !== undefined ? 23 : first
    for (let hour = first; hour <= last; hour += Number(step ?? 1)) hours.add(hour)
  }
  return hours.size < 24 ? [...hours] : []
}
