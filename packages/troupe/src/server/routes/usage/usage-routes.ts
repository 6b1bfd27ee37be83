/** Routes of usage: over time, by user, team and model, and of each run. */
import { z } from 'zod'
import { requireAllUsers } from '../../access/request-principal.ts'
import { answers } from '../../route.ts'
import {
  flagSchema,
  integerBetween,
  intervalsQuery,
  pagingQuery,
  withoutUndefined,
} from '../../schemas/request-schemas.ts'
import { costSchema, tokensSchema } from '../../schemas/run-schemas.ts'

export const usageRoutes = [
  answers({
    route: 'GET /v1/usage/history',
    name: 'usage.history',
    operation: 'usage.read',
    role: 'readonly',
    summary: 'Show the number, failures, tokens, cost and durations of runs per hour or day and team, oldest first.',
    query: intervalsQuery,
    answer: z.object({
      items: z.array(
        z.object({
          at: z.string(),
          team: z.string().optional(),
          runs: z.number(),
          failed: z.number(),
          tokens: z.number(),
          cost: z.number(),
          unpriced: z.number(),
          durationMs: z.object({ p50: z.number(), p95: z.number() }).optional(),
        }),
      ),
    }),
    handle: async ({ orchestra, query }) => ({ items: [...(await orchestra.usage(withoutUndefined(query)))] }),
  }),
  answers({
    route: 'GET /v1/usage',
    name: 'usage.list',
    operation: 'usage.read',
    role: 'readonly',
    summary: 'Show tokens and cost of the ended and waiting runs of one page of runs, for each run and in total.',
    query: z.strictObject(pagingQuery),
    answer: z.object({
      items: z.array(z.object({ run: z.string(), title: z.string(), usage: tokensSchema, cost: costSchema })),
      total: z.object({ usage: tokensSchema, cost: costSchema }),
      cursor: z.string().optional(),
    }),
    handle: async (call) => {
      const found = await call.orchestra.list(withoutUndefined(call.query))
      const items = found.items.flatMap(({ id, status, title, usage, cost }) =>
        status === 'running' || !usage || !cost
          ? []
          : [{ run: id, title, usage: { ...usage }, cost: { usd: cost.usd, unknown: [...cost.unknown] } }],
      )
      const total = {
        usage: {
          inputTokens: items.reduce((sum, { usage }) => sum + usage.inputTokens, 0),
          outputTokens: items.reduce((sum, { usage }) => sum + usage.outputTokens, 0),
        },
        cost: {
          usd: items.reduce((sum, { cost }) => sum + cost.usd, 0),
          unknown: [...new Set(items.flatMap(({ cost }) => cost.unknown))],
        },
      }
      return { items, total, ...withoutUndefined({ cursor: found.cursor }) }
    },
  }),
  answers({
    route: 'GET /v1/usage/groups',
    name: 'usage.groups',
    operation: 'usage.read',
    role: 'readonly',
    summary: 'Show runs, tokens and cost by user, team or model, the most expensive first.',
    query: z.strictObject({
      by: z.enum(['user', 'team', 'model']).optional().describe('`team` by default.'),
      from: z.string().max(100).optional().describe('ISO text; 30 days before `to` by default.'),
      to: z.string().max(100).optional().describe('ISO text, not included; now by default.'),
      limit: integerBetween(1, 1_000).optional().describe('100 by default.'),
      allUsers: flagSchema.optional().describe('Include the runs of all users.'),
    }),
    answer: z.object({
      items: z.array(
        z.object({
          name: z.string().optional().describe('Absent if the team was not registered, or the model is unknown.'),
          runs: z.number(),
          tokens: z.number(),
          inputTokens: z.number(),
          outputTokens: z.number(),
          cost: z.number(),
          unpriced: z.number().describe('The number of runs that used a model without a price.'),
        }),
      ),
    }),
    handle: async ({ troupe, orchestra, principal, query: { by = 'team', allUsers, ...rest } }) => {
      const options = withoutUndefined(rest)
      if (!allUsers) return { items: [...(await orchestra.usageBy(by, options))] }
      requireAllUsers(principal, 'usage.read')
      return { items: [...(await troupe.usageBy(by, options))] }
    },
  }),
]
