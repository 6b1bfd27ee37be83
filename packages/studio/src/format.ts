/** Times, figures and values as a person reads them. */
import { visible } from './visible.ts'

const dateTimeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const numberFormat = new Intl.NumberFormat()
const dollars = new Intl.NumberFormat(undefined, { style: 'currency', currency: 'USD', maximumFractionDigits: 4 })

export const when = (at: string | number): string => dateTimeFormat.format(new Date(at))
export const count = (value: number): string => numberFormat.format(value)
export const money = (usd: number): string => dollars.format(usd)

export function lasting(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60
    ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long ago, in the largest unit: `3 d`, `5 h`, `12 min`, `40 s`. */
export function age(at: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1_000))
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit}`
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

export const inShort = (value: unknown, maxLength = 120): string => {
  const text = visible(asText(value)).replace(/\s+/g, ' ')
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text
}
