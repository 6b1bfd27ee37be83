/** The rights of one agent, and the check of the lists that narrow them. */
import { failure, invalidInput, isListOf, isText, nearestName } from '../core/index.ts'
import { builtInToolNames, createRoles, type Power, type Right, type Role, type Roles, roleOf } from './roles.ts'

/** The access of one agent: a role, narrowed by lists of tools. */
export interface AccessOptions {
  /** The name of the role; `contributor` by default. */
  readonly role?: string | undefined
  /**
   * The only tools that the agent may call, within its role; an empty list allows none. Without it, all tools of the
   * role.
   */
  readonly allow?: readonly string[] | undefined
  /** Tools that the agent may not call, also if `allow` names them. */
  readonly deny?: readonly string[] | undefined
}

/** The access of one agent as it is now. */
export interface AccessSummary {
  /** The name of the role. */
  readonly role: string
  /** The built-in tools that the agent may call. */
  readonly available: readonly string[]
  /** The tools of the deny list. */
  readonly denied: readonly string[]
  /** The tools of the allow list, `all` if there is no list. An empty list allows none. */
  readonly allowed: readonly string[] | 'all'
}

/**
 * The rights of one agent: its role, narrowed by `allow` and `deny`. Changes take effect at the next call of its
 * clients and tools.
 */
export class Access {
  readonly #roles: Roles
  #name: string
  #role: Role
  #allow: ReadonlySet<string> | undefined
  #deny: ReadonlySet<string>
  readonly #within: Access | undefined

  /**
   * @param within the access of the agent for which it acts: it has no right that this one lacks
   * @throws ValidationError `role.unknown`
   */
  constructor(options: AccessOptions = {}, roles: Roles = createRoles(), within?: Access) {
    this.#roles = roles
    this.#within = within
    const { role = 'contributor' } = options
    this.#name = role
    this.#role = roleOf(roles, this.#name)
    this.#allow = listed('allow', options.allow)
    this.#deny = listed('deny', options.deny) ?? new Set()
  }

  /** The name of the role. */
  get role(): string {
    return this.#name
  }
  can(right: Right): boolean {
    if (this.#within && !this.#within.can(right)) return false
    if (isPower(right)) return this.#role.powers?.includes(right) ?? false
    return this.#role.tools.includes(right) && !this.#deny.has(right) && (this.#allow?.has(right) ?? true)
  }
  /** Returns whether a tool, also one of an application, is on the deny list. */
  denies(tool: string): boolean {
    return this.#deny.has(tool) || (this.#within?.denies(tool) ?? false)
  }
  /** @throws AccessDeniedError `access.denied` */
  require(agent: string, right: Right): void {
    if (!this.can(right)) throw failure('access.denied', { agent, action: right })
  }
  setRole(role: string): void {
    this.#role = roleOf(this.#roles, role)
    this.#name = role
  }
  /**
   * @param list undefined: all tools of the role
   * @throws ValidationError for a typing error in the name of a built-in tool
   */
  setAllow(list: readonly string[] | undefined): void {
    checkGrants({ allow: list })
    this.#allow = listed('allow', list)
  }
  /** @throws ValidationError as `setAllow` */
  setDeny(list: readonly string[] | undefined): void {
    checkGrants({ deny: list })
    this.#deny = listed('deny', list) ?? new Set()
  }
  summary(): AccessSummary {
    return {
      role: this.#name,
      available: builtInToolNames.filter((tool) => this.can(tool)),
      denied: [...this.#deny],
      allowed: this.#allow ? [...this.#allow] : 'all',
    }
  }
}

/**
 * A name that is no built-in tool may be that of an application's tool. A name that differs from a built-in one by a
 * typing error would have no effect, without an error.
 * @param own the names of known tools
 * @throws ValidationError with the name of the similar tool
 */
export function checkGrants({ allow, deny }: Pick<AccessOptions, 'allow' | 'deny'>, own: readonly string[] = []): void {
  for (const [what, list] of Object.entries({ allow, deny }))
    for (const name of listed(what, list) ?? []) {
      const meant = own.includes(name) ? undefined : nearestName(name, builtInToolNames)
      if (meant === undefined) continue
      throw invalidInput(what, `there is no tool ${name}; did you mean ${meant}?`)
    }
}

const powers: readonly string[] = ['delete_others', 'write_others', 'change_audience'] satisfies Power[]
const isPower = (right: Right): right is Power => powers.includes(right)

/** The lists may also name tools of applications, so an unknown name is accepted. */
function listed(what: string, list: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (list === undefined) return undefined
  if (!isListOf(list, isText)) throw invalidInput(what, 'it must be a list of names of tools')
  return new Set(list)
}
