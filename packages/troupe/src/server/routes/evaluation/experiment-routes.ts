/** Routes of experiments: teams evaluated on the cases of a data set, and their results over time. */
import { z } from 'zod'
import {
  type ExperimentProgress,
  type ExperimentSpec,
  parseDataset,
  readTeamRequest,
  type Score,
} from '../../../runs/index.ts'
import { answers, type Call, streams } from '../../route.ts'
import {
  experimentEventSchema,
  experimentSchema,
  experimentSummarySchema,
  onlineScoresSchema,
  scoreHistorySchema,
} from '../../schemas/experiment-schemas.ts'
import {
  durationSchema,
  intervalsQuery,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  withoutUndefined,
} from '../../schemas/request-schemas.ts'
import { streamWork } from '../../streams/stream-work.ts'
import { teamFields } from '../start-run-request.ts'
import { readScore, scoreSchema } from './read-score.ts'

const body = z.strictObject({
  id: z.string().max(128).optional().describe('A repeated request with the id runs the remaining cases.'),
  dataset: z.strictObject({
    name: z.string().max(256),
    jsonl: requestText.long.describe('One case on each line: { id?, input, expected?, labels?, tags? }.'),
  }),
  ...teamFields,
  against: z.strictObject(teamFields).optional().describe('Another team, which gets the same cases.'),
  scorers: z.record(requestText.name, scoreSchema).describe('Scorers by name.'),
  tags: z.array(requestText.name).max(100).optional().describe('Only cases that have all of these tags.'),
  limit: z.int().min(1).max(10_000).optional(),
  config: z.looseObject({}).optional(),
  budget: z
    .strictObject({ tokens: z.number().optional(), cost: z.number().optional(), time: durationSchema.optional() })
    .optional()
    .describe('The budget that all cases share; cases that no longer fit are skipped.'),
  concurrency: z.int().min(1).max(32).optional(),
})
type Asked = Call<unknown, unknown, z.infer<typeof body>>

const experimentsOf = ({ troupe, user }: Pick<Call<unknown, unknown, unknown>, 'troupe' | 'user'>) =>
  troupe.user(user).experiments

export const experimentRoutes = [
  streams({
    route: 'POST /v1/experiments',
    name: 'experiments.evaluate',
    operation: 'runs.start',
    role: 'moderator',
    summary:
      'Evaluate one team or two on a data set: streams `progress` for each case, then `experiment`. Closing the connection stops it; a repeated request runs the remaining cases.',
    body,
    data: experimentEventSchema,
    events: async (call) => {
      const spec = await specOf(call)
      const work = (onProgress: (one: ExperimentProgress) => void) =>
        experimentsOf(call).evaluate({ ...spec, signal: call.signal, onProgress })
      return streamWork(call.parts.platform.clock, 'experiment', work)
    },
  }),
  answers({
    route: 'GET /v1/experiments',
    name: 'experiments.list',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'List the experiments, newest first.',
    query: z.strictObject(pagingQuery),
    answer: pageSchema(experimentSummarySchema),
    handle: async (call) => page(await experimentsOf(call).list(withoutUndefined(call.query))),
  }),
  answers({
    route: 'GET /v1/experiments/:experiment',
    name: 'experiments.get',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Show an experiment with its results so far.',
    params: z.object({ experiment: requestText.id }),
    answer: experimentSchema,
    handle: (call) => experimentsOf(call).get(call.params.experiment),
  }),
  answers({
    route: 'GET /v1/scores/history',
    name: 'scores.history',
    operation: 'runs.read',
    role: 'readonly',
    summary:
      'Show the number, mean, lowest and highest of the online scores per hour or day, scorer and team, oldest first.',
    query: intervalsQuery,
    answer: scoreHistorySchema,
    handle: async (call) => ({ items: [...(await experimentsOf(call).scores(withoutUndefined(call.query)))] }),
  }),
  answers({
    route: 'GET /v1/runs/:run/scores',
    name: 'runs.scores',
    operation: 'runs.read',
    role: 'readonly',
    summary:
      'Show the online scores of a run, with the reasons of a judge; empty if the run was not sampled or is not scored yet.',
    params: z.object({ run: requestText.id }),
    answer: onlineScoresSchema,
    handle: async (call) => {
      const { run } = call.params
      await call.orchestra.get(run)
      const { scores = {}, scoring, scoredAt } = (await experimentsOf(call).scoresOf(run)) ?? {}
      return { scores, ...(scoring ? { scoring } : {}), ...(scoredAt === undefined ? {} : { scoredAt }) }
    },
  }),
]

async function specOf(call: Asked): Promise<ExperimentSpec> {
  const { parts, idempotencyId } = call
  const { id = idempotencyId, dataset, team, agent, topology, against, scorers, ...rest } = call.body
  const read: Record<string, Score> = {}
  for (const [name, score] of Object.entries(scorers)) read[name] = await readScore(call, score, `body/scorers/${name}`)
  const other = against && readTeamRequest(parts.settings, withoutUndefined(against))
  return {
    ...withoutUndefined({ ...rest, id }),
    ...readTeamRequest(parts.settings, withoutUndefined({ team, agent, topology })),
    ...(other ? { against: other } : {}),
    dataset: parseDataset(dataset.name, dataset.jsonl),
    scorers: read,
  } as ExperimentSpec
}
