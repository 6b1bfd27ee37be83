/** Durations with a unit, which every option that is a time takes. */
import { failure, invalidInput } from '../errors/failure.ts'
import { show } from '../values/show.ts'

/**
 * A duration with a unit, such as `5m` or `1.5h`: at least 0 and at most 1,000,000 days. Plain numbers are rejected.
 */
export type Duration = `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** 1,000,000 days: the current time plus a few of the longest durations is still a valid date. */
const longest = 86_400_000_000_000
const form = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/**
 * Returns the milliseconds of a duration: at least 0, at most 1,000,000 days.
 * @param value such as `250ms` or `1.5h`
 * @param what names the option in the error
 * @param least the shortest accepted duration
 * @throws ValidationError `duration.invalid`; `validation.failed` for a duration below `least`
 */
export function milliseconds(value: unknown, what: string, least?: Duration): number {
  const ms = read(value)
  if (!Number.isFinite(ms) || ms > longest) throw failure('duration.invalid', { what, value: show(value) })
  if (least !== undefined && ms < read(least)) throw invalidInput(what, `it must be at least ${least}`)
  return ms
}

function read(value: unknown): number {
  const found = typeof value === 'string' ? form.exec(value) : null
  return found ? Number(found[1]) * (units[found[2] as string] as number) : Number.NaN
}

/** Returns the shortest exact text for the milliseconds. */
export function duration(ms: number): Duration {
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms > 0 && ms % (units[unit] as number) === 0) return `${ms / (units[unit] as number)}${unit}`
  return `${ms}ms`
}
