/** The route of the runs that wait for a person: of the caller's user, or of all users for operators. */
import { z } from 'zod'
import type { UserId } from '../../../core/index.ts'
import { type RunSummary, readAccountOutline, uncertainEffects } from '../../../runs/index.ts'
import { requireAllUsers } from '../../access/request-principal.ts'
import { answers, type Call } from '../../route.ts'
import { list, page, pageSchema, pagingQuery, withoutUndefined } from '../../schemas/request-schemas.ts'
import { costSchema, questionSchema, tokensSchema, uncertainEffectSchema } from '../../schemas/run-schemas.ts'

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
  const { items, cursor } = await call.orchestra.list({ ...paging, status: 'waiting' })
  return { items: await withQuestions(call, items), cursor }
}

async function waitingRunsOfAll(call: AnyCall, paging: Paging) {
  const { items, cursor } = await call.troupe.listRuns({ ...paging, status: 'waiting', signal: call.signal })
  return { items: await withQuestions(call, items), cursor }
}

/** @param listed runs of the caller's user, or of the users that they name */
async function withQuestions(
  { parts, user: own }: AnyCall,
  listed: readonly (RunSummary & { readonly user?: UserId })[],
) {
  const host = parts.runs.orchestra
  const read = async ({ user, ...summary }: (typeof listed)[number]) => {
    const { id } = summary
    const row = await host.parts.stores.store.get(user ?? own, id)
    // The user may have been erased, and the run may have ended, since the list was read.
    if (row?.status !== 'waiting' || row.result === null) return []
    const uncertain = await uncertainEffects(host, user ?? own, id)
    const { reason, questions } = readAccountOutline(row.result)
    return [{ ...withoutUndefined({ user, reason }), run: id, ...shown(summary), questions, uncertain }]
  }
  const items: Awaited<ReturnType<typeof read>> = []
  for (let i = 0; i < listed.length; i += concurrentRuns)
    items.push(...(await Promise.all(listed.slice(i, i + concurrentRuns).map(read))).flat())
  return items
}
