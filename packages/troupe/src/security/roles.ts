/** Roles: which tools and which powers over others' entries an agent has. They are rights to act, never to read. */
import { checkOptions, failure, invalidInput, nearest, show } from '../core/index.ts'

export const builtInToolNames = [
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
/** The name of a tool that every agent can have. */
export type BuiltInTool = (typeof builtInToolNames)[number]

/** A power of a role over entries of other agents. */
export type Power = 'delete_others' | 'write_others' | 'change_audience'
export type Right = BuiltInTool | Power

/**
 * A role: the built-in tools that an agent with it may call, and its powers over entries of others. A role never
 * decides what may be read.
 */
export interface Role {
  /** The built-in tools of the role. */
  readonly tools: readonly BuiltInTool[]
  /** The powers over entries of other agents; none by default. */
  readonly powers?: readonly Power[]
}
/** Roles by name. A role named as a predefined one (`readonly`, `contributor`, `moderator`, `admin`) replaces it. */
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
  moderator: { tools: builtInToolNames, powers: ['delete_others'] },
  admin: { tools: builtInToolNames, powers: ['delete_others', 'write_others', 'change_audience'] },
}

const powers: readonly Power[] = ['delete_others', 'write_others', 'change_audience']

/**
 * Returns the four predefined roles with the roles of the application, which may replace them.
 * @throws ValidationError for an unknown tool or power
 */
export function createRoles(own: Roles = {}): Roles {
  for (const [name, role] of Object.entries(own)) {
    checkOptions(`The role ${name}`, role ?? {}, ['tools', 'powers'])
    const unknown = (list: unknown, known: readonly string[]) =>
      Array.isArray(list) ? list.map(String).find((one) => !known.includes(one)) : 'no list'
    const wrong = unknown(role?.tools, builtInToolNames) ?? unknown(role?.powers ?? [], powers)
    if (wrong === undefined) continue
    const near = nearest(String(wrong), [...builtInToolNames, ...powers])
    const problem = `its tools and powers are lists of those that there are, and ${show(wrong)} is none`
    throw invalidInput(`The role ${name}`, near === undefined ? problem : `${problem}; did you mean ${near}?`)
  }
  return { ...predefined, ...own }
}

/**
 * @param of the agent that names it, for the error
 * @throws ValidationError `role.unknown`
 */
export function roleOf(roles: Roles, name: string, of?: string): Role {
  const role = typeof name === 'string' && Object.hasOwn(roles, name) ? roles[name] : undefined
  if (role) return role
  const near = nearest(show(name), Object.keys(roles))
  const known = `${Object.keys(roles).join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`
  throw failure('role.unknown', { role: show(name), of: of === undefined ? '' : `, which ${of} names`, known })
}

/** The least role that a call from outside requires. */
export type LeastRole = 'readonly' | 'contributor' | 'moderator' | 'admin'

/** Returns whether a role has all tools and powers of another one. */
export function coversRole(roles: Roles, name: string, least: LeastRole): boolean {
  const [role, wanted] = [roleOf(roles, name), roleOf(roles, least)]
  return (
    wanted.tools.every((tool) => role.tools.includes(tool)) &&
    (wanted.powers ?? []).every((power) => role.powers?.includes(power))
  )
}
