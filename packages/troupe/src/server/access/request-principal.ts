/** Who calls, and what they may do: the same shape whether a key, a token or a session says so. */
import { checkName, failure } from '../../core/index.ts'
import {
  Access,
  coversOperation,
  coversRole,
  type Grant,
  type LeastRole,
  type Operation,
  type Roles,
} from '../../security/index.ts'

export interface RequestPrincipal extends Omit<Grant, 'kind'> {
  /** `local` is whoever is on this machine, where the server asks for no key. */
  readonly kind: Grant['kind'] | 'token' | 'local'
  /** When a token ends, in seconds since 1970. */
  readonly until?: number
}

/** What a request asks for: an operation, or to speak MCP, where each call is an operation of its own. */
export type RequestedOperation = Operation | 'mcp'

/** @throws AccessDeniedError `request.forbidden` */
export function authorize(
  principal: RequestPrincipal,
  roles: Roles,
  least: LeastRole,
  operation: RequestedOperation,
): void {
  const rejection = (problem: string) => failure('request.forbidden', { operation, problem })
  if (!coversRole(roles, principal.role, least))
    throw rejection(`it has the role ${principal.role}, and ${least} is the least`)
  if (operation !== 'mcp' && !coversOperation(principal.operations, operation))
    throw rejection('it is not among its operations')
}

/**
 * @param named by the header troupe-user; needed where the principal may speak for several
 * @throws AccessDeniedError for a user that is not the principal's, whether there is one of that name or not
 */
export function userOf(principal: RequestPrincipal, named: string | undefined, operation: RequestedOperation): string {
  const { users } = principal
  if (named !== undefined) {
    const user = checkName('user', named)
    if (users === 'all' || users.includes(user)) return user
    throw failure('request.forbidden', { operation, problem: 'the user named is not one of its own' })
  }
  const [only, ...others] = users === 'all' ? ['default'] : users
  if (only === undefined || others.length > 0)
    throw failure('request.invalid', { problem: 'the key is for several users, and the header troupe-user names none' })
  return only
}

/** @returns undefined for the host, who reads all of the user's. @throws AccessDeniedError for another's name */
export function actingAgentOf(
  principal: RequestPrincipal,
  named: string | undefined,
  operation: RequestedOperation,
): string | undefined {
  if (named === undefined || named === principal.agent) return principal.agent
  if (principal.agent === undefined) return checkName('agent', named)
  throw failure('request.forbidden', { operation, problem: `it acts as ${principal.agent} alone` })
}

/** By which a call came in, for the audit log; undefined on this machine, where nobody is asked for one. */
export const keyOf = ({ kind, id }: RequestPrincipal): string | undefined => (kind === 'local' ? undefined : id)

export const accessOf = (principal: RequestPrincipal, roles: Roles): Access =>
  new Access({ role: principal.role }, roles)
