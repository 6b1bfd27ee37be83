/** The schemas of runs in answers: summaries, results, questions, effects, and a run at one of its events. */
import { z } from 'zod'
import { guardSchema, json, list, metadata, storedErrorSchema } from './request-schemas.ts'
import { recordedEventSchema } from './run-event-schema.ts'

export const tokensSchema = z.object({ inputTokens: z.number(), outputTokens: z.number() })
export const costSchema = z.object({ usd: z.number(), unknown: list(z.string()) })

export const questionSchema = z.object({
  id: z.string(),
  kind: z.enum(['question', 'choice', 'confirmation', 'draft', 'approval', 'error', 'breakpoint']),
  text: z.string(),
  agent: z.string(),
  options: list(z.string()).optional(),
  timeout: z.string().optional(),
  default: json.optional(),
  tool: z.string().optional(),
  args: json.optional(),
  hash: z.string().optional(),
})

export const uncertainEffectSchema = z.object({
  step: z.string(),
  call: z.string(),
  name: z.string(),
  class: z.string(),
  input: json.optional(),
  key: z.string().optional(),
  since: z.string(),
  problem: z.string().optional(),
})

export const runStatusSchema = z.object({
  run: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  team: z.string().optional(),
  tags: list(z.string()).optional(),
  replayableUntil: z.string().optional(),
  retainedUntil: z.string().optional(),
})

export const runSummarySchema = z.object({
  id: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  tags: list(z.string()),
  agents: list(z.string()),
  title: z.string(),
  team: z.string().optional(),
  threadId: z.string().optional(),
  usage: tokensSchema.optional(),
  cost: costSchema.optional(),
  steps: z.number().optional(),
  error: storedErrorSchema.optional(),
  createdAt: z.string(),
  endedAt: z.string().optional(),
  replayableUntil: z.string().optional(),
  retainedUntil: z.string().optional(),
})

export const threadSummarySchema = z.object({
  threadId: z.string(),
  agent: z.string().optional(),
  team: z.string().optional(),
  title: z.string(),
  turns: z.number(),
  updatedAt: z.string(),
  run: z.string().optional(),
})

export const runResultSchema = z.object({
  runId: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  success: z.boolean(),
  response: json.optional(),
  questions: list(questionSchema),
  totalSteps: z.number(),
  branchResults: list(
    z.object({
      id: z.string(),
      agent: z.string(),
      status: z.string(),
      success: z.boolean(),
      value: json.optional(),
      error: storedErrorSchema.optional(),
    }),
  ),
  usage: tokensSchema,
  cost: costSchema,
  durationMs: z.number(),
  guard: guardSchema.optional(),
  error: storedErrorSchema.optional(),
  uncertain: list(uncertainEffectSchema).optional(),
  taint: list(z.string()).optional(),
})

export const forkPlanSchema = z.object({
  sharedSteps: z.number(),
  paid: z.object({ calls: z.number(), tokens: z.number(), cost: z.number(), unpriced: z.number() }),
  repeated: list(
    z.object({
      run: z.string(),
      step: z.string(),
      call: z.string(),
      name: z.string(),
      class: z.enum(['idempotent', 'at-most-once']),
    }),
  ),
  asked: list(z.object({ agent: z.string(), kind: z.string(), text: z.string() })),
})

export const recordedCallSchema = z.object({
  call: z.string(),
  kind: z.enum(['model', 'tool', 'guardrail', 'effect']),
  name: z.string(),
  class: z.string(),
  state: z.enum(['claimed', 'done', 'failed', 'uncertain', 'not-happened']),
  startedAt: z.string().optional(),
  recordedAt: z.string().optional(),
  attempts: z.number().optional(),
  key: z.string().optional(),
  input: json.optional(),
  output: json.optional(),
  error: storedErrorSchema.optional(),
  taint: list(z.string()).optional(),
})

export const sentPromptSchema = z.object({
  call: z.string(),
  name: z.string(),
  models: list(z.string()),
  prompt: list(json),
  tools: list(json),
  responseFormat: json.optional(),
  settings: z.record(z.string(), json),
})

const runState = {
  run: z.string(),
  seq: z.number(),
  event: recordedEventSchema,
  at: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  branches: list(
    z.object({
      id: z.string(),
      agent: z.string(),
      node: z.string(),
      status: z.string(),
      attempt: z.number(),
      input: json.optional(),
      step: z.string().optional(),
      value: json.optional(),
      error: storedErrorSchema.optional(),
    }),
  ),
  joins: list(
    z.object({
      id: z.string(),
      kind: z.string(),
      agent: z.string(),
      state: z.string(),
      arrived: z.number(),
      missing: list(z.string()),
    }),
  ),
  steps: list(
    z.object({
      id: z.string(),
      agent: z.string(),
      branch: z.string(),
      status: z.string(),
      reason: z.string().optional(),
    }),
  ),
  questions: list(questionSchema),
  totalSteps: z.number(),
  usage: tokensSchema,
  cost: costSchema,
  durationMs: z.number(),
  guard: guardSchema.optional(),
  response: json.optional(),
  error: storedErrorSchema.optional(),
}

const contextAccess = { step: z.string(), agent: z.string(), key: z.string(), value: json.optional(), at: z.string() }
const messageAccess = list(
  z.object({
    id: z.string().optional(),
    type: z.string(),
    from: z.string(),
    to: z.string(),
    step: z.string(),
    payload: json.optional(),
    at: z.string(),
    state: z.enum(['waiting', 'handled', 'dead-lettered', 'discarded']).optional(),
  }),
)

export const runViewSchema = z.object({
  ...runState,
  context: z.object({
    reads: list(z.object({ ...contextAccess, version: z.number() })),
    writes: list(z.object({ ...contextAccess, kind: z.enum(['push', 'delete']), version: z.number().optional() })),
  }),
  messages: z.object({ sent: messageAccess, received: messageAccess }),
})

export const inspectionSchema = z.object({
  ...runState,
  breakpoint: z.object({ on: z.string(), step: z.string(), agent: z.string(), run: z.string().optional() }).optional(),
  childRuns: list(json).optional().describe('Each child run in the same form.'),
  next: z.object({
    steps: list(z.object({ branch: z.string(), step: z.string(), agent: z.string(), input: json })),
    failures: list(z.object({ step: z.string(), agent: z.string(), error: storedErrorSchema })),
    pending: list(metadata),
  }),
})

export const explanationSchema = z.object({
  status: z.string(),
  reason: z.string().optional(),
  sentences: list(
    z.object({
      about: z.string(),
      text: z.string(),
      error: storedErrorSchema.optional(),
      seq: z.number().optional(),
    }),
  ),
  causes: list(recordedEventSchema),
})

export const exportedRunSchema = z.object({
  version: z.literal(1),
  build: z.string(),
  run: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  tags: list(z.string()),
  redacted: z.enum(['secrets', 'content', 'nothing']),
  result: json.optional(),
  journal: list(json),
  digest: z.string(),
})

export const livePartSchema = z.object({
  step: z.string(),
  agent: z.string(),
  part: json,
  to: list(z.string()).optional(),
})
