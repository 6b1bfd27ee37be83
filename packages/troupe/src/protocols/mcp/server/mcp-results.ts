/** Answers of tools as MCP has them: a failure is a result that says so, and a protocol error only what is no call. */
import type { CallToolResult } from '@modelcontextprotocol/server'
import { concealed, type Json, restoreError, storeError, TroupeError } from '../../../core/index.ts'
import { failureFields, type Log } from '../../../observability/index.ts'
import type { ServerSdk } from './server-sdk.ts'

type Shown = Readonly<Record<string, unknown>>

export const mcpToolResult = (value: Shown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  structuredContent: JSON.parse(JSON.stringify(value)) as Record<string, unknown>,
})

/** Without structure: what a tool says of its results holds for results alone. */
export const rejected = (value: Shown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  isError: true,
})

/** @returns the failure, and as much of its message as a client may know */
function knownOf(thrown: unknown, log: Log): { readonly error: TroupeError; readonly message: string } {
  const stored = storeError(thrown)
  if (stored.errorId !== undefined) log.error('a call over MCP failed', failureFields({}, thrown))
  const error = thrown instanceof TroupeError && stored.errorId === undefined ? thrown : restoreError(concealed(stored))
  // It would tell where the database is.
  const isInternal = error.code.startsWith('storage.') && error.status >= 500
  return { error, message: isInternal ? 'The storage cannot serve this now.' : error.message }
}

export function mcpErrorResult(thrown: unknown, log: Log): CallToolResult {
  const { error, message } = knownOf(thrown, log)
  const { code, hint, retryable } = error
  return rejected({ success: false, error: message, code, hint: hint as Json | undefined, retryable })
}

/** What a request fails with that is no call of a tool: the package would send the message of any error as it stands. */
export function protocolError(sdk: ServerSdk, thrown: unknown, log: Log): Error {
  if (thrown instanceof sdk.ProtocolError) return thrown
  const { error, message } = knownOf(thrown, log)
  const { InvalidParams, InternalError } = sdk.ProtocolErrorCode
  return new sdk.ProtocolError(error.status < 500 ? InvalidParams : InternalError, message)
}
