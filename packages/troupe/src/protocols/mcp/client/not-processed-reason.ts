/** What an error of a connection tells of a request: whether the server can have begun with it. */
import type { SdkHttpError } from '@modelcontextprotocol/client'

/** Of the network or the package, before anything was sent. */
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

/** @returns why the server did not take the request; undefined where it may have */
export function notProcessedReason(error: unknown): string | undefined {
  const status = statusOf(error)
  // 408 is the server's own limit, for what it may have begun with.
  if (status !== undefined && status >= 400 && status < 500 && status !== 408)
    return `it refused the request with HTTP ${status}`
  const code = unreachedBy(error)
  return code === undefined ? undefined : `no connection was made (${code})`
}

/**
 * A server that was started anew, or has let go of an idle session, does not know it: 404 as the protocol has it, 400 as
 * many do. Another connection may do better.
 */
export const isConnectionGone = (error: unknown): boolean => {
  const status = statusOf(error)
  return status === 404 || status === 400 || unreachedBy(error) !== undefined
}
