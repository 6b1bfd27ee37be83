/** A message as everybody sees it: an immutable typed envelope. What is stored is converted in `message-row.ts`. */
import type { Json, Provenance, TaintLabel } from '../core/index.ts'

/** Decides how long others may go first: 0 s, 5 s, 30 s and 120 s after the send. */
export type Priority = 'urgent' | 'high' | 'normal' | 'low'

export interface Message<P = Json> {
  readonly id: string
  /** The sender, bound by the hands that sent it: nobody can write another name. */
  readonly from: string
  /** The agent whose mailbox it is in. */
  readonly to: string
  /** The name of its type. */
  readonly type: string
  readonly version: number
  readonly payload: P
  readonly priority: Priority
  readonly threadId?: string
  readonly correlationId?: string
  /** ISO text, the storage's time of the send. */
  readonly timestamp: string
  /** ISO text; it is not delivered afterwards. */
  readonly expiresAt?: string
  readonly metadata: { readonly [key: string]: Json }
  readonly requiresConfirmation: boolean
  /** The sender waits for a reply. */
  readonly expectsReply: boolean
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
}

/**
 * Freezes a value and all that hangs on it. JSON has no cycles and is at most 500 levels deep. Bytes can't be frozen:
 * whoever gets them gets a copy.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
