/** Routes for operators: metrics and health of the troupe, for callers that are not bound to a user. */
import { z } from 'zod'
import { requireAllUsers } from '../access/request-principal.ts'
import { answers, type Call, texts } from '../route.ts'
import {
  auditRecordSchema,
  auditReportSchema,
  doctorReportSchema,
  healthSchema,
  versionsSchema,
} from '../schemas/health-schemas.ts'
import {
  flagSchema,
  integerBetween,
  optionalBody,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  withoutUndefined,
} from '../schemas/request-schemas.ts'

const query = {
  ...pagingQuery,
  actor: requestText.name.optional(),
  operation: requestText.name.optional(),
  resource: requestText.key.optional(),
  from: requestText.time.optional(),
  to: requestText.time.optional(),
  allUsers: flagSchema.optional().describe('Include the entries of all users and of the troupe itself.'),
}

/** Returns whose records are requested: those of the call's user, or of all users if the caller may read them. */
function userFilter(
  { troupe, user, principal }: Pick<Call<unknown, unknown, unknown>, 'troupe' | 'user' | 'principal'>,
  allUsers?: boolean,
) {
  if (!allUsers) return { user: troupe.user(user).id }
  requireAllUsers(principal, 'audit.read')
  return {}
}

const auditRoutes = [
  answers({
    route: 'GET /v1/audit',
    name: 'audit.list',
    needsNoUser: true,
    operation: 'audit.read',
    role: 'moderator',
    summary: 'List the audit entries of the user, newest first.',
    query: z.strictObject({ ...query, allowed: flagSchema.optional() }),
    answer: pageSchema(auditRecordSchema),
    handle: async (call) => {
      const { allUsers, ...wanted } = call.query
      return page(await call.troupe.audit.list({ ...withoutUndefined(wanted), ...userFilter(call, allUsers) }))
    },
  }),
  answers({
    route: 'GET /v1/incidents',
    name: 'audit.incidents',
    needsNoUser: true,
    operation: 'audit.read',
    role: 'moderator',
    summary: 'List the incidents of the user and its agents, newest first: each is an attempt that was rejected.',
    query: z.strictObject(query),
    answer: pageSchema(auditRecordSchema),
    handle: async (call) => {
      const { allUsers, ...wanted } = call.query
      return page(await call.troupe.audit.incidents({ ...withoutUndefined(wanted), ...userFilter(call, allUsers) }))
    },
  }),
  texts({
    route: 'GET /v1/audit/export',
    name: 'audit.export',
    allUsers: true,
    operation: 'audit.read',
    role: 'moderator',
    summary: 'Export the audit log of all users as lines of JSON, to store and to verify.',
    type: 'application/x-ndjson; charset=utf-8',
    text: async ({ troupe }) => linesOf(troupe.audit.export()),
  }),
  answers({
    route: 'POST /v1/audit/verify',
    name: 'audit.verify',
    allUsers: true,
    operation: 'audit.read',
    role: 'moderator',
    isRead: true,
    summary:
      'Verify the stored audit log of all users against its hashes and the checkpoints that the troupe can read.',
    body: optionalBody(z.strictObject({})),
    answer: auditReportSchema,
    handle: ({ troupe, signal }) => troupe.audit.verify({ signal }),
  }),
]

async function* linesOf(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

export const operationRoutes = [
  ...auditRoutes,
  answers({
    route: 'GET /v1/health',
    name: 'operations.health',
    allUsers: true,
    operation: 'metrics.read',
    role: 'readonly',
    summary: 'Show the health of the troupe, check by check.',
    answer: healthSchema,
    handle: ({ troupe }) => troupe.health(),
  }),
  answers({
    route: 'GET /v1/doctor',
    name: 'operations.doctor',
    allUsers: true,
    operation: 'metrics.read',
    role: 'admin',
    summary: 'Run the checklists for production: each check with its result and its remedy.',
    query: z.strictObject({ production: flagSchema.optional() }),
    answer: doctorReportSchema,
    handle: ({ troupe, query: wanted, signal }) => troupe.doctor({ signal, ...withoutUndefined(wanted) }),
  }),
  answers({
    route: 'GET /v1/versions',
    name: 'operations.versions',
    allUsers: true,
    operation: 'metrics.read',
    role: 'readonly',
    summary: 'Show the release, the formats that it reads and writes, and the open runs that need another release.',
    query: z.strictObject({ limit: integerBetween(1, 10_000).optional() }),
    answer: versionsSchema,
    handle: ({ troupe, query: wanted }) => troupe.versions(withoutUndefined(wanted)),
  }),
  texts({
    route: 'GET /metrics',
    name: 'operations.metrics',
    allUsers: true,
    operation: 'metrics.read',
    role: 'readonly',
    summary: 'Show counts and durations in the format of Prometheus.',
    type: 'text/plain; version=0.0.4; charset=utf-8',
    text: ({ troupe }) => troupe.metrics.prometheus(),
  }),
]
