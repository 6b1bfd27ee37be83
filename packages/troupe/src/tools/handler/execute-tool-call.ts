/** Executes one call of a built-in tool. The mistake of a caller is a result, and a caller cannot act as another agent. */

import { type BatchOperationResult, isAllowed, isToolContext } from '../../context/index.ts'
import {
  CancelledError,
  failure,
  fieldOf,
  isObject,
  issueProblem,
  type Json,
  LeaseLostError,
  nearest,
  readable,
  show,
  TroupeError,
} from '../../core/index.ts'
import type { BuiltInTool } from '../../security/index.ts'
import { contextTools, operationFields } from './context-tools.ts'
import { messageTools } from './message-tools.ts'
import { similarKeys } from './similar-keys.ts'
import type { JsonObject, ToolClients, ToolSpec } from './tool-spec.ts'
import { topicTools } from './topic-tools.ts'

/** The result of a built-in tool. A failed call has `success: false`, `error` with a sentence, and `code`. */
export type ToolResult = {
  /** True if the call was executed. */
  readonly success: boolean
} & JsonObject

export const specs: ReadonlyMap<string, ToolSpec> = new Map(
  [...contextTools, ...topicTools, ...messageTools].map((spec) => [spec.name, spec]),
)

/** The caller. */
export interface ToolCaller {
  readonly clients: ToolClients
  /** Returns the names of the tools that it may call. */
  readonly available: () => readonly string[]
  readonly role?: string
  /** @throws AccessDeniedError */
  readonly authorize: (tool: BuiltInTool) => void
  /** Called if the arguments name another agent as the acting one. */
  readonly impersonated: (tool: BuiltInTool) => void
  /** Returns true for the code of an error that the caller cannot correct, which is thrown. */
  readonly ends?: (code: string) => boolean
}

/** @throws CancelledError or LeaseLostError if the step was cancelled or lost; an error for which `ends` returns true */
export async function executeToolCall(caller: ToolCaller, name: string, args: unknown): Promise<ToolResult> {
  const about = { key: fieldOf(args, 'key'), topic: fieldOf(args, 'topic') }
  try {
    const spec = specs.get(name)
    if (!spec)
      throw failure('tool.unknown', {
        tool: show(name),
        nearest:
          nearest(show(name), [...caller.available(), ...specs.keys()]) ??
          (caller.available().join(', ') || 'to grant the agent tools'),
      })
    caller.authorize(spec.name)
    return {
      success: true,
      ...(await spec.run(
        caller.clients,
        readable('The arguments', () => argumentsOf(caller, spec, args)),
      )),
    }
  } catch (error) {
    if (!(error instanceof TroupeError) || error instanceof CancelledError || error instanceof LeaseLostError)
      throw error
    if (caller.ends?.(error.code)) throw error
    return failed(caller, name, about, error)
  }
}

/** Checks that an acting agent in the arguments is the caller itself, and removes its name. */
function argumentsOf({ clients, impersonated }: ToolCaller, spec: ToolSpec, args: unknown): unknown {
  const wrong = (problem: string) => failure('tool.arguments', { tool: spec.name, problem })
  if (!isObject(args)) throw wrong('they must be an object with the names of the parameters')
  const sender = spec.name === 'get_messages_from_agents' ? [] : ['from_agent']
  const unnamed = (value: unknown) => {
    if (!isObject(value)) return value
    const own = { ...value }
    for (const field of ['agent_name', 'agent', 'sender_agent', ...sender]) {
      if (!Object.hasOwn(own, field)) continue
      if (own[field] !== clients.agent && own[field] !== null && own[field] !== undefined) {
        impersonated(spec.name)
        throw failure('agent.mismatch', { agent: clients.agent })
      }
      delete own[field]
    }
    return own
  }
  const own = unnamed(args) as Record<string, unknown>
  if (Array.isArray(own.operations)) own.operations = own.operations.map(unnamed)
  const checked = spec.arguments.safeParse(own)
  if (checked.success) return checked.data
  const problems = checked.error.issues
    .slice(0, 5)
    .map((issue) => [...(issue.path.length > 0 ? [issue.path.join('.')] : []), issueProblem(issue)].join(': '))
  throw wrong(problems.join('; '))
}

async function failed(
  caller: ToolCaller,
  name: string,
  { key, topic }: { readonly key: unknown; readonly topic: unknown },
  error: TroupeError,
): Promise<ToolResult> {
  const { code, hint, message, retryable } = error
  const { context, agent } = caller.clients
  const helpful: Record<string, Json> = {}
  if (code === 'access.denied' || code === 'tool.unknown') {
    helpful.available_tools = [...caller.available()]
    if (caller.role !== undefined) helpful.agent_role = caller.role
  }
  if (typeof key === 'string' && key.length <= 1_024) helpful.key = key
  if (code === 'context.missing' && typeof key === 'string')
    helpful.similar_keys = [...(await similarKeys(context, key))]
  if (code === 'topic.missing' && topic !== undefined) helpful.available_topics = [...(await topicsOf(caller.clients))]
  const { results } = error as { readonly results?: readonly BatchOperationResult[] }
  if (results) Object.assign(helpful, rolledBackFields(results))
  if (retryable) helpful.retry_after = retryAfter(error)
  return {
    success: false,
    error:
      code === 'access.denied' && !results ? `Access denied to tool: ${name}` : `${failurePrefix(results)}${message}`,
    code,
    tool: specs.has(name) ? name : 'unknown',
    agent,
    ...(hint === undefined ? {} : { suggestion: hint }),
    ...helpful,
  }
}

/** The result of a failed atomic batch, in the form of other batches: one operation failed, and none took effect. */
const rolledBackFields = (results: readonly BatchOperationResult[]): Record<string, Json> => ({
  total_operations: results.length,
  successful_operations: 0,
  failed_operations: results.length,
  atomic: true,
  results: results.map(operationFields),
})
const failurePrefix = (results: readonly BatchOperationResult[] = []): string => {
  const at = results.findIndex((result) => !result.success && result.error.code !== 'batch.aborted')
  return at < 0 ? '' : `Operation ${at} failed: `
}

async function topicsOf({ context }: ToolClients): Promise<readonly string[]> {
  if (isToolContext(context) && !context[isAllowed]('discover_topics')) return []
  try {
    return (await context.discoverTopics()).items.map(({ topic }) => topic)
  } catch (error) {
    if (error instanceof TroupeError && error.status === 403) return []
    throw error
  }
}

/** Returns the number of seconds after which a retry is useful; 1 if the error does not say it. */
export const retryAfter = (error: TroupeError): number => knownRetryAfter(error) ?? 1

interface ErrorData {
  readonly code: string
  readonly details?: Json | undefined
}

/** Returns the number of seconds after which a retry is useful, if the error says it. */
export function knownRetryAfter({ code, details }: ErrorData): number | undefined {
  if (code === 'timeout') return 30
  const { retryAfterMs, seconds } = (details ?? {}) as { readonly retryAfterMs?: Json; readonly seconds?: Json }
  if (typeof retryAfterMs === 'number') return Math.max(1, Math.ceil(retryAfterMs / 1_000))
  return code === 'circuit.open' && typeof seconds === 'number' ? seconds : undefined
}
