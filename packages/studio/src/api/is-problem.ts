/** The error that the client throws if the server rejects a request, or does not answer it. */
export interface Problem extends Error {
  readonly code: string
  readonly status?: number
  readonly hint?: string
}

export const isProblem = (error: unknown): error is Problem =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'

export const isUnreachable = (error: unknown): boolean => isProblem(error) && error.code === 'server.unreachable'

/** Whether the same request may succeed soon: it did not reach the server, or the server had no time for it. */
export const isTemporary = (error: unknown): boolean =>
  isUnreachable(error) || (isProblem(error) && [408, 429, 503].includes(error.status ?? 0))
