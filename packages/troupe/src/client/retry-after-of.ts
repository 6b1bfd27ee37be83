/** The delay that the header `Retry-After` of an answer names. */

/** Returns the delay in ms, from seconds or from a date of HTTP, by the clock of the server if the answer has its time. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  // Each form of a date begins with the name of its day.
  const until = /^[A-Z]/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(until)) return undefined
  const sent = Date.parse(headers.get('date') ?? '')
  return Math.max(0, until - (Number.isNaN(sent) ? Date.now() : sent))
}
