/** The rights of the caller, by which a user interface shows what the caller may do and nothing else. */
import { z } from 'zod'
import { coversRole } from '../../security/index.ts'
import { answers, type Call, type Route } from '../route.ts'
import { errorTextsHeader, showsErrorTexts } from './error-texts.ts'
import { coversAllUsers, coversRequest } from './request-principal.ts'

type Caller = Pick<Call<unknown, unknown, unknown>, 'parts' | 'principal' | 'agent' | 'header'>

/** Returns whether the rights of the caller admit a request to the route; the data that it names can still reject it. */
function isAdmitted(
  { role, operation, agents, allUsers, quotesErrors }: Route,
  { parts, principal, agent, header }: Caller,
) {
  if (agent !== undefined && agents === undefined) return false
  if (!coversRole(parts.security.roles, principal.role, role) || !coversRequest(principal.operations, operation))
    return false
  if (allUsers && !coversAllUsers(principal, operation)) return false
  const headers = Object.fromEntries([errorTextsHeader, 'sec-fetch-site'].map((name) => [name, header(name)]))
  return !quotesErrors || showsErrorTexts(principal, parts.security.roles, { headers })
}

/** @param routes all other routes of the server */
export const accessRoute = (routes: readonly Route[]) =>
  answers({
    route: 'GET /v1/access',
    name: 'access.get',
    needsNoUser: true,
    operation: 'access.read',
    role: 'readonly',
    agents: 'own',
    summary:
      'Show the rights of the caller: its role, its users, and the operations of this document that it may call.',
    answer: z.object({
      role: z.string(),
      users: z.union([z.literal('all'), z.array(z.string())]),
      agent: z.string().optional(),
      operations: z.array(z.string()),
    }),
    handle: async ({ parts, principal, agent, header }) => ({
      role: principal.role,
      users: principal.users === 'all' ? ('all' as const) : [...principal.users],
      ...(agent === undefined ? {} : { agent }),
      operations: routes
        .filter((route) => isAdmitted(route, { parts, principal, agent, header }))
        .map(({ name }) => name),
    }),
  })
