/** A message: an immutable typed envelope. `message-row.ts` converts its stored form. */
import type { Json, Provenance, TaintLabel } from '../core/index.ts'

/** Decides how long messages of other lanes may be delivered first: 0 s, 5 s, 30 s and 120 s after the send. */
export type Priority = 'urgent' | 'high' | 'normal' | 'low'

export interface Message<P = Json> {
  readonly id: string
  /** The sender. It is bound by the client and cannot be forged. */
  readonly from: string
  /** The agent in whose mailbox the message is. */
  readonly to: string
  /** The name of its type. */
  readonly type: string
  readonly version: number
  readonly payload: P
  readonly priority: Priority
  readonly threadId?: string
  readonly correlationId?: string
  /** The time of the send by the storage's clock, as ISO text. */
  readonly timestamp: string
  /** The time after which it is not delivered, as ISO text. */
  readonly expiresAt?: string
  readonly metadata: { readonly [key: string]: Json }
  readonly requiresConfirmation: boolean
  /** The sender waits for a reply. */
  readonly expectsReply: boolean
  readonly provenance: Provenance
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
