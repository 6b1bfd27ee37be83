/** Converts a role of the guides, built-in or a list of tools, to the rights of an agent. */
import { invalidInput, isObject, show } from '../../core/index.ts'
import { Access, type AccessOptions, builtInToolNames, checkGrants, createRoles } from '../../security/index.ts'

/** Lists of tools by the name of the role. */
export type CustomRoles = Readonly<Record<string, readonly string[]>>

/**
 * Returns the rights of a custom role: the lowest built-in role that has all of its tools, restricted to them.
 * @throws ValidationError `role.unknown`; for a list that names a tool there is not
 */
export function rightsOf(
  role: string | undefined,
  custom: CustomRoles,
  { allow, deny }: { readonly allow: readonly string[] | undefined; readonly deny: readonly string[] },
): AccessOptions {
  if (!isObject(custom)) throw invalidInput('role_based_access', 'it must be an object of lists of tools by role')
  const own = role !== undefined && Object.hasOwn(custom, role) ? custom[role] : undefined
  if (own === undefined) return checked({ role, allow, deny })
  if (!Array.isArray(own)) throw invalidInput(`The role ${role}`, 'it must be a list of tools')
  const missing = own.find((tool) => !(builtInToolNames as readonly string[]).includes(tool))
  if (missing !== undefined) throw invalidInput(`The role ${role}`, `there is no tool ${show(missing)}`)
  const roles = createRoles()
  const base = ['readonly', 'contributor'].find((name) =>
    own.every((tool) => roles[name]?.tools.some((one) => one === tool)),
  )
  return checked({ role: base ?? 'moderator', allow: own.filter((tool) => allow?.includes(tool) ?? true), deny })
}

function checked(options: AccessOptions): AccessOptions {
  new Access(options)
  checkGrants(options)
  return options
}
