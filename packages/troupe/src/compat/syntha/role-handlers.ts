/** The guides' factories of handlers by role. */
import { checkText, failure, invalidInput, listOf, readable, show } from '../../core/index.ts'
import { createRoles } from '../../security/index.ts'
import type { User } from '../../startup/index.ts'
import type { CustomRoles } from './rights.ts'
import type { ContextMesh } from './syntha-context-mesh.ts'
import { ToolHandler, type ToolHandlerOptions } from './tool-handler.ts'

const descriptions: Readonly<Record<string, string>> = {
  readonly: 'Reads, lists, discovers, reads its own messages.',
  contributor: 'Besides: pushes, subscribes, batches, deletes its own, sends and broadcasts.',
  moderator: "Besides: deletes others' entries, and topics.",
  admin: 'Everything, with others’ audiences and ownership.',
}

interface RoleInfo {
  readonly description: string
  readonly tools: readonly string[]
}

export const PREDEFINED_ROLES: Readonly<Record<string, RoleInfo>> = Object.freeze(
  Object.fromEntries(
    Object.entries(createRoles()).map(([name, { tools }]) => [name, { description: descriptions[name] ?? '', tools }]),
  ),
)

/** @throws ValidationError `role.unknown` */
export function get_role_info(role: string): RoleInfo
export function get_role_info(): Readonly<Record<string, RoleInfo>>
export function get_role_info(role?: string): RoleInfo | Readonly<Record<string, RoleInfo>> {
  return readable('get_role_info', () => {
    if (role === undefined) return PREDEFINED_ROLES
    checkText('get_role_info', role)
    const info = Object.hasOwn(PREDEFINED_ROLES, role) ? PREDEFINED_ROLES[role] : undefined
    if (!info) throw failure('role.unknown', { role, of: '', known: Object.keys(PREDEFINED_ROLES).join(', ') })
    return info
  })
}

/** @throws ValidationError `role.unknown` */
export const create_role_based_handler = (
  mesh: ContextMesh | User,
  agent_name: string,
  role: string,
  custom_roles: CustomRoles = {},
): ToolHandler => new ToolHandler(mesh, agent_name, { agent_role: role, role_based_access: custom_roles })

/** The levels of access: `safe` without deletions, `minimal` with reads and writes only, `readonly` as the role. */
const levels: Readonly<Record<string, ToolHandlerOptions>> = {
  safe: { denied_tools: ['delete_topic', 'delete_context'] },
  minimal: { allowed_tools: ['get_context', 'push_context', 'list_context'] },
  readonly: { agent_role: 'readonly' },
}

/** @throws ValidationError for a level that is not safe, minimal or readonly */
export function create_restricted_handler(
  mesh: ContextMesh | User,
  agent_name: string,
  restriction_level: string = 'safe',
): ToolHandler {
  const options = Object.hasOwn(levels, restriction_level) ? levels[restriction_level] : undefined
  if (!options)
    throw invalidInput(`The level ${show(restriction_level)}`, `it is not ${Object.keys(levels).join(', ')}`)
  return new ToolHandler(mesh, agent_name, options)
}

interface AgentConfig {
  readonly role?: string
  readonly allowed_tools?: readonly string[]
  readonly denied_tools?: readonly string[]
}

/** @param agents by name, or a list whose members have a `name`; @returns a handler for each, by name */
export function create_multi_agent_handlers(
  mesh: ContextMesh | User,
  agents: Readonly<Record<string, AgentConfig>> | readonly (AgentConfig & { readonly name: string })[],
): Readonly<Record<string, ToolHandler>> {
  return readable('create_multi_agent_handlers', () => {
    if (typeof agents !== 'object' || agents === null)
      throw invalidInput('create_multi_agent_handlers', 'it must get at least one agent')
    if (Array.isArray(agents)) listOf('create_multi_agent_handlers', agents, 10_000)
    const list = Array.isArray(agents)
      ? (agents as readonly (AgentConfig & { readonly name: string })[]).map((one) => [one.name, one] as const)
      : Object.entries(agents as Readonly<Record<string, AgentConfig>>)
    return Object.fromEntries(
      list.map(([name, { role, allowed_tools, denied_tools }]) => [
        name,
        new ToolHandler(mesh, name, {
          ...(role === undefined ? {} : { agent_role: role }),
          ...(allowed_tools ? { allowed_tools } : {}),
          ...(denied_tools ? { denied_tools } : {}),
        }),
      ]),
    )
  })
}
