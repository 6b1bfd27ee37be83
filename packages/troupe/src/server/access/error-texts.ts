/** Decides which callers read the texts of errors that users' code threw; without a reason they do not. */
import type { FastifyRequest } from 'fastify'
import { coversOperation, coversRole, type Roles } from '../../security/index.ts'
import type { RequestPrincipal } from './request-principal.ts'

/** By which a client asks for the texts of errors where the server lets in whoever is on this machine. */
export const errorTextsHeader = 'troupe-error-texts'

/**
 * Whether an answer has the texts of errors that users' code threw, or an id in place of each. Operators get them: an
 * admin of all users who acts as no agent and may `audit.read`. Where the server asks for no key, every program on this
 * machine would be one; there the texts are for the studio's own page and for clients that ask for them, as the CLI does.
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
