/** Between a message and its row. */
import { decodeJson, encodeJson, type Json, type Provenance, type TaintLabel } from '../core/index.ts'
import type { Row } from '../storage/index.ts'
import { deepFreeze, type Message, type Priority } from './message.ts'
import type { Place } from './statements/settle-statements.ts'

/** How long the others may go first: the ageing. */
export const offsets: Readonly<Record<Priority, number>> = { urgent: 0, high: 5_000, normal: 30_000, low: 120_000 }
export const isPriority = (value: unknown): value is Priority =>
  typeof value === 'string' && Object.hasOwn(offsets, value)

/** Where a reply goes: to a request that somebody waits for, or to the wait of a step. */
export type ReplyTo = { readonly request: string } | { readonly step: string; readonly wait: string }

/** What travels with a message besides its columns. */
export interface StoredEnvelope {
  readonly metadata?: { readonly [key: string]: Json }
  readonly confirm?: true
  readonly provenance: Provenance
  readonly taint?: readonly TaintLabel[]
}

export const encodeEnvelope = (envelope: StoredEnvelope): string => encodeJson(envelope, 'The metadata of the message')

const text = (value: Row[string] | undefined) => (value === null || value === undefined ? undefined : String(value))
const iso = (value: Row[string] | undefined) => new Date(Number(value)).toISOString()

/** @param payload decoded and frozen */
export function toMessage(row: Row, payload: Json, version = Number(row.version)): Message {
  const envelope = decodeJson(String(row.envelope)) as unknown as StoredEnvelope
  const threadId = text(row.thread_id)
  const correlationId = text(row.correlation_id)
  return deepFreeze({
    id: String(row.id),
    from: String(row.sender),
    to: String(row.mailbox),
    type: String(row.type),
    version,
    payload,
    priority: String(row.priority) as Priority,
    ...(threadId === undefined ? {} : { threadId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    timestamp: iso(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: iso(row.expires_at) }),
    metadata: envelope.metadata ?? {},
    requiresConfirmation: envelope.confirm === true,
    expectsReply: row.reply_to !== null,
    provenance: envelope.provenance,
    taint: envelope.taint ?? [],
  })
}

export const replyToOf = (row: Row): ReplyTo | undefined =>
  row.reply_to === null ? undefined : (decodeJson(String(row.reply_to)) as unknown as ReplyTo)

export const toPlace = (row: Row): Place => ({
  user: String(row.user_id),
  mailbox: String(row.mailbox),
  seq: Number(row.seq),
  id: String(row.id),
  lane: String(row.lane),
  bytes: Number(row.bytes),
})
