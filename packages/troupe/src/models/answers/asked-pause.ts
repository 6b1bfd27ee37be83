/** The pause that a provider asks for in an answer that reports a failure. */

/** The parts of an error of the AI SDK that are of the answer. */
export interface FailedResponse {
  readonly responseHeaders?: Readonly<Record<string, string | undefined>>
  readonly responseBody?: unknown
}

/** A longer pause is read as this, so that one wrong header does not disable a model until its process restarts. */
const longestAskedMs = 3_600_000

/**
 * Returns the pause in ms: `retry-after` in seconds or as a date (RFC 9110 §10.2.3), `retry-after-ms` as OpenAI sends it, or
 * the delay in the body. Undefined if the answer has none.
 * @param at ms since 1970, to which a date is compared
 */
export function askedPause({ responseHeaders = {}, responseBody }: FailedResponse, at: number): number | undefined {
  const header = (name: string) => Object.entries(responseHeaders).find(([key]) => key.toLowerCase() === name)?.[1]
  const [exact, value] = [header('retry-after-ms'), header('retry-after')]
  const seconds = (text: string | undefined) => Number(text ?? Number.NaN) * 1_000
  const date = Date.parse(value ?? '') - at
  const asked = [Number(exact ?? Number.NaN), seconds(value), date, seconds(delayOfBody(responseBody))]
  const ms = asked.find((each) => Number.isFinite(each))
  return ms === undefined ? undefined : Math.min(longestAskedMs, Math.max(0, ms))
}

/** Returns the seconds that Google asks for in the body (google.rpc.RetryInfo); it sends no header. */
export const delayOfBody = (body: unknown): string | undefined =>
  /"retryDelay"\s*:\s*"([\d.]+)s"/.exec(typeof body === 'string' ? body : '')?.[1]
