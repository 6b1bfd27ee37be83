/** Makes of a send what is stored: options checked, payload validated, defaults filled in. */
import {
  checkKey,
  checkName,
  checkOptions,
  encodeJson,
  failure,
  type Json,
  milliseconds,
  type Provenance,
  type TaintLabel,
} from '../core/index.ts'
import type { Bind } from '../storage/index.ts'
import type { Priority } from './message.ts'
import type { CommonSendOptions } from './message-hands.ts'
import { encodeEnvelope, isPriority, offsets, type ReplyTo } from './message-row.ts'
import { encodePayload, type MessageType } from './message-type.ts'
import { later } from './statements/compile.ts'
import type { Outgoing } from './statements/send-statements.ts'

/** Larger ones are refused whatever the mailbox holds. */
const maxMessageBytes = 8 * 1024 * 1024
const dedupeMs = 24 * 3_600_000

/** Who sends, bound once. */
export interface Sender {
  readonly user: string
  readonly agent: string
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
}

export const commonOptions = [
  'priority',
  'ttl',
  'delay',
  'at',
  'dedupeId',
  'threadId',
  'correlationId',
  'requiresConfirmation',
  'metadata',
  'signal',
] as const

export interface Draft {
  readonly id: string
  readonly to: string
  readonly type: MessageType
  readonly options: CommonSendOptions
  readonly replyTo?: ReplyTo
}

export interface Encoded {
  readonly json: string
  readonly bytes: number
}

/** @throws ValidationError */
export async function encode(type: MessageType, payload: unknown, limit: number): Promise<Encoded> {
  const json = await encodePayload(type.schema, payload, `The message ${type.name}`)
  const bytes = Buffer.byteLength(json, 'utf8')
  const most = Math.min(limit, maxMessageBytes)
  if (bytes > most) throw failure('message.too_large', { type: type.name, bytes, limit: most })
  return { json, bytes }
}

interface Times {
  readonly scheduled: boolean
  readonly availableAt: Bind
  readonly expiresAt: Bind
}

function timesOf({ delay, at, ttl }: CommonSendOptions, nowMs: number): Times {
  if (delay !== undefined && at !== undefined)
    throw failure('validation.failed', { what: 'The options of a send', problem: 'delay and at exclude each other' })
  const ttlMs = ttl === undefined ? undefined : milliseconds(ttl, 'ttl')
  if (ttlMs === 0) throw failure('validation.failed', { what: 'ttl', problem: 'it must be longer than nothing' })
  if (at !== undefined) {
    const moment = at instanceof Date ? at.getTime() : Date.parse(String(at))
    if (!Number.isFinite(moment))
      throw failure('validation.failed', { what: 'at', problem: 'it is no Date and no ISO text of one' })
    const from = Math.max(moment, nowMs)
    return { scheduled: moment > nowMs, availableAt: moment, expiresAt: ttlMs === undefined ? null : from + ttlMs }
  }
  const delayMs = delay === undefined ? 0 : milliseconds(delay, 'delay')
  return {
    scheduled: delayMs > 0,
    availableAt: later(delayMs),
    expiresAt: ttlMs === undefined ? null : later(delayMs + ttlMs),
  }
}

/** @throws ValidationError for a recipient or an option that is not allowed */
export function checkSend(where: string, options: object, own: readonly string[]): void {
  checkOptions(where, options, [...own, ...commonOptions])
  const { priority, metadata } = options as CommonSendOptions
  if (priority !== undefined && !isPriority(priority))
    throw failure('validation.failed', {
      what: 'priority',
      problem: `it is ${String(priority)}, not one of urgent, high, normal, low`,
    })
  if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)))
    throw failure('validation.failed', { what: 'metadata', problem: 'it is not an object' })
}

const optionalKey = (value: string | undefined) => (value === undefined ? null : checkKey(value))

/** @param nowMs decides only whether a moment given by `at` is still to come */
export function compose(sender: Sender, draft: Draft, payload: Encoded, nowMs: number): Outgoing {
  const { options, type, id } = draft
  const priority: Priority = options.priority ?? 'normal'
  const envelope = encodeEnvelope({
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    ...(options.requiresConfirmation ? { confirm: true } : {}),
    provenance: sender.provenance,
    ...(sender.taint.length === 0 ? {} : { taint: sender.taint }),
  })
  const dedupeId = optionalKey(options.dedupeId)
  return {
    user: sender.user,
    mailbox: checkName('agent', draft.to),
    id,
    lane: type.ordering === 'none' ? `solo:${id}` : `${priority}:${sender.agent}`,
    sender: sender.agent,
    priority,
    type: type.name,
    version: type.version,
    payload: payload.json,
    bytes: payload.bytes + Buffer.byteLength(envelope, 'utf8'),
    thread: optionalKey(options.threadId),
    correlation: optionalKey(options.correlationId),
    envelope,
    replyTo: draft.replyTo === undefined ? null : encodeJson(draft.replyTo),
    ...timesOf(options, nowMs),
    due: later(offsets[priority]),
    dedupeId,
    dedupeUntil: dedupeId === null ? null : later(dedupeMs),
  }
}

export interface Notice {
  readonly user: string
  readonly from: string
  readonly to: string
  readonly type: MessageType
  readonly payload: Json
  readonly correlationId: string
  readonly threadId: string | undefined
  /** Told once, by whichever way it comes to be told. */
  readonly dedupeId?: string
}

/** A message that the room itself sends, in the name of an agent. */
export function composeNotice(id: string, notice: Notice, nowMs: number): Outgoing {
  const { user, from, to, type, payload: told, ...options } = notice
  const json = encodeJson(told)
  const sender: Sender = { user, agent: from, provenance: { agent: from }, taint: [] }
  const payload = { json, bytes: Buffer.byteLength(json, 'utf8') }
  return compose(sender, { id, to, type, options: options as CommonSendOptions }, payload, nowMs)
}
