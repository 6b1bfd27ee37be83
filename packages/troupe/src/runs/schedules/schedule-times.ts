/**
 * Computes the due times of a schedule from given times: `croner` finds the times of a cron text and starts no timer.
 *
 * If clocks are put forward, a time of day that does not exist is due at the end of the gap. If they are put back, a time that
 * occurs twice is due the first time. Schedules that repeat each hour or more often keep their interval in both cases. `croner`
 * does so for a single time of day, so several are computed one by one.
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
  /** The next time; undefined if there is none. */
  readonly next: number | undefined
}

/** A time that is processed later than this, in ms, counts as missed. */
export const graceMs = 10_000
/** The number of the newest missed times for which `all` starts runs. */
export const maxCatchUp = 100

/** @throws the error of `croner` for an invalid text */
export const checkCron = (cron: string, timeZone: string): void => void new Cron(cron, optionsOf(timeZone))

/** @returns the first time strictly after the given one */
export function nextTime(timing: Timing, after: number): number | undefined {
  if ('at' in timing) return timing.at > after ? timing.at : undefined
  if ('everyMs' in timing) {
    const { everyMs, from } = timing
    return after < from + everyMs ? from + everyMs : from + (Math.floor((after - from) / everyMs) + 1) * everyMs
  }
  const from = new Date(after)
  const [complete, crons] = cronsOf(timing)
  if (complete.nextRun(from) === null) return undefined
  const next = crons.flatMap((cron) => cron.nextRun(from)?.getTime() ?? [])
  return next.length > 0 ? Math.min(...next) : undefined
}

/** Returns at most `count` times strictly after the given one. */
export function comingTimes(timing: Timing, after: number, count: number): readonly number[] {
  const times: number[] = []
  for (let next = nextTime(timing, after); next !== undefined && times.length < count; next = nextTime(timing, next))
    times.push(next)
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
  const [complete, crons] = cronsOf(timing)
  if (previousTimes(complete, first, until, 1).length === 0) return []
  const times = new Set(crons.flatMap((cron) => previousTimes(cron, first, until, count)))
  return [...times].sort((a, b) => a - b).slice(-count)
}

/** Looks for a few times first: a date that comes every 28 years is not looked for through all of history. */
function previousTimes(cron: Cron, first: number, until: number, count: number): readonly number[] {
  for (let wanted = Math.min(2, count); ; wanted = Math.min(2 * wanted, count)) {
    const times = cron.previousRuns(wanted, new Date(until + 1)).map((time) => time.getTime())
    const within = times.filter((time) => time >= first && time <= until)
    if (wanted === count || within.length < wanted) return within
  }
}

/**
 * Returns the due times. `first` is the earliest time that was not processed yet.
 * @param first at most `now`
 */
export function dueTimes(timing: Timing, first: number, now: number, misfire: Misfire): DueTimes {
  const late = now - graceMs - 1
  const onTime: number[] = []
  const from = Math.max(first, late + 1)
  let next = nextTime(timing, from - 1)
  for (; next !== undefined && next <= now; next = nextTime(timing, next)) onTime.push(next)
  const wanted = misfire === 'all' ? maxCatchUp : 1
  // One more time tells whether others follow.
  const missed = lastTimes(timing, first, late, wanted + 1)
  const madeUp = misfire === 'skip' ? [] : missed.slice(-wanted)
  const left = missed.slice(0, missed.length - madeUp.length).at(-1)
  return {
    fire: [...madeUp, ...onTime],
    ...(left === undefined ? {} : { missed: { from: first, to: left } }),
    next,
  }
}

const optionsOf = (timeZone: string) => ({ timezone: timeZone, paused: true })

/**
 * Returns the cron of the text, and one for each time of day if there are several and none of them repeats within its
 * hour. The first one tells at once, not once for each time of day, that a date such as 31 February never comes.
 */
function cronsOf({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }): [Cron, readonly Cron[]] {
  const fields = cron.trim().split(/\s+/)
  // The hours follow the minutes; seconds may precede them, and a year may come last.
  const hourIndex = fields.length === 5 ? 1 : 2
  const hours = fields.slice(0, hourIndex).every((field) => /^\d+$/.test(field)) ? hoursOf(fields[hourIndex] ?? '') : []
  const cronOf = (text: string) => new Cron(text, optionsOf(timeZone))
  const complete = cronOf(cron)
  if (hours.length < 2) return [complete, [complete]]
  return [complete, hours.map((hour) => cronOf(fields.with(hourIndex, String(hour)).join(' ')))]
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
