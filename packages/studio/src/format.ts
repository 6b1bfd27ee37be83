/** Times, figures and values as a person reads them. */
import { visible } from './visible.ts'

/** The zone is named, because logs and other people may have the times of another one. */
const dateTimeFormat = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})
const numberFormat = new Intl.NumberFormat()
const dollars = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD', maximumFractionDigits: 4 })

const shortFormat = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  timeZoneName: 'short',
})
/** The name of the reader's time zone, as `Europe/Berlin`: for fields, whose times may have several offsets. */
export const timeZone = (): string => dateTimeFormat.resolvedOptions().timeZone
const hourFormat = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
/** The time of the day alone. */
export const timeOfDay = (at: number): string => hourFormat.format(at)
/** To the minute: for a column of times. */
export const toMinute = (at: string | number): string => shortFormat.format(new Date(at))
export const when = (at: string | number): string => dateTimeFormat.format(new Date(at))
export const count = (value: number): string => numberFormat.format(value)
const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
/** @param share 1 for all */
export const percent = (share: number): string => percents.format(share)
export const money = (usd: number): string => dollars.format(usd)

const inUnit = (unit: 'day' | 'hour' | 'minute' | 'second' | 'millisecond', maximumFractionDigits = 0) => {
  const format = new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits })
  return (value: number) => format.format(value)
}
const days = inUnit('day')
const hours = inUnit('hour')
const minutes = inUnit('minute')
const seconds = inUnit('second', 1)
const milliseconds = inUnit('millisecond')

/** A duration in the words of the reader's locale: `1.4 sec`, `4 min 12 sec`, `2 hr 5 min`. */
export function lasting(ms: number): string {
  if (ms < 1_000) return milliseconds(ms)
  // Rounded to a tenth, more would read as 60 seconds.
  if (ms < 59_950) return seconds(ms / 1_000)
  const total = Math.round(ms / 1_000)
  const inMinutes = Math.floor(total / 60)
  return inMinutes < 60
    ? `${minutes(inMinutes)} ${seconds(total % 60)}`
    : `${hours(Math.floor(inMinutes / 60))} ${minutes(inMinutes % 60)}`
}

/**
 * How long ago, in the largest unit, in the words of the reader's locale: `3 days`, `5 hr`, `12 min`, `40 sec`.
 * @param now ms since 1970, by the clock of the server
 */
export function age(at: string, now: number): string {
  const elapsed = Math.max(0, Math.round((now - Date.parse(at)) / 1_000))
  const units = [
    [days, 86_400],
    [hours, 3_600],
    [minutes, 60],
  ] as const
  const [format, size] = units.find(([, length]) => elapsed >= length) ?? [seconds, 1]
  return format(Math.floor(elapsed / size))
}

export const tokens = (usage: { readonly inputTokens: number; readonly outputTokens: number } | undefined): string =>
  usage ? count(usage.inputTokens + usage.outputTokens) : ''

export const spent = (cost: { readonly usd: number; readonly unknown: readonly string[] } | undefined): string =>
  cost ? priced(cost.usd, cost.unknown.length > 0) : ''

/** @param isPartial whether the price of a model is unknown: then a plus sign follows, and zero dollars are not shown */
export const priced = (usd: number, isPartial: boolean): string =>
  isPartial && usd === 0 ? 'price unknown' : `${money(usd)}${isPartial ? '+' : ''}`

/** Text as it stands, anything else as JSON. */
export const asText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '')

/** Returns the first characters of a text: half of a pair of surrogates would be shown as a code. */
export const firstCharacters = (text: string, length: number): string =>
  text.slice(0, length).replace(/[\ud800-\udbff]$/, '')

/** How much of a long text its short form reads, by the characters that it shows: the spaces of JSON collapse. */
const readPerShown = 20

export const inShort = (value: unknown, maxLength = 120): string => {
  const complete = asText(value)
  const start = firstCharacters(complete, maxLength * readPerShown)
  const text = visible(start).replace(/\s+/g, ' ')
  const isCut = text.length > maxLength || start.length < complete.length
  return isCut ? `${firstCharacters(text, maxLength - 1)}…` : text
}
