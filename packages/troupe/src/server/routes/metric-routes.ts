/** Routes of metrics that users' code has recorded. They are data of the user and are read like entries. */
import { z } from 'zod'
import { createUserMetrics } from '../../observability/index.ts'
import { requireMetrics } from '../../operations/index.ts'
import { accessOf } from '../access/request-principal.ts'
import { answers, type Call } from '../route.ts'
import { durationSchema, requestText, withoutUndefined } from '../schemas/request-schemas.ts'

function metricsOf({ parts, principal, user, requestContext }: Call<unknown, unknown, unknown>) {
  const require = requireMetrics(accessOf(principal, parts.security.roles), requestContext.name)
  return createUserMetrics(
    { store: parts.observability.metricStore, metrics: parts.observability.metrics, checkRight: require },
    user,
  )
}

export const metricRoutes = [
  answers({
    route: 'GET /v1/metrics',
    name: 'metrics.list',
    operation: 'context.read',
    role: 'readonly',
    summary: 'List the names of the metrics that the user or its agents have recorded.',
    answer: z.object({ names: z.array(z.string()) }),
    handle: async (call) => ({ names: [...(await metricsOf(call).names())] }),
  }),
  answers({
    route: 'GET /v1/metrics/:metric',
    name: 'metrics.get',
    operation: 'context.read',
    role: 'readonly',
    summary: 'Summarise the values of a metric within `window`; by default all stored values.',
    params: z.object({ metric: requestText.name }),
    query: z.strictObject({ window: durationSchema.optional() }),
    answer: z.object({
      count: z.number(),
      failures: z.number(),
      average: z.number(),
      min: z.number(),
      max: z.number(),
      latest: z.number(),
    }),
    handle: async (call) => metricsOf(call).summary(call.params.metric, withoutUndefined(call.query)),
  }),
]
