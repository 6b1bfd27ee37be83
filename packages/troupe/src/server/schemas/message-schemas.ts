/** The schemas of messages in answers, and the name of a delivery. */
import { z } from 'zod'
import { failure } from '../../core/index.ts'
import type { DeliveryLease } from '../../messaging/index.ts'
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

/** Names a delivery, for any process. It is valid while its lease lasts, and only for this mailbox of this user. */
export const encodeLease = ({ id, token, batchFrom, batchTo }: DeliveryLease) =>
  Buffer.from(JSON.stringify([id, token, batchFrom, batchTo])).toString('base64url')

const lease = z.tuple([z.string(), z.string(), z.int().min(0), z.int().min(0)])

export function decodeLease(text: string): DeliveryLease {
  try {
    const [id, token, batchFrom, batchTo] = lease.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
    return { id, token, batchFrom, batchTo }
  } catch {
    throw failure('request.invalid', { problem: 'body/delivery is none that was received' })
  }
}
