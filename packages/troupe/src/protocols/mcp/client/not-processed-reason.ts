/** Classifies errors of a connection by whether the server may have processed the request. */
import type { SdkHttpError } from '@modelcontextprotocol/client'

/** The codes of errors of the network or the package that occur before anything is sent. */
const unreached: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'NOT_CONNECTED',
])

const statusOf = (error: unknown): number | undefined => {
  const { status } = (error ?? {}) as Partial<Pick<SdkHttpError, 'status'>>
  return typeof status === 'number' && status > 0 ? status : undefined
}

const unreachedBy = (error: unknown): string | undefined => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { readonly code?: unknown }
    if (unreached.has(code)) return String(code)
  }
  return undefined
}

/** @returns why the server did not process the request; undefined if it may have */
export function notProcessedReason(error: unknown): string | undefined {
  const status = statusOf(error)
  // With 408, the server may have begun to process the request.
  if (status !== undefined && status >= 400 && status < 500 && status !== 408)
    return `it refused the request with HTTP ${status}`
  const code = unreachedBy(error)
  return code === undefined ? undefined : `no connection was made (${code})`
}

/**
 * Returns true if a new connection may help. A server that restarted or closed an idle session answers 404 by the protocol;
 * many answer 400.
 */
export const isConnectionGone = (error: unknown): boolean => {
  const status = statusOf(error)
  return status === 404 || status === 400 || unreachedBy(error) !== undefined
}
