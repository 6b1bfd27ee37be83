/** What can be done with the record of a run: replay, fork, compare, ask why, take it along. */
import { z } from 'zod'
import type { ForkOptions } from '../../runs/index.ts'
import { answers } from '../route.ts'
import {
  done,
  integerBetween,
  json,
  metadata,
  optionalBody,
  storedErrorSchema,
  withoutUndefined,
} from './request-schemas.ts'
import { uncertainEffect } from './run-result.ts'

const pathParams = z.object({ run: z.string() })
const breakpointError = "it is 'error', { agent }, { tool } or { seq }, or a list of them"
const breakOn = z.union(
  [
    z.literal('error'),
    z.strictObject({ agent: z.string() }),
    z.strictObject({ tool: z.string() }),
    z.strictObject({ seq: z.int().min(1) }),
  ],
  { error: breakpointError },
)
const event = z.looseObject({ type: z.string(), seq: z.number(), at: z.number() })

export const pastRunRoutes = [
  answers({
    method: 'POST',
    path: '/v1/runs/:run/fork',
    operation: 'runs.fork',
    role: 'moderator',
    summary:
      'A new run that shares the history of this one up to an event, and goes on with what is edited; `repeat` lets it repeat at-most-once effects.',
    params: pathParams,
    body: z.strictObject({
      at: z.int().min(1),
      id: z.string().optional(),
      repeat: z.boolean().optional(),
      edit: z
        .strictObject({
          results: metadata.optional(),
          prompts: z.record(z.string(), z.string()).optional(),
          answers: metadata.optional(),
          model: z.string().optional(),
        })
        .optional(),
    }),
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async ({ orchestra, params, body, idempotencyId, setHeader }) => {
      const { at, id = idempotencyId, repeat, edit } = body
      const options = withoutUndefined({ at, id, repeat, edit: edit && withoutUndefined(edit) }) as ForkOptions
      const { id: run } = await orchestra.fork(params.run, options)
      setHeader('location', `/v1/runs/${encodeURIComponent(run)}`)
      return { run }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/verify-replay',
    operation: 'runs.read',
    role: 'readonly',
    isRead: true,
    summary: 'Replay the run on its recorded inputs and compare the events; calls no model and no tool.',
    params: pathParams,
    body: optionalBody(z.strictObject({})),
    answer: z.object({
      identical: z.boolean(),
      events: z.number(),
      difference: z.object({ seq: z.number(), recorded: json, replayed: json }).optional(),
    }),
    handle: async ({ orchestra, params }) => ({ ...(await orchestra.verifyReplay(params.run)) }),
  }),
  answers({
    method: 'GET',
    path: '/v1/runs/:run/compare/:other',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Where two runs part.',
    params: pathParams.extend({ other: z.string() }),
    answer: z.object({
      identical: z.boolean(),
      divergedAt: z.number().optional(),
      a: event.optional(),
      b: event.optional(),
    }),
    handle: async ({ orchestra, params }) => {
      const { a, b, ...rest } = await orchestra.compare(params.run, params.other)
      return { ...rest, ...(a ? { a: { ...a } } : {}), ...(b ? { b: { ...b } } : {}) }
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/runs/:run/why',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'What led to how it stands.',
    params: pathParams,
    answer: z.object({
      status: z.string(),
      reason: z.string().optional(),
      sentences: z.array(z.looseObject({ about: z.string(), text: z.string() })),
      causes: z.array(event),
    }),
    handle: async ({ orchestra, params }) => {
      const why = await orchestra.why(params.run)
      const { causes, sentences } = why
      return { ...why, sentences: sentences.map((one) => ({ ...one })), causes: causes.map((one) => ({ ...one })) }
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/runs/:run/export',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'All there is to know of it, as JSON.',
    params: pathParams,
    query: z.strictObject({ redact: z.enum(['secrets', 'content', 'nothing']).optional() }),
    answer: z.looseObject({ version: z.literal(1), run: z.string(), status: z.string(), journal: z.array(json) }),
    handle: async ({ orchestra, params, query }) => {
      const found = await orchestra.export(params.run, withoutUndefined(query))
      return { ...found, journal: [...found.journal] }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/retry',
    operation: 'runs.fork',
    role: 'contributor',
    summary:
      'A new run that goes on where this one failed, without doing again what had succeeded; `repeat` lets it repeat at-most-once effects.',
    params: pathParams,
    body: optionalBody(
      z.strictObject({
        from: z.string().optional(),
        budget: z.looseObject({}).optional(),
        id: z.string().optional(),
        repeat: z.boolean().optional(),
      }),
    ),
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async ({ orchestra, params, body, idempotencyId, signal, setHeader }) => {
      const { from, budget, id = idempotencyId, repeat } = body ?? {}
      const run = await orchestra.get(params.run)
      const { id: retried } = await run.retry({ ...withoutUndefined({ from, budget, id, repeat }), signal })
      setHeader('location', `/v1/runs/${encodeURIComponent(retried)}`)
      return { run: retried }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/undo',
    operation: 'runs.resolve',
    role: 'moderator',
    summary: 'Takes back what a run that is over did outside, the last effect first.',
    params: pathParams,
    body: optionalBody(z.strictObject({ steps: z.array(z.string()).max(1_000).optional() })),
    answer: z.object({
      effects: z.array(
        z.object({
          run: z.string().optional(),
          step: z.string(),
          agent: z.string(),
          call: z.string(),
          effect: z.string(),
          status: z.enum(['undone', 'already', 'none', 'failed', 'skipped']),
          error: storedErrorSchema.optional(),
        }),
      ),
    }),
    handle: async ({ orchestra, params, body, signal }) => {
      const undoResults = await orchestra.undo(params.run, { ...withoutUndefined(body ?? {}), signal })
      return { effects: undoResults.map((one) => ({ ...one })) }
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/runs/:run/at/:seq',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'The run as it stood with one of its events.',
    params: pathParams.extend({ seq: integerBetween(1, Number.MAX_SAFE_INTEGER) }),
    answer: z.looseObject({}),
    handle: async ({ orchestra, params }) => ({ ...(await orchestra.at(params.run, params.seq)) }),
  }),
  answers({
    method: 'GET',
    path: '/v1/runs/:run/inspect',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'How it stands, and what comes next when it goes on.',
    params: pathParams,
    answer: z.looseObject({}),
    handle: async ({ orchestra, params }) => ({ ...(await (await orchestra.get(params.run)).inspect()) }),
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/step',
    operation: 'runs.command',
    role: 'contributor',
    summary: 'Goes on from a pause or a breakpoint until another step has begun.',
    params: pathParams,
    body: optionalBody(z.strictObject({})),
    answer: z.looseObject({}),
    handle: async ({ orchestra, params, idempotencyId, signal }) => {
      const run = await orchestra.get(params.run)
      return { ...(await run.step({ ...withoutUndefined({ id: idempotencyId }), signal })) }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/breakpoints',
    operation: 'runs.command',
    role: 'contributor',
    summary: 'Where it stops from now on, with the runs that its steps have started.',
    params: pathParams,
    body: z.strictObject({
      breakOn: z.union([breakOn, z.array(breakOn).max(100)], { error: breakpointError }),
      id: z.string().max(256).optional(),
    }),
    answer: done,
    handle: async ({ orchestra, params, body, idempotencyId, signal }) => {
      const run = await orchestra.get(params.run)
      await run.breakAt(body.breakOn, { ...withoutUndefined({ id: body.id ?? idempotencyId }), signal })
      return { ok: true as const }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/edit',
    operation: 'runs.fork',
    role: 'moderator',
    summary: 'Changes what a run that stands at a breakpoint goes on with.',
    params: pathParams,
    body: z.strictObject({ results: metadata.optional(), inputs: metadata.optional() }),
    answer: done,
    handle: async ({ orchestra, params, body, signal }) => {
      await (await orchestra.get(params.run)).edit(withoutUndefined(body), { signal })
      return { ok: true as const }
    },
  }),
  answers({
    method: 'GET',
    path: '/v1/runs/:run/effects/uncertain',
    operation: 'approvals.list',
    role: 'readonly',
    summary:
      'Its effects whose outcome is unknown, also after its end: name, class, input and idempotency key of each.',
    params: pathParams,
    answer: z.object({
      effects: z.array(uncertainEffect),
    }),
    handle: async ({ orchestra, params }) => {
      const run = await orchestra.get(params.run)
      return { effects: [...(await run.uncertain())] }
    },
  }),
  answers({
    method: 'POST',
    path: '/v1/runs/:run/effects/resolve',
    operation: 'runs.resolve',
    role: 'moderator',
    summary:
      'Says what became of one: it happened, with its output, or it did not; a run that is not over does it then.',
    params: pathParams,
    body: z.strictObject({
      step: z.string(),
      call: z.string(),
      happened: z.boolean(),
      output: json.optional(),
    }),
    answer: done,
    handle: async ({ orchestra, params, body: { step, call, happened, output } }) => {
      const run = await orchestra.get(params.run)
      const resolution = happened ? { happened, ...withoutUndefined({ output: output as never }) } : { happened }
      await run.resolve({ step, call }, resolution)
      return { ok: true as const }
    },
  }),
]
