/** The caller of a request and the caller's rights, in the same form for keys, tokens and sessions. */
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
  /** `local` is a caller on this machine if the server asks for no key. */
  readonly kind: Grant['kind'] | 'token' | 'local'
  /** When the token expires, in seconds since 1970. */
  readonly until?: number
}

/** The operation that a request asks for. In MCP, each call is an operation; any caller may read its own rights. */
export type RequestedOperation = Operation | 'mcp' | 'access.read'

/** Returns whether the operations of a caller include the requested one. */
export const coversRequest = (operations: Grant['operations'], requested: RequestedOperation): boolean =>
  requested === 'mcp' || requested === 'access.read' || coversOperation(operations, requested)

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
  if (!coversRequest(principal.operations, operation)) throw rejection('it is not among its operations')
}

/**
 * Returns whether the caller may call routes about all users. Keys are managed only by callers that are not limited to some
 * operations.
 */
export const coversAllUsers = (
  { users, operations, agent }: Pick<RequestPrincipal, 'users' | 'operations' | 'agent'>,
  operation: RequestedOperation,
): boolean => users === 'all' && agent === undefined && !(operation.startsWith('api-keys.') && operations !== undefined)

/** @throws AccessDeniedError if the caller may not see the data of all users */
export function requireAllUsers(principal: RequestPrincipal, operation: RequestedOperation): void {
  if (!coversAllUsers(principal, operation))
    throw failure('request.forbidden', { operation, problem: 'it concerns all users, and the key is limited to some' })
}

/**
 * @param named the header troupe-user; required if the principal may act for several users
 * @throws AccessDeniedError for any other user than the principal's, whether that user exists or not
 */
export function userOf(principal: RequestPrincipal, named: string | undefined, operation: RequestedOperation): string {
  const { users } = principal
  if (named !== undefined) {
    const user = checkName('user', named)
    if (users === 'all' || users.includes(user)) return user
    throw failure('request.forbidden', { operation, problem: 'the user named is not one of its own' })
  }
  const [only, ...others] = users === 'all' ? ['default'] : users
  // A caller of several users learns by its rights which ones it can name.
  if (only === undefined || (others.length > 0 && operation !== 'access.read'))
    throw failure('request.invalid', { problem: 'the key is for several users, and the header troupe-user names none' })
  return only
}

/**
 * @returns undefined for the application, which may read all data of the user.
 * @throws AccessDeniedError for another agent
 */
export function actingAgentOf(
  principal: RequestPrincipal,
  named: string | undefined,
  operation: RequestedOperation,
): string | undefined {
  if (named === undefined || named === principal.agent) return principal.agent
  if (principal.agent === undefined) return checkName('agent', named)
  throw failure('request.forbidden', { operation, problem: `it acts as ${principal.agent} alone` })
}

/** Returns the id of the caller's API key, for the audit log; undefined for a local caller without a key. */
export const keyOf = ({ kind, id }: RequestPrincipal): string | undefined => (kind === 'local' ? undefined : id)

export const accessOf = (principal: RequestPrincipal, roles: Roles): Access =>
  new Access({ role: principal.role }, roles)
