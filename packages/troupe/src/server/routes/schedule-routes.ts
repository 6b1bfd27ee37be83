/** Schedules: runs that begin at a time, at a change of context, or at a message. */
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
  withoutUndefined,
} from './request-schemas.ts'
import { teamFields } from './start-run-request.ts'

const pathParams = z.object({ schedule: z.string() })
const schedule = z.looseObject({ id: z.string(), state: z.string(), createdAt: z.string(), next: z.array(z.string()) })
const schedulesOf = ({ troupe, user }: Pick<Call<unknown, unknown, unknown>, 'troupe' | 'user'>) =>
  troupe.user(user).schedules
const wire = (one: object) => ({ ...one }) as z.infer<typeof schedule>

export const scheduleRoutes = [
  answers({
    method: 'GET',
    path: '/v1/schedules',
    operation: 'schedules.read',
    role: 'readonly',
    summary: 'The schedules, with their coming times.',
    query: z.strictObject(pagingQuery),
    answer: pageSchema(schedule),
    handle: async (call) => {
      const { items, cursor } = await schedulesOf(call).list(withoutUndefined(call.query))
      return page({ items: items.map(wire), cursor })
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/schedules',
    operation: 'schedules.manage',
    role: 'contributor',
    agents: 'own',
    summary: 'Creates a schedule; again with the same id and spec it is the one that is there.',
    body: z.strictObject({
      id: z.string().optional(),
      task: json.optional(),
      prepare: z.string().optional(),
      ...teamFields,
      config: z.looseObject({}).optional(),
      tags: z.array(z.string()).max(100).optional(),
      at: z.string().optional(),
      in: durationSchema.optional(),
      every: z.string().optional(),
      timeZone: z.string().optional(),
      onContext: z.strictObject({ pattern: z.string(), topics: z.array(z.string()).optional() }).optional(),
      onMessage: z.strictObject({ type: z.string(), to: z.string().optional() }).optional(),
      misfire: z.enum(['skip', 'once', 'all']).optional(),
      overlap: z.enum(['allow', 'skip', 'queue']).optional(),
      paused: z.boolean().optional(),
    }),
    answer: schedule,
    code: 201,
    handle: async (call) => {
      const { body, idempotencyId, parts } = call
      const { team: _, agent: __, topology: ___, ...rest } = body
      const team = readTeamRequest(parts.settings, body)
      const spec = withoutUndefined({ ...rest, ...team, id: body.id ?? idempotencyId }) as ScheduleSpec
      return wire(await schedulesOf(call).create(spec))
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/schedules/:schedule',
    operation: 'schedules.read',
    role: 'readonly',
    summary: 'One of them.',
    params: pathParams,
    answer: schedule,
    handle: async (call) => wire(await schedulesOf(call).get(call.params.schedule)),
  }),
  ...(['pause', 'resume'] as const).map((verb) =>
    answers({
      method: 'POST',
      path: `/v1/schedules/:schedule/${verb}`,
      operation: 'schedules.manage',
      role: 'contributor',
      summary: { pause: 'It begins no run.', resume: 'It goes on.' }[verb],
      params: pathParams,
      body: optionalBody(z.strictObject({})),
      answer: schedule,
      handle: async (call) => wire(await schedulesOf(call)[verb](call.params.schedule)),
    }),
  ),
  answers({
    method: 'POST',
    path: '/v1/schedules/:schedule/trigger',
    operation: 'schedules.manage',
    role: 'contributor',
    summary: 'Begins a run of it now.',
    params: pathParams,
    body: optionalBody(z.strictObject({ id: z.string().optional() })),
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async (call) => {
      const options = withoutUndefined({ id: call.body?.id ?? call.idempotencyId })
      return { run: (await schedulesOf(call).trigger(call.params.schedule, options)).id }
    },
  }),
  answers({
    method: 'DELETE',
    path: '/v1/schedules/:schedule',
    operation: 'schedules.manage',
    role: 'contributor',
    summary: 'Deletes a schedule; the runs that it began go on.',
    params: pathParams,
    answer: z.object({ deleted: z.boolean() }),
    handle: async (call) => ({ deleted: await schedulesOf(call).delete(call.params.schedule) }),
  }),
]
