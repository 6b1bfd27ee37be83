/** The ranges of time of charts and tables of usage. */

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export const usageRanges = {
  day: { label: 'the last 24 hours', interval: 'hour', length: hourMs, intervals: 24 },
  week: { label: 'the last 7 days', interval: 'hour', length: hourMs, intervals: 7 * 24 },
  month: { label: 'the last 30 days', interval: 'day', length: dayMs, intervals: 30 },
} as const
export type UsageRange = keyof typeof usageRanges

export const rangeOptions = Object.entries(usageRanges).map(([value, { label }]) => ({
  value: value as UsageRange,
  label,
}))

/** Returns the start of the range. It stays the same for a whole interval, so that the answer stays in the cache of the page. */
export function startOf(range: UsageRange): number {
  const { length, intervals } = usageRanges[range]
  return (Math.floor(Date.now() / length) - intervals + 1) * length
}

/** ms after which usage is read again although no run has changed: the range of time moves on. */
export const usageRefreshMs = 300_000
