/** The results of Troupe's tools with the fields under which the guides read them, besides their own. */
import type { Json } from '../../core/index.ts'
import type { JsonObject, ToolResult } from '../../tools/index.ts'

/** Every field of the tool's result, and its older names. */
export type SynthaResult = { readonly success: boolean } & { readonly [field: string]: Json }

type Fields = Record<string, Json | undefined>
const hour = 3_600

/** The names of failures in the error handling of the guides. */
const kinds: Readonly<Record<string, string>> = {
  'access.denied': 'access_denied',
  'context.denied': 'access_denied',
  'agent.mismatch': 'access_denied',
  'topic.closed': 'access_denied',
  'context.missing': 'not_found',
  'topic.missing': 'not_found',
  timeout: 'timeout',
}

const aliases: Readonly<Record<string, (result: JsonObject, args: JsonObject) => Fields>> = {
  get_context: ({ agent }) => ({ agent_name: agent }),
  push_context: ({ agent, ttl }) => ({
    agent_name: agent,
    sender_agent: agent,
    ...(typeof ttl === 'number' ? { ttl_seconds: ttl, ttl_hours: ttl / hour } : {}),
  }),
  list_context: ({ agent, keys, keys_by_topic, other_keys }) => ({
    agent_name: agent,
    all_accessible_keys: keys,
    available_keys: keys,
    keys_by_topic: { ...(empty(other_keys) ? {} : { other: other_keys as Json }), ...(keys_by_topic as JsonObject) },
  }),
  list_context_keys: ({ agent, keys }) => ({ agent_name: agent, available_keys: keys, all_accessible_keys: keys }),
  subscribe_to_topics: ({ agent }) => ({ agent_name: agent }),
  unsubscribe_from_topics: ({ agent }) => ({ agent_name: agent }),
  send_message_to_agent: ({ ttl }) => (typeof ttl === 'number' ? { ttl_seconds: ttl, ttl_hours: ttl / hour } : {}),
  get_messages_from_agents: ({ messages }) => ({ messages: listOf(messages).map(messageOf) }),
  batch_context_operation: ({ results, successful_operations }) => ({
    ...(results === undefined ? {} : { results: listOf(results).map(outcomeOf) }),
    completed_operations: successful_operations,
  }),
}

const empty = (list: Json | undefined) => !Array.isArray(list) || list.length === 0
const listOf = (list: Json | undefined): readonly JsonObject[] => (Array.isArray(list) ? (list as JsonObject[]) : [])

const messageOf = (message: JsonObject): Json => ({
  ...message,
  from_agent: message.from as Json,
  to_agent: message.to as Json,
  message_type: message.type as Json,
  message_id: message.id as Json,
  is_broadcast: message.broadcast_id !== undefined,
})

function outcomeOf(outcome: JsonObject): Json {
  if (outcome.success !== true) return outcome
  if (outcome.type === 'push') return { ...outcome, pushed: true }
  if (outcome.type === 'delete') return { ...outcome, type: 'remove', removed: outcome.deleted as Json }
  return outcome
}

/** @param args as the guide's call gave them */
export function withAliases(tool: string, args: JsonObject, result: ToolResult): SynthaResult {
  const own = Object.hasOwn(aliases, tool) ? aliases[tool]?.(result, args) : undefined
  const fields: Fields = { ...result, ...own, ...(result.success ? {} : failed(args, result)) }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as SynthaResult
}

function failed({ topics, subscribers }: JsonObject, { error, code, suggestion, similar_keys }: ToolResult): Fields {
  return {
    message: error,
    reason: suggestion,
    error_type: kinds[String(code)] ?? 'error',
    suggestions: similar_keys,
    topics,
    subscribers,
  }
}
