/** The route that lists the runs of all users, for operators. */
import { z } from 'zod'
import { answers } from '../../route.ts'
import { page, pageSchema, pagingQuery, withoutUndefined } from '../../schemas/request-schemas.ts'
import { runSummarySchema } from '../../schemas/run-schemas.ts'

export const allRunsRoute = answers({
  route: 'GET /v1/operations/runs',
  name: 'operations.runs',
  allUsers: true,
  operation: 'runs.read',
  role: 'readonly',
  summary: 'List the runs of all users: the open ones by user, or the ended or failed ones, newest end first.',
  query: z.strictObject({
    ...pagingQuery,
    status: z
      .enum(['open', 'waiting', 'ended', 'failed'])
      .optional()
      .describe('`open` by default: the runs that have not ended.'),
  }),
  answer: pageSchema(runSummarySchema.extend({ user: z.string() })),
  handle: async ({ troupe, query, signal }) => page(await troupe.listRuns({ ...withoutUndefined(query), signal })),
})
