/** Between a message and its row. */
import { decodeJson, encodeJson, type Json, type Provenance, type TaintLabel, TroupeError } from '../../core/index.ts'
import type { Bind, Row, ValueRef } from '../../storage/index.ts'
import type { BytesPath } from '../bytes-schema.ts'
import { deepFreeze, type Message, type Priority } from '../message.ts'
import { lineage, type MessageType } from '../message-type.ts'
import type { MessageLocation } from '../statements/delivery-statements.ts'
import type { OutgoingMessage } from '../statements/send-statements.ts'

/** The ms by which messages of each priority yield to others. A message that waits longer is delivered first. */
export const offsets: Readonly<Record<Priority, number>> = { urgent: 0, high: 5_000, normal: 30_000, low: 120_000 }
export const isPriority = (value: unknown): value is Priority =>
  typeof value === 'string' && Object.hasOwn(offsets, value)

/** A type of a message: its own type or an ancestor, with the version at the time of the send. */
export interface MessageKind {
  readonly name: string
  readonly version: number
}

/** Returns the ancestors of a type as one searchable text; null for a type without ancestors. */
export const encodeKinds = (type: MessageType): string | null =>
  type.parent === undefined
    ? null
    : `\n${lineage(type)
        .map(({ name, version }) => `${name}\t${version}\n`)
        .join('')}`

/** The nearest first. */
export function kindsOf(row: Row): readonly MessageKind[] {
  if (row.kinds === null || row.kinds === undefined) return [{ name: String(row.type), version: Number(row.version) }]
  return String(row.kinds)
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', version] = line.split('\t')
      return { name, version: Number(version) }
    })
}

/** The recipient of a reply: a waiting request outside a step, or the wait of a step. */
export type ReplyTo =
  | { readonly request: string }
  /** `nonce`: the signature of the answer is bound to this value, and the step gets the answer with its signature. */
  | { readonly step: string; readonly wait: string; readonly nonce?: string }

/** The stored fields of a message that have no column. */
export interface StoredEnvelope {
  readonly metadata?: { readonly [key: string]: Json }
  readonly confirm?: true
  readonly provenance: Provenance
  readonly taint?: readonly TaintLabel[]
  /** The paths at which base64 replaces bytes in the payload. */
  readonly bytesAt?: readonly BytesPath[]
}

export const encodeEnvelope = (envelope: StoredEnvelope): string => encodeJson(envelope, 'The metadata of the message')

/** No JSON text begins with it. A payload that does is a reference to a value that is stored separately. */
const mark = '@'
export const storePayload = (value: ValueRef): string => ('json' in value ? value.json : `${mark}${encodeJson(value)}`)
export const payloadRef = (row: Row): ValueRef => {
  const stored = String(row.payload)
  return stored.startsWith(mark) ? (decodeJson(stored.slice(1)) as unknown as ValueRef) : { json: stored }
}
/** Returns the paths of bytes in the payload. Envelopes without such paths are not parsed. */
export const bytesAtOf = (row: Row): readonly BytesPath[] | undefined => {
  const envelope = String(row.envelope)
  return envelope.includes('"bytesAt"') ? (decodeJson(envelope) as unknown as StoredEnvelope).bytesAt : undefined
}

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

/** Returns the recipient of a reply; undefined without one, and for an invalid value. */
export function replyToOf(row: Row): ReplyTo | undefined {
  const { request, step, wait } = (jsonIn(row.reply_to) ?? {}) as { readonly [field: string]: Json }
  if (typeof request !== 'string' && (typeof step !== 'string' || typeof wait !== 'string')) return undefined
  return jsonIn(row.reply_to) as unknown as ReplyTo
}
function jsonIn(stored: Row[string] | undefined): Json | undefined {
  try {
    return typeof stored === 'string' ? decodeJson(stored) : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns true for the error of a row that cannot be read because it was changed or damaged. A retry does not help,
 * unlike after a failure of the storage.
 */
export const isUnreadable = (error: unknown): boolean =>
  !(error instanceof TroupeError) || error.code === 'invariant.broken' || error.code === 'storage.corrupt'

/** As much of a message as can be read without its payload. */
export function readableOf(row: Row): Message {
  const envelope = jsonIn(row.envelope)
  if (typeof envelope === 'object' && envelope !== null) return toMessage(row, null)
  return toMessage({ ...row, envelope: encodeEnvelope({ provenance: { agent: String(row.sender) } }) }, null)
}

export const toMessageLocation = (row: Row): MessageLocation => ({
  user: String(row.user_id),
  mailbox: String(row.mailbox),
  seq: Number(row.seq),
  id: String(row.id),
  lane: String(row.lane),
  bytes: Number(row.bytes),
})

const toTimestamp = (bind: Bind, at: number): number | null =>
  bind === null ? null : typeof bind === 'object' && '$' in bind ? Math.round(at + (bind.plusMs ?? 0)) : Number(bind)

/**
 * Returns the row of a stored message without reading it, as far as a message shows it.
 * @param at the time of the commit
 */
export const rowOf = (outgoing: OutgoingMessage, at: number): Row => ({
  user_id: outgoing.user,
  id: outgoing.id,
  mailbox: outgoing.mailbox,
  sender: outgoing.sender,
  priority: outgoing.priority,
  type: outgoing.type,
  version: outgoing.version,
  kinds: outgoing.kinds,
  payload: outgoing.payload,
  bytes: outgoing.bytes,
  thread_id: outgoing.thread,
  correlation_id: outgoing.correlation,
  envelope: outgoing.envelope,
  signature: outgoing.signature,
  reply_to: outgoing.replyTo,
  created_at: at,
  expires_at: toTimestamp(outgoing.expiresAt, at),
})
