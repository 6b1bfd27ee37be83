/** Creates the stored message of a send: validates options and payload and applies defaults. */
import {
  type Clock,
  capture,
  checkEntryKey,
  checkFlag,
  checkName,
  checkOptionNames,
  checkSignal,
  checkTaint,
  copyJson,
  decodeJson,
  encodeJson,
  failure,
  hashJson,
  invalidInput,
  isObject,
  type Json,
  joinTaint,
  maxValueBytes,
  milliseconds,
  type Provenance,
  show,
  type TaintLabel,
  TroupeError,
  taintField,
} from '../../core/index.ts'
import type { Bind, Blobs, Template } from '../../storage/index.ts'
import type { Priority } from '../message.ts'
import type { CommonSendOptions } from '../message-client.ts'
import { checkMessageType, type EncodedPayload, encodePayload, type MessageType } from '../message-type.ts'
import {
  encodeEnvelope,
  encodeKinds,
  isPriority,
  offsets,
  type ReplyTo,
  storePayload,
} from '../receiving/message-row.ts'
import { later, type MailboxKey, type MessageKey } from '../statements/compile.ts'
import type { OutgoingMessage } from '../statements/send-statements.ts'

/** The sender of messages. */
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
  'taint',
  'signal',
] as const

export interface MessageDraft {
  readonly id: string
  readonly to: string
  readonly type: MessageType
  readonly options: CommonSendOptions
  readonly replyTo?: ReplyTo
}

export interface Encoded extends EncodedPayload {
  readonly bytes: number
}

/** @throws ValidationError */
export async function encode(type: MessageType, payload: unknown, limit: number, clock: Clock): Promise<Encoded> {
  checkMessageType(type)
  const encoded = await encodePayload(type, payload, clock).catch((error: unknown) => {
    if (!(error instanceof TroupeError) || error.code !== 'value.too_large') throw error
    const bytes = `more than ${maxValueBytes}`
    throw failure('message.too_large', { type: type.name, bytes, limit: effectiveLimit(limit) })
  })
  const bytes = Buffer.byteLength(encoded.json, 'utf8')
  checkBytes(type.name, bytes, limit)
  return { ...encoded, bytes }
}

/**
 * Checks the size of a payload, and of the message with its metadata: a message that is larger than its mailbox would wait forever.
 * @throws ValidationError `message.too_large`
 */
export function checkBytes(type: string, bytes: number, limit: number): void {
  const effective = effectiveLimit(limit)
  if (bytes > effective) throw failure('message.too_large', { type, bytes, limit: effective })
}

/** Larger messages are rejected regardless of the mailbox. */
const effectiveLimit = (limit: number) => Math.min(limit, maxValueBytes)

interface Times {
  readonly scheduled: boolean
  readonly availableAt: Bind
  readonly expiresAt: Bind
}

const iso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/
const maxTimestamp = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** `Date.parse` reads `10` as the year 2001 and 30 February as a day of March. A mistyped time must not send at once. */
function timestampOf(at: string | Date): number {
  const timestamp = at instanceof Date ? at.getTime() : iso.test(at) ? Date.parse(at) : Number.NaN
  const day = typeof at === 'string' ? at.slice(0, 10) : undefined
  const exists = day === undefined || (Number.isFinite(timestamp) && new Date(day).toISOString().startsWith(day))
  if (!exists || !(timestamp <= maxTimestamp))
    throw invalidInput('at', 'it must be a Date or the ISO text of one, up to the year 9999')
  return timestamp
}

function timesOf({ delay, at, ttl }: CommonSendOptions, nowMs: number): Times {
  if (delay !== undefined && at !== undefined)
    throw invalidInput('The options of a send', 'delay and at exclude each other')
  const ttlMs = ttl === undefined ? undefined : milliseconds(ttl, 'ttl')
  if (ttlMs === 0) throw invalidInput('ttl', 'it must be longer than 0')
  if (at !== undefined) {
    const timestamp = timestampOf(at)
    const from = Math.max(timestamp, nowMs)
    return {
      scheduled: timestamp > nowMs,
      availableAt: timestamp,
      expiresAt: ttlMs === undefined ? null : from + ttlMs,
    }
  }
  const delayMs = delay === undefined ? 0 : milliseconds(delay, 'delay')
  return {
    scheduled: delayMs > 0,
    availableAt: later(delayMs),
    expiresAt: ttlMs === undefined ? null : later(delayMs + ttlMs),
  }
}

/**
 * @returns a copy of the options, so that later changes by the caller have no effect
 * @throws ValidationError for an invalid recipient or option
 */
export function checkSend<Options extends CommonSendOptions>(
  where: string,
  options: Options,
  own: readonly string[],
): Options {
  if (typeof options !== 'object' || options === null)
    throw invalidInput(`The options of ${where}`, 'they must be an object')
  checkOptionNames(where, options, [...own, ...commonOptions])
  const { priority, metadata, requiresConfirmation, dedupeId, at, taint, signal } = options
  checkSignal(where, signal)
  checkTaint(taint, `${where}.taint`)
  if (requiresConfirmation !== undefined) checkFlag('requiresConfirmation', requiresConfirmation)
  if (dedupeId === '') throw invalidInput('dedupeId', 'it is empty')
  if (at !== undefined && typeof at !== 'string' && !(at instanceof Date))
    throw invalidInput('at', 'it must be a Date or the ISO text of one')
  if (priority !== undefined && !isPriority(priority))
    throw invalidInput('priority', `it is ${show(priority)}, not one of urgent, high, normal, low`)
  if (metadata !== undefined && !isObject(metadata)) throw invalidInput('metadata', 'it is not an object')
  return { ...capture(options), ...(metadata === undefined ? {} : { metadata: copied({ metadata }).metadata }) }
}
const copied = <Value extends Json>(value: Value) => copyJson(value, 'The metadata of the message') as Value

/** Returns the reference of a message to a payload that is stored as a blob. */
export const payloadOwnerOf = (id: string): string => `message:${id}`

const optionalKey = (value: string | undefined) => (value === undefined ? null : checkEntryKey(value))

/** The services that create messages. */
export interface Composing {
  readonly blobs: Blobs
  /** Counts the references of messages to blobs. */
  readonly largePayload: Template<MailboxKey & MessageKey>
  /** True if messages are signed. */
  readonly signed: boolean
  /** Used only to decide whether the time `at` is in the future. */
  readonly nowMs: number
  /** The time for which a dedupe id is stored. */
  readonly dedupeMs: number
  /** The taint labels of a message without labels. */
  readonly privateLabels: readonly TaintLabel[]
}

export function composeMessage(
  { blobs, largePayload, signed, dedupeMs, nowMs, privateLabels }: Composing,
  sender: Sender,
  draft: MessageDraft,
  payload: Encoded,
): OutgoingMessage {
  const { options, type, id } = draft
  const storedBlob = blobs.store(sender.user, payloadOwnerOf(id), payload.json)
  const priority: Priority = options.priority ?? 'normal'
  const { taint = sender.taint.length > 0 ? [] : privateLabels } = options
  const envelope = encodeEnvelope({
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    ...(options.requiresConfirmation ? { confirm: true } : {}),
    provenance: sender.provenance,
    ...taintField(joinTaint(sender.taint, taint)),
    ...(payload.bytesAt === undefined ? {} : { bytesAt: payload.bytesAt }),
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
    kinds: encodeKinds(type),
    payload: storePayload(storedBlob.value),
    largePayload:
      storedBlob.statements.length === 0
        ? []
        : [...storedBlob.statements, largePayload({ user: sender.user, mailbox: draft.to, id })],
    bytes: payload.bytes + Buffer.byteLength(envelope, 'utf8'),
    thread: optionalKey(options.threadId),
    correlation: optionalKey(options.correlationId),
    envelope,
    signature: null,
    trace: sender.provenance.trace,
    ...(signed ? { payloadHash: hashJson(decodeJson(payload.json)) } : {}),
    replyTo: draft.replyTo === undefined ? null : encodeJson(draft.replyTo),
    ...timesOf(options, nowMs),
    due: later(offsets[priority]),
    dedupeId,
    dedupeUntil: dedupeId === null ? null : later(dedupeMs),
  }
}

export interface SystemMessage {
  readonly user: string
  readonly from: string
  readonly to: string
  readonly type: MessageType
  readonly payload: Json
  readonly correlationId: string
  readonly threadId: string | undefined
  /** Ensures that the notice is sent once, whichever way it is sent. */
  readonly dedupeId?: string
}

/** Creates a notice: a message of the library in the name of an agent. */
export function composeSystemMessage(composing: Composing, id: string, systemMessage: SystemMessage): OutgoingMessage {
  const { user, from, to, type, payload: content, ...options } = systemMessage
  const json = encodeJson(content)
  const sender: Sender = { user, agent: from, provenance: { agent: from }, taint: [] }
  const payload = { json, bytes: Buffer.byteLength(json, 'utf8') }
  return composeMessage(
    composing,
    sender,
    { id, to, type, options: { taint: [], ...options } as CommonSendOptions },
    payload,
  )
}
