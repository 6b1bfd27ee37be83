/** Roles: which tools and which powers over others' entries an agent has. They are rights to act, never to read. */
import { failure } from '../core/index.ts'

export const builtInTools = [
  'get_context',
  'push_context',
  'list_context',
  'list_context_keys',
  'delete_context',
  'subscribe_to_topics',
  'unsubscribe_from_topics',
  'discover_topics',
  'delete_topic',
  'batch_context_operation',
  'send_message_to_agent',
  'get_messages_from_agents',
  'broadcast_message_to_agents',
] as const
export type BuiltInTool = (typeof builtInTools)[number]

/** What a role may do beyond its own entries. */
export type Power = 'delete_others' | 'write_others' | 'change_audience'
export type Right = BuiltInTool | Power

export interface Role {
  readonly tools: readonly BuiltInTool[]
  readonly powers?: readonly Power[]
}
export type Roles = Readonly<Record<string, Role>>

const reading = [
  'get_context',
  'list_context',
  'list_context_keys',
  'discover_topics',
  'get_messages_from_agents',
] as const
const contributing = [
  ...reading,
  'push_context',
  'subscribe_to_topics',
  'unsubscribe_from_topics',
  'batch_context_operation',
  'delete_context',
  'send_message_to_agent',
  'broadcast_message_to_agents',
] as const

const predefined: Roles = {
  readonly: { tools: reading },
  contributor: { tools: contributing },
  moderator: { tools: builtInTools, powers: ['delete_others'] },
  admin: { tools: builtInTools, powers: ['delete_others', 'write_others', 'change_audience'] },
}

/** The four roles and the troupe's own. */
export const createRoles = (own: Roles = {}): Roles => ({ ...predefined, ...own })

/** @throws ValidationError `role.unknown` */
export function roleOf(roles: Roles, name: string): Role {
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined
  if (!role) throw failure('role.unknown', { role: String(name), known: Object.keys(roles).join(', ') })
  return role
}
