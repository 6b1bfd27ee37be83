/** The schemas of context in answers: entries, results of batches, changes. */
import { z } from 'zod'
import { json, list, metadata } from './request-schemas.ts'

const names = list(z.string())

export const provenanceSchema = z.object({
  agent: z.string(),
  trace: z.object({ traceId: z.string(), spanId: z.string(), isSampled: z.literal(false).optional() }).optional(),
  runId: z.string().optional(),
  stepId: z.string().optional(),
  effectId: z.string().optional(),
  readFrom: names.optional(),
  taintDeclared: z.literal(true).optional(),
})

export const entrySchema = z.object({
  key: z.string(),
  value: json,
  version: z.number(),
  revision: z.number().optional(),
  owner: z.string(),
  audience: z.union([z.enum(['everyone', 'owner']), z.object({ subscribers: names, topics: names })]),
  writers: z.union([z.enum(['owner', 'readers']), names]),
  lifecycle: z.string().optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
  expiresAt: z.string().optional(),
  provenance: provenanceSchema,
  taint: names,
  metadata: metadata.optional(),
})

export const historyEntrySchema = entrySchema.extend({ ended: z.enum(['replaced', 'removed', 'expired']).optional() })

const done = { key: z.string(), success: z.literal(true) }
export const batchResultSchema = z.union([
  z.object({
    type: z.literal('push'),
    ...done,
    version: z.number().optional(),
    revision: z.number().optional(),
  }),
  z.object({ type: z.literal('get'), ...done, found: z.boolean(), value: json.optional() }),
  z.object({ type: z.literal('delete'), ...done, deleted: z.boolean() }),
  z.object({
    type: z.string(),
    key: z.string(),
    success: z.literal(false),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
])

const position = { revision: z.number(), position: z.string() }
/** `open` is the first event and has the position at which the stream begins. */
export const watchItemSchema = z.union([
  z.object({ type: z.literal('put'), key: z.string(), value: json, version: z.number(), ...position }),
  z.object({
    type: z.enum(['removed', 'left', 'expired']),
    key: z.string(),
    version: z.number().optional(),
    ...position,
  }),
  z.object({ type: z.literal('resync'), ...position }),
  z.object({ type: z.literal('open'), revision: z.number() }),
])
