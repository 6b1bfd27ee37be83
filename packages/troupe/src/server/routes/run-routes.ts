/** Routes of runs: start, read, follow and control. */
import { z } from 'zod'
import type { Json } from '../../core/index.ts'
import { type AgentSteps, agentStepsOf, type Run, type RunEvent } from '../../runs/index.ts'
import { answers, type Call, does, streams } from '../route.ts'
import {
  durationSchema,
  flagSchema,
  integerBetween,
  json,
  list,
  optionalBody,
  page,
  pageSchema,
  pagingQuery,
  requestText,
  requiredField,
  resumed,
  runOrderSchema,
  storedErrorSchema,
  withoutUndefined,
} from '../schemas/request-schemas.ts'
import { runEventSchema } from '../schemas/run-event-schema.ts'
import {
  livePartSchema,
  recordedCallSchema,
  runStatusSchema,
  runSummarySchema,
  sentPromptSchema,
} from '../schemas/run-schemas.ts'
import { followed } from '../streams/followed.ts'
import type { Frame } from '../streams/frame.ts'
import { requireAnswerer, runsOfAgent, statusFor } from './agent-access.ts'
import { awaited, runResult, shownResult } from './run-result.ts'
import { startBody, startRequestedRun } from './start-run-request.ts'

const pathParams = z.object({ run: requestText.id })
const usd = z
  .string()
  .max(25)
  .regex(/^\d{1,12}(\.\d{1,12})?$/)
  .transform(Number)
/** The options of `orchestra.list`. Tags are separated by commas, or given by several `tags` parameters. */
const filters = {
  status: z.enum(['running', 'waiting', 'completed', 'failed', 'cancelled']).optional(),
  reason: z.enum(['question', 'paused', 'breakpoint', 'uncertain', 'code.changed']).optional(),
  agent: requestText.name.optional(),
  team: requestText.name.optional(),
  search: z.string().max(1_000).optional(),
  title: z.string().max(200).optional(),
  tags: z
    .union([requestText.tags, z.array(requestText.name).max(100)])
    .transform((tags) => (typeof tags === 'string' ? tags.split(',').filter(Boolean) : tags))
    .optional(),
  threadId: requestText.name.optional(),
  parent: requestText.id.optional(),
  from: z.string().max(100).optional(),
  to: z.string().max(100).optional(),
  minCost: usd.optional(),
  maxCost: usd.optional(),
  order: runOrderSchema.optional(),
}
const command = optionalBody(z.strictObject({ id: z.string().max(256).optional() }))

type OfRun<Query = unknown, Body = unknown> = Call<{ run: string }, Query, Body>
const commandOptions = ({ body, idempotencyId, signal }: OfRun<unknown, { id?: string | undefined } | undefined>) => ({
  ...withoutUndefined({ id: body?.id ?? idempotencyId }),
  signal,
})

async function eventsOf({
  orchestra,
  parts,
  user,
  agent,
  params,
  feeds,
  query,
  header,
  signal,
}: OfRun<{ from?: number | undefined; untilWaiting?: boolean | undefined }>) {
  const run = await orchestra.get(params.run)
  const last = header('last-event-id')
  const from = resumed(last, query.from) ?? 0
  const { untilWaiting = false } = query
  const { status } = await run.status()
  const isAtEnd = isEnded({ status }) || (untilWaiting && status === 'waiting')
  // An EventSource reconnects without end to a stream that ends.
  if (last !== undefined && isAtEnd && !(await hasEvents(run, from))) return undefined
  if (agent !== undefined) {
    const own = await agentStepsOf(parts.runs.orchestra, user, run.id, agent)
    return frames(ownEvents(run.events({ untilWaiting, signal }), from, own))
  }
  // The stream ends for this caller only, so it does not use the shared feed.
  if (untilWaiting) return frames(run.events({ from, untilWaiting, signal }))
  async function* source(after: number, ends: AbortSignal) {
    for await (const item of run.events({ from: after, signal: ends })) yield { at: item.seq, item }
  }
  const key = JSON.stringify(['run', user, run.id])
  // Read once before the stream begins, so that a rejection is answered as a problem.
  if (!feeds.reaches(key, from)) await run.events({ from, signal: AbortSignal.abort() }).next()
  return frames(followed({ feeds, key, from, signal, source }))
}
const isEnded = ({ status: now }: { readonly status: string }) => now !== 'running' && now !== 'waiting'
async function hasEvents(run: Run, from: number): Promise<boolean> {
  for await (const _ of run.events({ from, untilWaiting: true })) return true
  return false
}

/** Steps that start during the stream are read from the events. */
async function* ownEvents(events: AsyncIterable<RunEvent>, from: number, own: AgentSteps): AsyncGenerator<RunEvent> {
  for await (const event of events) {
    own.add(event)
    if (event.seq > from && 'step' in event && typeof event.step === 'string' && own.has(event.step)) yield event
  }
}

async function* frames(events: AsyncIterable<RunEvent>): AsyncGenerator<Frame> {
  for await (const event of events) yield { id: String(event.seq), event: event.type, data: event }
}

async function* liveOf(run: Run, { signal }: OfRun): AsyncGenerator<Frame> {
  for await (const part of run.live({ signal })) yield { event: 'part', data: part }
}

export const runRoutes = [
  answers({
    route: 'POST /v1/runs',
    name: 'runs.start',
    operation: 'runs.start',
    role: 'contributor',
    agents: 'own',
    summary: 'Start a run.',
    body: startBody,
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async (call) => {
      const run = await startRequestedRun(call)
      call.setHeader('location', `/v1/runs/${encodeURIComponent(run.id)}`)
      return { run: run.id }
    },
  }),
  answers({
    route: 'GET /v1/runs',
    name: 'runs.list',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the runs that match every filter, newest first by default.',
    query: z.strictObject({ ...pagingQuery, ...filters }),
    answer: pageSchema(runSummarySchema),
    handle: async (call) => {
      const { orchestra, query } = call
      if (call.agent !== undefined) return runsOfAgent(call, call.agent)
      return page(await orchestra.list(withoutUndefined(query)))
    },
  }),
  answers({
    route: 'GET /v1/runs/:run',
    name: 'runs.get',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'run',
    summary: 'Show the status of a run.',
    params: pathParams,
    answer: runStatusSchema,
    handle: async (call) => statusFor(call, await call.orchestra.get(call.params.run)),
  }),
  answers({
    route: 'GET /v1/runs/:run/result',
    name: 'runs.result',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'started',
    summary:
      'Show the result of a run, waiting for up to `wait` (60s at most); 202 with its status while it is in progress.',
    params: pathParams,
    query: z.strictObject({ wait: durationSchema.optional() }),
    answer: runResult,
    handle: async (call) => awaited(call, await call.orchestra.get(call.params.run), call.query.wait),
  }),
  answers({
    route: 'GET /v1/runs/:run/steps/:step/calls',
    name: 'runs.calls',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'step',
    summary: 'List the calls of a step to models, tools and other effects, with their outcomes.',
    params: pathParams.extend({ step: requestText.id }),
    answer: z.object({ calls: list(recordedCallSchema) }),
    handle: async ({ orchestra, params }) => {
      return { calls: await (await orchestra.get(params.run)).calls(params.step) }
    },
  }),
  answers({
    route: 'GET /v1/runs/:run/steps/:step/prompts',
    name: 'runs.prompts',
    operation: 'runs.read',
    role: 'readonly',
    quotesErrors: true,
    summary: 'Show the prompts of the model calls of a step, for operators; 409 if the code has changed since.',
    params: pathParams.extend({ step: requestText.id }),
    answer: z.object({ prompts: list(sentPromptSchema) }),
    handle: async ({ orchestra, params }) => ({ prompts: await orchestra.prompts(params.run, params.step) }),
  }),
  streams({
    route: 'GET /v1/runs/:run/events',
    name: 'runs.events',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'run',
    summary:
      'Stream the events of a run as they are recorded, as server-sent events; Last-Event-ID or `from` resumes after an event. With ' +
      '`untilWaiting` the stream ends when the run waits.',
    params: pathParams,
    query: z.strictObject({
      from: integerBetween(0, Number.MAX_SAFE_INTEGER).optional(),
      untilWaiting: flagSchema.optional(),
    }),
    data: runEventSchema,
    events: eventsOf,
  }),
  streams({
    route: 'GET /v1/runs/:run/live',
    name: 'runs.live',
    operation: 'runs.live',
    role: 'readonly',
    summary: 'Stream tokens and progress from now on, as server-sent events; some may be lost.',
    params: pathParams,
    data: livePartSchema,
    events: async (call) => {
      const run = await call.orchestra.get(call.params.run)
      // No event follows, and an EventSource would reconnect without end.
      return isEnded(await run.status()) ? undefined : liveOf(run, call)
    },
  }),
  ...(['pause', 'resume', 'cancel'] as const).map((verb) =>
    answers({
      route: `POST /v1/runs/:run/${verb}`,
      name: `runs.${verb}`,
      operation: 'runs.command',
      role: 'contributor',
      // A resume may allow a call at which a person has paused the run.
      ...(verb === 'resume' ? {} : { agents: 'run' as const }),
      summary: {
        pause: 'Pause a run: steps in progress finish, no new step starts.',
        resume: 'Resume a paused run.',
        cancel: 'Cancel a run: its steps clean up, then it ends.',
      }[verb],
      params: pathParams,
      body: command,
      answer: runStatusSchema,
      handle: async (call) => {
        const run = await call.orchestra.get(call.params.run)
        await run[verb](commandOptions(call))
        return statusFor(call, run)
      },
    }),
  ),
  does({
    route: 'POST /v1/runs/:run/answers',
    name: 'runs.answer',
    operation: 'runs.answer',
    role: 'contributor',
    agents: 'own',
    summary: 'Answer a question of the run with a text, one of its options, or `{ approve, hash }`.',
    params: pathParams,
    body: z.strictObject({ question: requestText.id, value: json, id: z.string().max(256).optional() }),
    handle: async (call) => {
      await requireAnswerer(call, { run: call.params.run, ...call.body })
      const run = await call.orchestra.get(call.params.run)
      await run.answer(call.body.question, requiredField(call.body, 'value') as Json, commandOptions(call))
    },
  }),
  answers({
    route: 'POST /execute',
    name: 'tasks.execute',
    operation: 'runs.start',
    role: 'contributor',
    agents: 'own',
    summary: 'Start a run, in the format of simple clients.',
    body: startBody,
    answer: z.object({ task_id: z.string(), status: z.literal('started') }),
    code: 202,
    handle: async (call) => ({ task_id: (await startRequestedRun(call)).id, status: 'started' as const }),
  }),
  answers({
    route: 'GET /status/:run',
    name: 'tasks.status',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'run',
    summary: 'Show the status of a run, in the format of simple clients.',
    params: pathParams,
    answer: z.object({ task_id: z.string(), status: z.string() }),
    handle: async ({ orchestra, params }) => ({
      task_id: params.run,
      status: (await (await orchestra.get(params.run)).status()).status,
    }),
  }),
  answers({
    route: 'GET /result/:run',
    name: 'tasks.result',
    operation: 'runs.read',
    role: 'readonly',
    agents: 'started',
    summary: 'Show the result of a run, in the format of simple clients; 202 while it is in progress.',
    params: pathParams,
    answer: z.object({
      task_id: z.string(),
      status: z.string(),
      success: z.boolean().optional(),
      result: json.optional(),
      error: storedErrorSchema.optional(),
    }),
    handle: async (call) => {
      const found = await awaited(call, await call.orchestra.get(call.params.run), undefined)
      const { status: now, success, response, error } = shownResult(found)
      return { task_id: call.params.run, status: now, ...withoutUndefined({ success, result: response, error }) }
    },
  }),
]
