/** The schemas of health, the doctor's report and versions. */
import { z } from 'zod'
import { list, metadata } from './request-schemas.ts'

const health = z.enum(['healthy', 'degraded', 'unhealthy'])
const diagnosis = z.enum(['pass', 'warn', 'fail'])

export const healthSchema = z.object({
  status: health,
  timestamp: z.string(),
  uptimeMs: z.number(),
  checks: list(
    z.object({
      name: z.string(),
      status: health,
      critical: z.boolean(),
      durationMs: z.number(),
      checkedAt: z.string(),
      message: z.string().optional(),
      errorId: z.string().optional(),
      details: metadata.optional(),
    }),
  ),
})

export const doctorReportSchema = z.object({
  status: diagnosis,
  production: z.boolean(),
  at: z.string(),
  counts: z.object({ pass: z.number(), warn: z.number(), fail: z.number() }),
  checks: list(
    z.object({
      id: z.string(),
      about: z.enum(['configuration', 'system', 'project', 'word', 'own']),
      description: z.string(),
      status: diagnosis,
      evidence: z.string(),
      remedy: z.string().optional(),
      durationMs: z.number(),
    }),
  ),
})

export const versionsSchema = z.object({
  build: z.string(),
  journal: z.object({ writes: z.number(), reads: z.number() }),
  schemas: list(z.object({ module: z.string(), version: z.number(), lowestReader: z.number() })),
  agents: list(z.object({ name: z.string(), fingerprint: z.string() })),
  staleRuns: list(
    z.object({
      user: z.string(),
      run: z.string(),
      holder: z.enum(['here', 'other-process', 'none']),
      newer: z.number().optional(),
      agents: list(z.object({ name: z.string(), began: z.string(), here: z.string().optional() })),
    }),
  ),
  examined: z.number(),
  more: z.boolean(),
})

export const auditRecordSchema = z.object({
  id: z.string(),
  at: z.number(),
  user: z.string().optional(),
  actor: z.string(),
  key: z.string().optional(),
  operation: z.string(),
  resource: z.string().optional(),
  allowed: z.boolean(),
  reason: z.string().optional(),
})

export const auditReportSchema = z.object({
  ok: z.boolean().describe('No finding, and a checkpoint covers records or the log is empty.'),
  size: z.number().describe('The number of leaves.'),
  covered: z.number().describe('The number of leaves that a checkpoint covers and that are unchanged.'),
  retired: z.number(),
  erased: z.number(),
  waiting: z.number().describe('The number of records that have no leaf yet.'),
  checkpoints: z.number().describe('The number of valid checkpoints.'),
  signedAt: z.number().optional(),
  findings: list(
    z.object({
      kind: z.enum(['changed', 'missing', 'inserted', 'reordered', 'rewritten', 'truncated', 'checkpoint']),
      n: z.number().optional().describe('The index of the leaf, from 0.'),
      record: z.union([auditRecordSchema, z.object({ id: z.string() })]).optional(),
      problem: z.string(),
    }),
  ),
})
