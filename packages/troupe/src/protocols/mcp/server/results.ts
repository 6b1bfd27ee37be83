/** Answers of tools as MCP has them: a failure is a result that says so, and a protocol error only what is no call. */
import type { CallToolResult } from '@modelcontextprotocol/server'
import { failure, type Json, TroupeError } from '../../../core/index.ts'
import type { Log } from '../../../observability/index.ts'

type Shown = Readonly<Record<string, unknown>>

export const answered = (value: Shown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  structuredContent: JSON.parse(JSON.stringify(value)) as Record<string, unknown>,
})

/** Without structure: what a tool says of its results holds for results alone. */
export const refused = (value: Shown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  isError: true,
})

export function failed(thrown: unknown, log: Log): CallToolResult {
  if (!(thrown instanceof TroupeError)) log.error('a call over MCP failed', { error: thrown as Error })
  const error = thrown instanceof TroupeError ? thrown : failure('server.failed', { request: 'mcp' })
  const { message, code, hint, retryable } = error
  // It would tell where the database is.
  const told = code.startsWith('storage.') && error.status >= 500 ? 'The storage cannot serve this now.' : message
  return refused({ success: false, error: told, code, hint: hint as Json | undefined, retryable })
}
