/**
 * When a schedule falls due, computed from moments that are handed in: `croner` finds the times of a cron text and never
 * starts a timer here.
 *
 * Where clocks are put forward, a time of day that does not exist falls due at the first moment behind the gap; where they
 * are put back, one that comes twice falls due the first time. What repeats each hour or within it keeps its rhythm in both.
 * `croner` does so for a single time of day: several are asked for one by one.
 */
import { Cron } from 'croner'

export type Timing =
  | { readonly cron: string; readonly timeZone: string }
  /** ms since 1970 from which the span is counted. */
  | { readonly everyMs: number; readonly from: number }
  | { readonly at: number }

/** What becomes of times at which nobody looked. */
export type Misfire = 'skip' | 'once' | 'all'

export interface DueTimes {
  /** In order, ms since 1970. */
  readonly fire: readonly number[]
  /** The first and the last of those that fire nothing. */
  readonly missed?: { readonly from: number; readonly to: number }
  /** Undefined where none comes any more. */
  readonly next: number | undefined
}

/** A time that is looked at later than this was missed. */
export const graceMs = 10_000
/** Missed times that `all` makes up for: the newest. */
export const maxCatchUp = 100

/** @throws what is wrong with the text, in the words of `croner` */
export const checkCron = (cron: string, timeZone: string): void => void new Cron(cron, optionsOf(timeZone))

/** @returns strictly after the moment */
export function nextTime(timing: Timing, after: number): number | undefined {
  if ('at' in timing) return timing.at > after ? timing.at : undefined
  if ('everyMs' in timing) {
    const { everyMs, from } = timing
    return after < from + everyMs ? from + everyMs : from + (Math.floor((after - from) / everyMs) + 1) * everyMs
  }
  const next = cronsOf(timing).flatMap((cron) => cron.nextRun(new Date(after))?.getTime() ?? [])
  return next.length > 0 ? Math.min(...next) : undefined
}

/** At most so many, strictly after the moment. */
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
  const before = cronsOf(timing).flatMap((cron) => cron.previousRuns(count, new Date(until + 1)))
  const times = new Set(before.map((time) => time.getTime()).filter((time) => time >= first && time <= until))
  return [...times].sort((a, b) => a - b).slice(-count)
}

/**
 * What falls due now, `first` being the earliest time that nobody has looked at yet.
 * @param first at most `now`
 */
export function dueTimes(timing: Timing, first: number, now: number, misfire: Misfire): DueTimes {
  const late = now - graceMs - 1
  const onTime: number[] = []
  const from = Math.max(first, late + 1)
  for (let time = nextTime(timing, from - 1); time !== undefined && time <= now; time = nextTime(timing, time))
    onTime.push(time)
  const wanted = misfire === 'all' ? maxCatchUp : 1
  // One more tells whether there are others.
  const missed = lastTimes(timing, first, late, wanted + 1)
  const madeUp = misfire === 'skip' ? [] : missed.slice(-wanted)
  const left = missed.slice(0, missed.length - madeUp.length).at(-1)
  return {
    fire: [...madeUp, ...onTime],
    ...(left === undefined ? {} : { missed: { from: first, to: left } }),
    next: nextTime(timing, now),
  }
}

const optionsOf = (timeZone: string) => ({ timezone: timeZone, paused: true })

/** One, or one for each time of day where there are several and none of them repeats within its hour. */
function cronsOf({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }): readonly Cron[] {
  const fields = cron.trim().split(/\s+/)
  // Behind the minutes; seconds may stand before them, and a year at the end.
  const hourIndex = fields.length === 5 ? 1 : 2
  const hours = fields.slice(0, hourIndex).every((field) => /^\d+$/.test(field)) ? hoursOf(fields[hourIndex] ?? '') : []
  const texts = hours.length > 1 ? hours.map((hour) => fields.with(hourIndex, String(hour)).join(' ')) : [cron]
  return texts.map((text) => new Cron(text, optionsOf(timeZone)))
}

/** @returns none where it is each hour, or of another form than numbers, ranges and steps */
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
