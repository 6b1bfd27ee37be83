/** Routes on the record of a run: replay, fork, comparison, explanation and export. */
import { z } from 'zod'
import type { ForkOptions } from '../../runs/index.ts'
import { answers, does } from '../route.ts'
import {
  integerBetween,
  json,
  list,
  optionalBody,
  requestedRecord,
  requestText,
  storedErrorSchema,
  withoutUndefined,
} from '../schemas/request-schemas.ts'
import { recordedEventSchema } from '../schemas/run-event-schema.ts'
import {
  explanationSchema,
  exportedRunSchema,
  forkPlanSchema,
  inspectionSchema,
  runViewSchema,
  uncertainEffectSchema,
} from '../schemas/run-schemas.ts'
import { resolutionBody, resolutionOf } from './approvals/resolution-body.ts'

const pathParams = z.object({ run: requestText.id })
const breakpointError = "it is 'error', { agent }, { tool } or { seq }, or a list of them"
const breakOn = z.union(
  [
    z.literal('error'),
    z.strictObject({ agent: requestText.name }),
    z.strictObject({ tool: requestText.name }),
    z.strictObject({ seq: z.int().min(1) }),
  ],
  { error: breakpointError },
)

const edit = z.strictObject({
  results: requestedRecord.optional(),
  prompts: z.record(requestText.name, requestText.long).optional(),
  answers: requestedRecord.optional(),
  model: requestText.name.optional(),
})

export const pastRunRoutes = [
  answers({
    route: 'POST /v1/runs/:run/fork',
    name: 'runs.fork',
    operation: 'runs.fork',
    role: 'moderator',
    summary:
      'Fork a run: a new run shares its history up to an event and continues with the edits; `repeat` allows it to repeat at-most-once effects.',
    params: pathParams,
    body: z.strictObject({
      at: z.int().min(1),
      id: requestText.name.optional(),
      repeat: z.boolean().optional(),
      edit: edit.optional(),
    }),
    answer: z.object({ run: z.string() }),
    code: 201,
    handle: async ({ orchestra, params, body, idempotencyId, setHeader }) => {
      const { at, id = idempotencyId, repeat, edit: edits } = body
      const options = withoutUndefined({ at, id, repeat, edit: edits && withoutUndefined(edits) }) as ForkOptions
      const { id: run } = await orchestra.fork(params.run, options)
      setHeader('location', `/v1/runs/${encodeURIComponent(run)}`)
      return { run }
    },
  }),
  answers({
    route: 'POST /v1/runs/:run/fork-plan',
    name: 'runs.planFork',
    operation: 'runs.read',
    role: 'readonly',
    isRead: true,
    summary: 'Show what a fork would share, pay, repeat and ask; starts nothing.',
    params: pathParams,
    body: z.strictObject({ at: z.int().min(1), edit: edit.optional() }),
    answer: forkPlanSchema,
    handle: async ({ orchestra, params, body: { at, edit: edits } }) => {
      const options = withoutUndefined({ at, edit: edits && withoutUndefined(edits) }) as ForkOptions
      return orchestra.planFork(params.run, options)
    },
  }),
  answers({
    route: 'POST /v1/runs/:run/verify-replay',
    name: 'runs.verifyReplay',
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
    route: 'GET /v1/runs/:run/compare/:other',
    name: 'runs.compare',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Compare two runs and show where they differ first.',
    params: pathParams.extend({ other: requestText.id }),
    answer: z.object({
      identical: z.boolean(),
      divergedAt: z.number().optional(),
      a: recordedEventSchema.optional(),
      b: recordedEventSchema.optional(),
    }),
    handle: ({ orchestra, params }) => orchestra.compare(params.run, params.other),
  }),
  answers({
    route: 'GET /v1/runs/:run/why',
    name: 'runs.why',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Explain why the run has its current status.',
    params: pathParams,
    answer: explanationSchema,
    handle: ({ orchestra, params }) => orchestra.why(params.run),
  }),
  answers({
    route: 'GET /v1/runs/:run/export',
    name: 'runs.export',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Export the run with its events, journals and results as JSON.',
    params: pathParams,
    query: z.strictObject({ redact: z.enum(['secrets', 'content', 'nothing']).optional() }),
    answer: exportedRunSchema,
    handle: ({ orchestra, params, query }) => orchestra.export(params.run, withoutUndefined(query)),
  }),
  answers({
    route: 'POST /v1/runs/:run/retry',
    name: 'runs.retry',
    operation: 'runs.fork',
    role: 'contributor',
    summary:
      'Retry a failed run: a new run continues at the failed step and does not repeat completed steps; `repeat` allows it to repeat at-most-once effects.',
    params: pathParams,
    body: optionalBody(
      z.strictObject({
        from: requestText.id.optional(),
        budget: z.looseObject({}).optional(),
        id: requestText.name.optional(),
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
    route: 'POST /v1/runs/:run/undo',
    name: 'runs.undo',
    operation: 'runs.resolve',
    role: 'moderator',
    summary: 'Undo the effects of an ended run, last effect first; `plan` only lists what an undo would do.',
    params: pathParams,
    body: optionalBody(
      z.strictObject({ steps: z.array(requestText.id).max(1_000).optional(), plan: z.boolean().optional() }),
    ),
    answer: z.object({
      effects: z.array(
        z.object({
          run: z.string().optional(),
          step: z.string(),
          agent: z.string(),
          call: z.string(),
          effect: z.string(),
          status: z.enum(['planned', 'undone', 'already', 'none', 'failed', 'skipped']),
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
    route: 'GET /v1/runs/:run/at/:seq',
    name: 'runs.at',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Show the run as of one of its events.',
    params: pathParams.extend({ seq: integerBetween(1, Number.MAX_SAFE_INTEGER) }),
    answer: runViewSchema,
    handle: ({ orchestra, params }) => orchestra.at(params.run, params.seq),
  }),
  answers({
    route: 'GET /v1/runs/:run/inspect',
    name: 'runs.inspect',
    operation: 'runs.read',
    role: 'readonly',
    summary: 'Show where the run is stopped, and what it does next when it is resumed.',
    params: pathParams,
    answer: inspectionSchema,
    handle: async ({ orchestra, params }) => (await orchestra.get(params.run)).inspect(),
  }),
  answers({
    route: 'POST /v1/runs/:run/step',
    name: 'runs.step',
    operation: 'runs.command',
    role: 'contributor',
    summary: 'Resume from a pause or a breakpoint until another step has started.',
    params: pathParams,
    body: optionalBody(z.strictObject({})),
    answer: inspectionSchema,
    handle: async ({ orchestra, params, idempotencyId, signal }) => {
      const run = await orchestra.get(params.run)
      return run.step({ ...withoutUndefined({ id: idempotencyId }), signal })
    },
  }),
  does({
    route: 'POST /v1/runs/:run/breakpoints',
    name: 'runs.setBreakpoints',
    operation: 'runs.command',
    role: 'contributor',
    summary: 'Set the breakpoints of the run and of its child runs.',
    params: pathParams,
    body: z.strictObject({
      breakOn: z.union([breakOn, z.array(breakOn).max(100)], { error: breakpointError }),
      id: z.string().max(256).optional(),
    }),
    handle: async ({ orchestra, params, body, idempotencyId, signal }) => {
      const run = await orchestra.get(params.run)
      await run.breakAt(body.breakOn, { ...withoutUndefined({ id: body.id ?? idempotencyId }), signal })
    },
  }),
  does({
    route: 'POST /v1/runs/:run/edit',
    name: 'runs.edit',
    operation: 'runs.fork',
    role: 'moderator',
    summary: 'Change the values with which a run continues from a breakpoint.',
    params: pathParams,
    body: z.strictObject({ results: requestedRecord.optional(), inputs: requestedRecord.optional() }),
    handle: async ({ orchestra, params, body, signal }) => {
      await (await orchestra.get(params.run)).edit(withoutUndefined(body), { signal })
    },
  }),
  answers({
    route: 'GET /v1/runs/:run/effects/uncertain',
    name: 'runs.uncertain',
    operation: 'approvals.list',
    role: 'readonly',
    summary: 'List the uncertain effects of a run, also after its end: name, class, input and idempotency key of each.',
    params: pathParams,
    answer: z.object({ effects: list(uncertainEffectSchema) }),
    handle: async ({ orchestra, params }) => ({ effects: await (await orchestra.get(params.run)).uncertain() }),
  }),
  does({
    route: 'POST /v1/runs/:run/effects/resolve',
    name: 'runs.resolve',
    operation: 'runs.resolve',
    role: 'moderator',
    summary:
      'Resolve an uncertain effect: it happened, with its output, or it did not, and then an open run executes it.',
    params: pathParams,
    body: resolutionBody,
    handle: async ({ orchestra, params, body }) => {
      const { effect, resolution } = resolutionOf(body)
      await (await orchestra.get(params.run)).resolve(effect, resolution)
    },
  }),
]
