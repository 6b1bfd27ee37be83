/** A message: an immutable typed envelope. `message-row.ts` converts its stored form. */
import type { Json, Provenance, TaintLabel } from '../core/index.ts'

/** Decides how long messages of other lanes may be delivered first: 0 s, 5 s, 30 s and 120 s after the send. */
export type Priority = 'urgent' | 'high' | 'normal' | 'low'

/** A message in a mailbox. It is frozen. */
export interface Message<P = Json> {
  /** The id of the message. */
  readonly id: string
  /** The sender. It is bound by the client and cannot be forged. */
  readonly from: string
  /** The agent in whose mailbox the message is. */
  readonly to: string
  /** The name of its type. */
  readonly type: string
  /** The version of its type with which it was sent. */
  readonly version: number
  /** The payload, in the present version of its type if the receiver knows the type. */
  readonly payload: P
  /** The priority with which it was sent. */
  readonly priority: Priority
  /** The id of the thread that the sender gave; absent if it gave none. */
  readonly threadId?: string
  /** The correlation id that the sender gave. For a request it is the id of the message. */
  readonly correlationId?: string
  /** The time of the send by the clock of the storage, as ISO 8601 text. */
  readonly timestamp: string
  /** The time after which the message is not delivered, as ISO 8601 text; absent without a `ttl`. */
  readonly expiresAt?: string
  /** The data of the application beside the payload; empty by default. */
  readonly metadata: { readonly [key: string]: Json }
  /** True if the sender gets a `message.confirmed` when the message is acknowledged. */
  readonly requiresConfirmation: boolean
  /** True if the sender waits for a reply. */
  readonly expectsReply: boolean
  /** The agent, run and step that sent the message. */
  readonly provenance: Provenance
  /** The taint labels of the data that the sender had read; a step that reads the message inherits them. */
  readonly taint: readonly TaintLabel[]
}

/**
 * Freezes a value recursively. JSON has no cycles and at most 500 levels. Bytes cannot be frozen, so each reader gets a
 * copy.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
