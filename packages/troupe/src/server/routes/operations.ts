/** What operators look at: figures and health of the whole troupe, for callers who are bound to no user. */
import { z } from 'zod'
import { failure } from '../../core/index.ts'
import { answers, type Call, texts } from '../route.ts'
import { given, page, pageOf, paging, whole } from './shapes.ts'

/** @throws AccessDeniedError: what is told is of everybody */
export function requireAll({
  principal: { users, operations, agent },
  operation,
}: Pick<Call<unknown, unknown, unknown>, 'principal'> & { readonly operation: string }) {
  if (users !== 'all' || agent !== undefined || (operation === 'keys.manage' && operations !== undefined))
    throw failure('request.forbidden', { operation, problem: 'it is about everybody, and the key is bound' })
}

const check = z.looseObject({ name: z.string(), status: z.string() })

const diagnosis = z.object({
  id: z.string(),
  about: z.enum(['configuration', 'system', 'project', 'word', 'own']),
  says: z.string(),
  status: z.enum(['pass', 'warn', 'fail']),
  evidence: z.string(),
  remedy: z.string().optional(),
  guides: z.array(z.string()),
  durationMs: z.number(),
})

const record = z.object({
  id: z.string(),
  at: z.number(),
  user: z.string().optional(),
  actor: z.string(),
  key: z.string().optional(),
  operation: z.string(),
  resource: z.string().optional(),
  allowed: z.boolean(),
  reason: z.string().optional(),
})
const query = {
  ...paging,
  actor: z.string().optional(),
  operation: z.string().optional(),
  resource: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  everybody: z.enum(['true', 'false']).optional().describe('Of all users, and of the troupe as a whole.'),
}

/** Whose records are asked for: the user's whom the call is for, or everybody's, for whoever may ask for those. */
function whose(
  { troupe, user, principal }: Pick<Call<unknown, unknown, unknown>, 'troupe' | 'user' | 'principal'>,
  everybody?: string,
) {
  if (everybody !== 'true') return { user: troupe.user(user).id }
  requireAll({ principal, operation: 'audit.read' })
  return {}
}

const auditRoutes = [
  answers({
    method: 'GET',
    path: '/v1/audit',
    everybody: true,
    operation: 'audit.read',
    role: 'moderator',
    summary: 'Who did what for the user, the newest first.',
    query: z.strictObject({ ...query, allowed: z.enum(['true', 'false']).optional() }),
    answer: pageOf(record),
    handle: async (call) => {
      const { allowed, everybody, ...rest } = call.query
      const wanted = given({ ...rest, allowed: allowed === undefined ? undefined : allowed === 'true' })
      return page(await call.troupe.audit.list({ ...wanted, ...whose(call, everybody) }))
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/incidents',
    everybody: true,
    operation: 'audit.read',
    role: 'moderator',
    summary: 'What was refused to the user and its agents, the newest first.',
    query: z.strictObject(query),
    answer: pageOf(record),
    handle: async (call) => {
      const { everybody, ...wanted } = call.query
      return page(await call.troupe.audit.incidents({ ...given(wanted), ...whose(call, everybody) }))
    },
  }),
  texts({
    method: 'GET',
    path: '/v1/audit/export',
    everybody: true,
    operation: 'audit.read',
    role: 'moderator',
    summary: 'The whole log of everybody as lines of JSON, for keeping and for verifying.',
    type: 'application/x-ndjson; charset=utf-8',
    text: async ({ troupe, principal }) => {
      requireAll({ principal, operation: 'audit.read' })
      return linesOf(troupe.audit.export())
    },
  }),
]

async function* linesOf(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

export const operationRoutes = [
  ...auditRoutes,
  answers({
    method: 'GET',
    path: '/v1/health',
    everybody: true,
    operation: 'metrics.read',
    role: 'readonly',
    summary: 'Whether the whole works, check by check.',
    answer: z.looseObject({ status: z.string(), timestamp: z.string(), checks: z.array(check) }),
    handle: async ({ troupe, principal }) => {
      requireAll({ principal, operation: 'metrics.read' })
      const report = await troupe.health()
      return { ...report, checks: report.checks.map((one) => ({ ...one })) }
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/doctor',
    everybody: true,
    operation: 'metrics.read',
    role: 'admin',
    summary: 'The checklists for production: what holds, what does not, and what to do.',
    query: z.strictObject({ production: z.enum(['true', 'false']).optional() }),
    answer: z.looseObject({ status: z.string(), production: z.boolean(), at: z.string(), checks: z.array(diagnosis) }),
    handle: async ({ troupe, principal, query: { production }, signal }) => {
      requireAll({ principal, operation: 'metrics.read' })
      const report = await troupe.doctor({
        signal,
        ...(production === undefined ? {} : { production: production === 'true' }),
      })
      return { ...report, checks: report.checks.map((one) => ({ ...one, guides: [...one.guides] })) }
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/versions',
    everybody: true,
    operation: 'metrics.read',
    role: 'readonly',
    summary: 'Which release this is, what it writes and reads, and which runs in flight need another one.',
    query: z.strictObject({ limit: whole(1, 10_000).optional() }),
    answer: z.looseObject({ build: z.string(), behind: z.array(z.looseObject({ run: z.string() })) }),
    handle: async ({ troupe, principal, query: wanted }) => {
      requireAll({ principal, operation: 'metrics.read' })
      const { behind, ...rest } = await troupe.versions(given(wanted))
      return { ...rest, behind: behind.map((one) => ({ ...one })) }
    },
  }),
  texts({
    method: 'GET',
    path: '/metrics',
    everybody: true,
    operation: 'metrics.read',
    role: 'readonly',
    summary: 'Counts and durations, as Prometheus reads them.',
    type: 'text/plain; version=0.0.4; charset=utf-8',
    text: async ({ troupe, principal }) => {
      requireAll({ principal, operation: 'metrics.read' })
      return troupe.metrics.prometheus()
    },
  }),
]
