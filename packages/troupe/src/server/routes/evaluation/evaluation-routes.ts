/** Routes that execute past runs again with a change, and stream the result of each run. */
import { z } from 'zod'
import { type EvaluateOptions, type EvaluationProgress, readTeamRequest } from '../../../runs/index.ts'
import { type Call, streams } from '../../route.ts'
import { evaluationEventSchema } from '../../schemas/evaluation-schemas.ts'
import { requestText, runOrderSchema, withoutUndefined } from '../../schemas/request-schemas.ts'
import { streamWork } from '../../streams/stream-work.ts'
import { teamFields } from '../start-run-request.ts'
import { readScore, scoreSchema } from './read-score.ts'

const filter = z.strictObject({
  status: z.enum(['completed', 'failed', 'cancelled']).optional(),
  agent: requestText.name.optional(),
  team: requestText.name.optional(),
  search: z.string().max(1_000).optional(),
  title: z.string().max(200).optional(),
  tags: z.array(requestText.name).max(100).optional(),
  threadId: requestText.name.optional(),
  parent: requestText.id.optional(),
  from: z.string().max(100).optional(),
  to: z.string().max(100).optional(),
  minCost: z.number().optional(),
  maxCost: z.number().optional(),
  order: runOrderSchema.optional(),
})
const body = z.strictObject({
  id: z.string().max(256).optional().describe('A second call with the same id continues with the remaining runs.'),
  runs: z
    .union([z.array(requestText.id).max(10_000), filter], { error: 'it must be a list of ids, or a filter of runs' })
    .describe('Ids of runs, or the filters of a list of runs.'),
  change: z.strictObject({
    model: requestText.name.optional(),
    prompts: z.record(requestText.name, requestText.long).optional(),
    ...teamFields,
  }),
  score: scoreSchema.describe('How an answer is scored.'),
  live: z.boolean().optional(),
  repeat: z.boolean().optional(),
  concurrency: z.int().min(1).max(32).optional(),
  limit: z.int().min(1).max(10_000).optional(),
  budget: z.strictObject({ tokens: z.number().optional(), cost: z.number().optional() }).optional(),
})
type Asked = Call<unknown, unknown, z.infer<typeof body>>

export const evaluationRoutes = [
  streams({
    route: 'POST /v1/evaluations',
    name: 'runs.evaluate',
    operation: 'runs.fork',
    role: 'moderator',
    summary:
      'Repeat past runs with changes: streams `progress` for each run, then `evaluation`. Closing the connection stops it.',
    body,
    data: evaluationEventSchema,
    events: async (call) => {
      const options = await optionsOf(call)
      const work = (onProgress: (one: EvaluationProgress) => void) =>
        call.orchestra.evaluate({ ...options, signal: call.signal, onProgress })
      return streamWork(call.parts.platform.clock, 'evaluation', work)
    },
  }),
]

async function optionsOf(call: Asked): Promise<EvaluateOptions> {
  const { parts, idempotencyId } = call
  const { score, change, id = idempotencyId, ...rest } = call.body
  const { team, agent, topology, ...edited } = change
  const request = withoutUndefined({ team, agent, topology })
  return {
    ...withoutUndefined({ ...rest, id }),
    change: {
      ...withoutUndefined(edited),
      ...(Object.keys(request).length === 0 ? {} : readTeamRequest(parts.settings, request)),
    },
    score: await readScore(call, score, 'body/score'),
  } as EvaluateOptions
}
