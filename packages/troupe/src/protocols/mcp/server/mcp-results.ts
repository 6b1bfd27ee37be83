/** Answers of tools in the form of MCP: a failed call is a result with `isError`; other failures are protocol errors. */
import type { CallToolResult } from '@modelcontextprotocol/server'
import {
  concealed,
  failure,
  type Json,
  jsonInParts,
  restoreError,
  storeError,
  TimeSlice,
  TroupeError,
} from '../../../core/index.ts'
import { failureFields, type Log } from '../../../observability/index.ts'
import type { McpCaller } from './mcp-identity.ts'
import type { ServerSdk } from './server-sdk.ts'

type Shown = Readonly<Record<string, unknown>>

/**
 * In characters of a text. The package of MCP writes an answer in one part, at 6 ms per MB; with the same value as data and
 * the escapes of the text, an answer has at most three times as much.
 */
const maxText = 2 * 1024 * 1024

/**
 * @param what the name of the answer in the error
 * @throws CapacityError `mcp.answer_too_large`
 */
export const mcpToolResult = async (caller: McpCaller, value: Shown, what: string): Promise<CallToolResult> => ({
  content: [{ type: 'text', text: await textInTime(caller, value, what) }],
  structuredContent: value,
})

/**
 * Returns the text of a value, which is written between other work.
 * @param what the name of the value in the error
 * @throws CapacityError `mcp.answer_too_large`
 */
export async function textInTime({ parts }: McpCaller, value: unknown, what: string): Promise<string> {
  const slice = new TimeSlice(parts.platform.clock)
  const text = await slice.finish(jsonInParts(value), 1)
  if (text.length > maxText) throw failure('mcp.answer_too_large', { what, characters: text.length, limit: maxText })
  if (slice.isOver) await slice.renew()
  return text
}

/** A failure as a tool result. It has no structured content, because the output schema of a tool covers results only. */
export const rejected = (value: Shown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  isError: true,
})

/** @returns the failure, and as much of its message as a client may know */
function knownOf(thrown: unknown, log: Log): { readonly error: TroupeError; readonly message: string } {
  const stored = storeError(thrown)
  if (stored.errorId !== undefined) log.error('an MCP call failed', failureFields({}, thrown))
  const error = thrown instanceof TroupeError && stored.errorId === undefined ? thrown : restoreError(concealed(stored))
  // The message may contain the location of the database.
  const isInternal = error.code.startsWith('storage.') && error.status >= 500
  return { error, message: isInternal ? 'The storage cannot serve this now.' : error.message }
}

export function mcpErrorResult(thrown: unknown, log: Log): CallToolResult {
  const { error, message } = knownOf(thrown, log)
  const { code, hint, retryable } = error
  return rejected({ success: false, error: message, code, hint: hint as Json | undefined, retryable })
}

/** The error of a request other than a tool call. The package would send the message of any error unchanged. */
export function protocolError(sdk: ServerSdk, thrown: unknown, log: Log): Error {
  if (thrown instanceof sdk.ProtocolError) return thrown
  const { error, message } = knownOf(thrown, log)
  const { InvalidParams, InternalError } = sdk.ProtocolErrorCode
  return new sdk.ProtocolError(error.status < 500 ? InvalidParams : InternalError, message)
}
