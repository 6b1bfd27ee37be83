/**
 * Calls a tool of the application outside a step: its schemas, its timeout and its approval apply. Guarantees that need
 * a journal, such as at most one call after a crash, do not.
 */
import {
  type Clock,
  failure,
  type Ids,
  type Json,
  parse,
  storeError,
  type TroupeError,
  type UserId,
} from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'
import type { TaintGuard } from '../../security/index.ts'
import { toolOutputJson } from '../call-tool.ts'
import { isTool, type Tool } from '../define-tool.ts'
import { needsApproval } from '../needs-approval.ts'
import { retryAfter } from './execute-tool-call.ts'
import type { JsonObject } from './tool-spec.ts'

/** A tool of `defineTool`, or an object with a function `execute`. */
export interface OwnTool {
  /** The name; needed in a list. In an object of tools the key is the name. */
  readonly name?: string
  /** The description, which models read; empty by default. */
  readonly description?: string
  /** The JSON Schema of the arguments; by default that of `inputSchema`, or any object. */
  readonly parameters?: JsonObject
  /** The schema that the arguments must fit; absent, they are not checked. */
  readonly inputSchema?: Tool['inputSchema']
  /** Executes the call. An error becomes a result with `success: false`. */
  readonly execute: (input: never, call: never) => unknown
}

/** The caller and the services of a call. */
export interface OwnToolHost {
  readonly userId: UserId
  readonly agent: string
  readonly clock: Clock
  readonly ids: Ids
  /** The egress rules of its `fetch`. */
  readonly guard?: Pick<TaintGuard, 'fetchFor'> | undefined
}

/** @returns the result, as JSON for a tool of `defineTool`; an error as a result with `success: false` */
export async function callOwnTool(
  host: OwnToolHost,
  name: string,
  tool: Tool | OwnTool,
  args: unknown,
): Promise<unknown> {
  try {
    const input = tool.inputSchema ? await parse(tool.inputSchema, args, `The arguments of ${name}`) : args
    const execute = (signal: AbortSignal) => tool.execute(input as never, callOf(host, name, signal) as never)
    if (!isTool(tool)) return await execute(new AbortController().signal)
    if (await needsApproval(tool, input)) throw failure('tool.unapproved', { tool: name })
    const { clock } = host
    const limit = { clock, limitMs: tool.timeoutMs, kind: 'tool', what: `The tool ${name}`, signal: undefined }
    const output = toolOutputJson(await withTimeLimit(limit, async (signal) => execute(signal)), { name })
    if (tool.outputSchema) await parse(tool.outputSchema, output, `The result of ${name}`)
    return output
  } catch (thrown) {
    return failed(host, name, thrown)
  }
}

/** Each call has a new idempotency key. */
function callOf({ userId, agent, ids, guard }: OwnToolHost, action: string, signal: AbortSignal) {
  const taintedAction = { userId, agent, action, taint: [] }
  const fetch = guard?.fetchFor(taintedAction, { agreed: true, mark() {} })
  return { signal, key: ids.next(), ...(fetch ? { fetch } : {}) }
}

function failed({ agent }: OwnToolHost, tool: string, thrown: unknown): { readonly [field: string]: Json } {
  const { code, message, hint, retryable } = storeError(thrown)
  return {
    success: false,
    error: message,
    code,
    tool,
    agent,
    ...(hint === undefined ? {} : { suggestion: hint }),
    ...(retryable ? { retry_after: retryAfter(thrown as TroupeError) } : {}),
  }
}
