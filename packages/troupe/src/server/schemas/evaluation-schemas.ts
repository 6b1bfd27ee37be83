/** The schemas of an evaluation's events: one for each run, then one for the result. */
import { z } from 'zod'
import { json, list, storedErrorSchema } from './request-schemas.ts'

const runMetrics = z.object({
  quality: z.number(),
  steps: z.number(),
  tokens: z.number(),
  cost: z.number(),
  durationMs: z.number(),
})
const spent = z.object({ tokens: z.number(), cost: z.number() })

export const evaluatedRunSchema = z.object({
  run: z.string(),
  status: z.enum(['scored', 'failed', 'skipped']),
  original: runMetrics.optional(),
  candidate: runMetrics.optional(),
  response: json.optional(),
  error: storedErrorSchema.optional(),
  unrecorded: list(json),
  missingKeys: list(z.string()),
  spent,
})

export const evaluationEventSchema = z.union([
  z.object({ done: z.number(), total: z.number(), run: evaluatedRunSchema }),
  z.object({
    runs: list(evaluatedRunSchema),
    total: z.object({
      scored: z.number(),
      failed: z.number(),
      skipped: z.number(),
      better: z.number(),
      worse: z.number(),
      same: z.number(),
      original: runMetrics,
      candidate: runMetrics,
      spent,
    }),
  }),
])
