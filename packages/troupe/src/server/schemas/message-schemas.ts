/** The schemas of messages in answers. */
import { z } from 'zod'
import { provenanceSchema } from './entry-schemas.ts'
import { json, list, metadata } from './request-schemas.ts'

export const prioritySchema = z.enum(['urgent', 'high', 'normal', 'low'])

export const messageSchema = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  type: z.string(),
  version: z.number(),
  payload: json,
  priority: prioritySchema,
  threadId: z.string().optional(),
  correlationId: z.string().optional(),
  timestamp: z.string(),
  expiresAt: z.string().optional(),
  metadata,
  requiresConfirmation: z.boolean(),
  expectsReply: z.boolean(),
  provenance: provenanceSchema,
  taint: list(z.string()),
})

export const mailboxCountsSchema = z.object({
  unread: z.number(),
  waiting: z.number(),
  leased: z.number(),
  dead: z.number(),
  scheduled: z.number(),
})

export const deadLetterSchema = z.object({
  message: messageSchema,
  attempt: z.number(),
  reason: z.string(),
  diedAt: z.string(),
})
