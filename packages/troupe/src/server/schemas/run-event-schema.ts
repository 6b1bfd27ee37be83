/** The schema of the events of a run: each has a type, a sequence number, a time, and the fields of its type. */
import { z } from 'zod'
import type { RunEvent } from '../../runs/index.ts'
import { guardSchema, json, list, storedErrorSchema } from './request-schemas.ts'

type KeysOf<T> = T extends unknown ? keyof T : never
type Common = 'type' | 'seq' | 'at' | 'path' | 'user' | 'trace'

const text = z.string().optional()
const count = z.number().optional()
const flag = z.literal(true).optional()
const value = json.optional()
const breakpoint = z.object({ on: z.string(), step: z.string(), agent: z.string(), run: text }).optional()
const guard = guardSchema.optional()
const cancellation = z.object({ as: z.enum(['cancelled', 'failed']), error: storedErrorSchema }).optional()
const usage = z
  .object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cost: count,
    unknown: list(z.string()).optional(),
    models: z
      .record(z.string(), z.object({ inputTokens: z.number(), outputTokens: z.number(), cost: count }))
      .optional(),
  })
  .optional()
const question = z
  .object({
    kind: z.string(),
    text: z.string(),
    options: list(z.string()).optional(),
    timeout: text,
    default: value,
    tool: text,
    args: value,
    hash: text,
  })
  .optional()
const result = z
  .object({ agent: z.string(), success: z.boolean(), value, error: storedErrorSchema.optional(), request: value })
  .optional()

/** A new field of an event does not compile until it is listed here. */
const fields = {
  after: text,
  agent: text,
  answer: z.union([z.object({ value: json }), z.object({ error: storedErrorSchema })]).optional(),
  arrived: count,
  as: z.enum(['ended', 'arrived', 'split']).optional(),
  ask: question,
  attempt: count,
  branch: text,
  branches: count,
  breakOn: value,
  breakpoint,
  by: text,
  cancellation,
  child: text,
  children: list(z.string()).optional(),
  depth: count,
  detail: value,
  due: count,
  edge: count,
  error: storedErrorSchema.optional(),
  errorHandled: flag,
  failed: storedErrorSchema.optional(),
  fatal: flag,
  from: text,
  fromAgent: text,
  gap: count,
  action: z.enum(['redact', 'ask', 'stop']).optional(),
  direction: z.enum(['input', 'output']).optional(),
  guardrail: text,
  trip: text,
  group: text,
  guard,
  history: value,
  hops: count,
  input: value,
  join: value,
  joinId: text,
  kind: z.enum(['fork', 'merge']).optional(),
  meets: text,
  message: text,
  missing: count,
  name: text,
  node: text,
  onFailure: value,
  order: list(z.number()).optional(),
  origin: value,
  outcome: value,
  parent: text,
  partial: value,
  payload: value,
  pinned: value,
  progressHash: text,
  question: text,
  questions: list(z.string()).optional(),
  reason: text,
  remainingMs: count,
  result,
  run: text,
  satisfied: z.boolean().optional(),
  slot: count,
  slots: list(z.object({ agent: z.string() })).optional(),
  step: text,
  steps: count,
  substitute: flag,
  taint: list(z.string()).optional(),
  task: value,
  timeoutMs: count,
  usage,
  value,
  wait: text,
} satisfies Record<Exclude<KeysOf<RunEvent>, Common>, z.ZodType>

/** An event in the form of a run's journal. */
export const recordedEventSchema = z.object({ seq: z.number(), type: z.string(), at: z.number(), ...fields })

/** An event in the form of a run's stream. */
export const runEventSchema = recordedEventSchema.extend({
  run: z.string(),
  path: list(z.string()),
  user: z.string(),
  trace: z.string(),
})
