/** The schemas of experiments: in a list, with results, and while they are evaluated. */
import { z } from 'zod'
import { list, storedErrorSchema } from './request-schemas.ts'

const spent = z.object({ tokens: z.number(), cost: z.number() })
const scores = z.record(z.string(), z.number())
const verdicts = z.record(
  z.string(),
  z.object({ score: z.number(), choice: z.string().optional(), reason: z.string().optional() }),
)
const metrics = { steps: z.number(), tokens: z.number(), cost: z.number(), durationMs: z.number() }

export const caseResultSchema = z.object({
  case: z.string(),
  side: z.enum(['candidate', 'against']),
  run: z.string(),
  status: z.enum(['scored', 'failed', 'unscored', 'skipped']),
  quality: z.number().optional(),
  scores: verdicts,
  ...metrics,
  scoring: spent,
  error: storedErrorSchema.optional(),
})

export const onlineScoresSchema = z.object({
  scores: verdicts,
  scoring: spent.optional(),
  scoredAt: z.string().optional(),
})

export const scoreHistorySchema = z.object({
  items: z.array(
    z.object({
      at: z.string(),
      scorer: z.string(),
      team: z.string().optional(),
      runs: z.number(),
      mean: z.number(),
      min: z.number(),
      max: z.number(),
    }),
  ),
})

export const sideTotalSchema = z.object({
  quality: z.number(),
  scores,
  scored: z.number(),
  failed: z.number(),
  unscored: z.number(),
  skipped: z.number(),
  ...metrics,
  agreement: z
    .record(
      z.string(),
      z.object({ cases: z.number(), observed: z.number(), chance: z.number(), kappa: z.number().optional() }),
    )
    .optional(),
})

const total = z.object({
  candidate: sideTotalSchema,
  against: sideTotalSchema.optional(),
  difference: z
    .object({
      quality: z.number(),
      scores,
      ...metrics,
      better: z.number(),
      worse: z.number(),
      same: z.number(),
    })
    .optional(),
  scoring: spent,
})

const team = z.object({ name: z.string(), fingerprint: z.string() })
const fields = {
  id: z.string(),
  dataset: z.object({ name: z.string(), version: z.string(), cases: z.number() }),
  candidate: team,
  against: team.optional(),
  scorers: list(z.string()),
  budget: z
    .object({ tokens: z.number().optional(), cost: z.number().optional(), time: z.number().optional() })
    .optional(),
  status: z.enum(['running', 'completed']),
  startedAt: z.string(),
  endedAt: z.string().optional(),
}

export const experimentSummarySchema = z.object({ ...fields, total: total.optional() })
export const experimentSchema = z.object({ ...fields, total, results: list(caseResultSchema) })

export const experimentEventSchema = z.union([
  z.object({ done: z.number(), total: z.number(), result: caseResultSchema }),
  experimentSchema,
])
