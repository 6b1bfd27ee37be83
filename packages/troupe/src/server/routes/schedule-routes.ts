/** Routes of schedules: runs that start at a time, at a change of the context, or at a message. */
import { z } from 'zod'
import { readTeamRequest, type ScheduleSpec } from '../../runs/index.ts'
import { answers, type Call } from '../route.ts'
import {
  durationSchema,
  json,
  optionalBody,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  withoutUndefined,
} from '../schemas/request-schemas.ts'
import { scheduleSchema } from '../schemas/schedule-schema.ts'
import { teamFields } from './start-run-request.ts'

const pathParams = z.object({ schedule: requestText.name })
const schedulesOf = ({ troupe, user }: Pick<Call<unknown, unknown, unknown>, 'troupe' | 'user'>) =>
  troupe.user(user).schedules

export const scheduleRoutes = [
  answers({
    route: 'GET /v1/schedules',
    name: 'schedules.list',
    operation: 'schedules.read',
    role: 'readonly',
    summary: 'List the schedules, with their next times.',
    query: z.strictObject(pagingQuery),
    answer: pageSchema(scheduleSchema),
    handle: async (call) => page(await schedulesOf(call).list(withoutUndefined(call.query))),
  }),
  answers({
    route: 'POST /v1/schedules',
    name: 'schedules.create',
    operation: 'schedules.manage',
    role: 'contributor',
    agents: 'own',
    summary: 'Create a schedule; a repeated request with the same id and spec returns the existing one.',
    body: z.strictObject({
      id: requestText.name.optional(),
      task: json.optional(),
      prepare: requestText.name.optional(),
      ...teamFields,
      config: z.looseObject({}).optional(),
      tags: z.array(requestText.name).max(100).optional(),
      at: requestText.time.optional(),
      in: durationSchema.optional(),
      every: requestText.name.optional(),
      timeZone: requestText.name.optional(),
      onContext: z
        .strictObject({ pattern: requestText.key, topics: z.array(requestText.name).max(100).optional() })
        .optional(),
      onMessage: z.strictObject({ type: requestText.name, to: requestText.name.optional() }).optional(),
      misfire: z.enum(['skip', 'once', 'all']).optional(),
      overlap: z.enum(['allow', 'skip', 'queue']).optional(),
      paused: z.boolean().optional(),
    }),
    answer: scheduleSchema,
    code: 201,
    handle: async (call) => {
      const { body, idempotencyId, parts } = call
      const { team: _, agent: __, topology: ___, ...rest } = body
      const team = readTeamRequest(parts.settings, body)
      const spec = withoutUndefined({ ...rest, ...team, id: body.id ?? idempotencyId }) as ScheduleSpec
      return schedulesOf(call).create(spec)
    },
  }),
  answers({
    route: 'GET /v1/schedules/:schedule',
    name: 'schedules.get',
    operation: 'schedules.read',
    role: 'readonly',
    summary: 'Show a schedule.',
    params: pathParams,
    answer: scheduleSchema,
    handle: (call) => schedulesOf(call).get(call.params.schedule),
  }),
  ...(['pause', 'resume'] as const).map((verb) =>
    answers({
      route: `POST /v1/schedules/:schedule/${verb}`,
      name: `schedules.${verb}`,
      operation: 'schedules.manage',
      role: 'contributor',
      summary: { pause: 'Pause a schedule: it starts no run.', resume: 'Resume a schedule.' }[verb],
      params: pathParams,
      body: optionalBody(z.strictObject({})),
      answer: scheduleSchema,
      handle: (call) => schedulesOf(call)[verb](call.params.schedule),
    }),
  ),
  answers({
    route: 'POST /v1/schedules/:schedule/trigger',
    name: 'schedules.trigger',
    operation: 'schedules.manage',
    role: 'contributor',
    summary: 'Start a run of a schedule now.',
    params: pathParams,
    body: optionalBody(z.strictObject({ id: requestText.name.optional() })),
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async (call) => {
      const options = withoutUndefined({ id: call.body?.id ?? call.idempotencyId })
      return { run: (await schedulesOf(call).trigger(call.params.schedule, options)).id }
    },
  }),
  answers({
    route: 'DELETE /v1/schedules/:schedule',
    name: 'schedules.delete',
    operation: 'schedules.manage',
    role: 'contributor',
    summary: 'Delete a schedule; its started runs continue.',
    params: pathParams,
    answer: z.object({ deleted: z.boolean() }),
    handle: async (call) => ({ deleted: await schedulesOf(call).delete(call.params.schedule) }),
  }),
]
