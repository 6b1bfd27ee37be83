/** The route of the runs that wait for a person: of the caller's user, or of all users for operators. */
import { z } from 'zod'
import { type RunSummary, uncertainEffects } from '../../../runs/index.ts'
import { requireAllUsers } from '../../access/request-principal.ts'
import { answers, type Call } from '../../route.ts'
import { list, page, pageSchema, pagingQuery, withoutUndefined } from '../../schemas/request-schemas.ts'
import { costSchema, questionSchema, tokensSchema, uncertainEffectSchema } from '../../schemas/run-schemas.ts'
import { type StoredResult, storedResults } from '../usage/stored-results.ts'

type AnyCall = Pick<Call<unknown, unknown, unknown>, 'troupe' | 'parts' | 'user' | 'orchestra' | 'signal'>
interface Paging {
  readonly limit?: number
  readonly cursor?: string
}

/** The number of runs of a page that are read concurrently. */
const concurrentRuns = 8

const waitingRunSchema = z.object({
  user: z.string().optional().describe('Present with `allUsers`.'),
  run: z.string(),
  reason: z.string().optional(),
  title: z.string(),
  team: z.string().optional(),
  usage: tokensSchema.optional(),
  cost: costSchema.optional(),
  createdAt: z.string(),
  questions: list(questionSchema),
  uncertain: list(uncertainEffectSchema),
})

export const approvalsRoute = answers({
  method: 'GET',
  path: '/v1/approvals',
  name: 'approvals.list',
  operation: 'approvals.list',
  role: 'readonly',
  summary: 'List the runs that wait for a person, with their questions and uncertain effects.',
  query: z.strictObject({
    ...pagingQuery,
    allUsers: z.enum(['true', 'false']).optional().describe('Include the runs of all users, by user.'),
  }),
  answer: pageSchema(waitingRunSchema),
  handle: async (call) => {
    const { allUsers, ...paging } = call.query
    if (allUsers !== 'true') return page(await waitingRuns(call, withoutUndefined(paging)))
    requireAllUsers(call.principal, 'approvals.list')
    return page(await waitingRunsOfAll(call, withoutUndefined(paging)))
  },
})

const shown = ({ title, team, usage, cost, createdAt }: RunSummary) => ({
  title,
  createdAt,
  ...withoutUndefined({ team, usage, cost }),
})

async function waitingRuns(call: AnyCall, paging: Paging) {
  const found = await call.orchestra.list({ ...paging, status: 'waiting' })
  const waiting = await storedResults(call, found.items)
  const summaries = new Map(found.items.map((summary) => [summary.id, shown(summary)]))
  const items = waiting.map(async ({ id, result: { reason, questions } }) => ({
    run: id,
    ...(summaries.get(id) as ReturnType<typeof shown>),
    ...withoutUndefined({ reason }),
    questions,
    uncertain: await (await call.orchestra.get(id)).uncertain(),
  }))
  return { items: await Promise.all(items), cursor: found.cursor }
}

async function waitingRunsOfAll({ troupe, parts, signal }: AnyCall, paging: Paging) {
  const found = await troupe.listRuns({ ...paging, status: 'waiting', signal })
  const host = parts.runs.orchestra
  const read = async ({ user, ...summary }: (typeof found.items)[number]) => {
    const row = await host.parts.stores.store.get(user, summary.id)
    // The user may have been erased, and the run may have ended, since the list was read.
    if (row?.status !== 'waiting' || row.result === null) return []
    const uncertain = await uncertainEffects(host, user, summary.id)
    const { reason, questions } = JSON.parse(row.result) as StoredResult
    return [{ user, run: summary.id, ...shown(summary), ...withoutUndefined({ reason }), questions, uncertain }]
  }
  const items: Awaited<ReturnType<typeof read>> = []
  for (let i = 0; i < found.items.length; i += concurrentRuns)
    items.push(...(await Promise.all(found.items.slice(i, i + concurrentRuns).map(read))).flat())
  return { items, cursor: found.cursor }
}
