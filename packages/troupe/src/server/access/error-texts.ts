/** Decides which callers may read the texts of errors from users' code. By default they may not. */
import type { FastifyRequest } from 'fastify'
import { coversOperation, coversRole, type Roles } from '../../security/index.ts'
import type { RequestPrincipal } from './request-principal.ts'

/** The header by which a client asks for error texts if the server asks no key of callers on this machine. */
export const errorTextsHeader = 'troupe-error-texts'

/**
 * Returns whether an answer shows the texts of errors from users' code, or an id in place of each. Operators see them: an
 * admin of all users who does not act as an agent and may `audit.read`. If the server asks for no key, every program on this
 * machine would be an operator. Then the studio's page and clients that ask for the texts, such as the CLI, get them.
 */
export function showsErrorTexts(
  { users, agent, role, operations, kind }: RequestPrincipal,
  roles: Roles,
  { headers }: Pick<FastifyRequest, 'headers'>,
): boolean {
  const isOperator =
    users === 'all' &&
    agent === undefined &&
    coversRole(roles, role, 'admin') &&
    coversOperation(operations, 'audit.read')
  if (!isOperator || kind !== 'local') return isOperator
  return headers[errorTextsHeader] === 'show' || headers['sec-fetch-site'] === 'same-origin'
}
