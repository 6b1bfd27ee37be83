/** The delay that the header `Retry-After` of an answer names. */

/** Returns the delay in ms, from seconds, or from a date of HTTP by the clock of the server, which its header `Date` has. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  // Each form of a date begins with the name of its day.
  const until = /^[A-Z]/i.test(text) ? Date.parse(text) : Number.NaN
  const wait = until - Date.parse(headers.get('date') ?? '')
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
