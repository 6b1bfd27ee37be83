/**
 * The reasons for which a step stops. One procedure handles all reasons, with this table as its data. Effects in progress
 * are awaited and recorded first. Then the reason determines the end.
 */
import { failure, type TroupeError } from '../../core/index.ts'
import type { StepEnd } from '../steps-port.ts'
import type { Rejection } from '../turns/own-journal.ts'

export type StopReason =
  /** The change of a turn was rejected: the code runs again after a pause. */
  | { readonly kind: 'retry'; readonly rejection: Rejection }
  /** The step fails with the error, its staged writes dropped. */
  | { readonly kind: 'fail'; readonly error: TroupeError }
  | { readonly kind: 'code.changed'; readonly problem: string }
  /** Another writer has the journal, or a cancel fenced it. */
  | { readonly kind: 'lost' }
  /** Aborts nothing. Effects in progress may end, and no other effect begins. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'close' }
  | { readonly kind: 'cancel' }

export type StopKind = StopReason['kind']

interface StopRow {
  /** The result of open calls: none, or the error of the cancellation, so that the code can clean up. */
  readonly calls: 'silent' | 'rejected'
  /** True if effects are awaited only for the time that code has to stop. */
  readonly isBounded: boolean
  /** The reasons that replace this one. */
  readonly replacedBy: readonly StopKind[]
}

export const stopTable: { readonly [Kind in StopKind]: StopRow } = {
  retry: { calls: 'silent', isBounded: false, replacedBy: ['fail', 'drain', 'close', 'cancel', 'lost'] },
  drain: { calls: 'silent', isBounded: false, replacedBy: ['close', 'cancel', 'lost'] },
  close: { calls: 'silent', isBounded: true, replacedBy: ['lost'] },
  cancel: { calls: 'rejected', isBounded: true, replacedBy: ['lost'] },
  fail: { calls: 'silent', isBounded: false, replacedBy: ['lost'] },
  'code.changed': { calls: 'silent', isBounded: false, replacedBy: ['lost'] },
  lost: { calls: 'silent', isBounded: false, replacedBy: [] },
}

/** A step that stops. */
export interface Stop {
  reason: StopReason
  /**
   * `effects`: waits for the change and the effects in progress. `recording`: writes their outcomes. `unwinding`: waits for
   * the clean-up of cancelled code.
   */
  progress: 'effects' | 'recording' | 'unwinding'
  /** True after the deadline of the stop, when nothing is awaited any more. */
  isLate: boolean
  /** For `lost`: the result of reading the head of the journal. */
  head: 'unread' | 'reading' | 'fenced'
  /** True if the journal exists, so that outcomes can be recorded. */
  isRecordable: boolean
}

export const createStop = (reason: StopReason): Stop => ({
  reason,
  progress: 'effects',
  isLate: false,
  head: 'unread',
  isRecordable: true,
})

/** Returns the reason with which the signal of effects in progress aborts; undefined if they continue. */
export function abortReason(reason: StopReason, step: string): unknown {
  switch (reason.kind) {
    case 'retry':
    case 'drain':
      return undefined
    case 'close':
      return 'parked'
    case 'cancel':
      return failure('cancelled', { what: `The step ${step}` })
    case 'fail':
      return reason.error
    case 'code.changed':
      return failure('code.changed', { step, problem: reason.problem })
    case 'lost':
      return failure('journal.lost', { journal: step })
  }
}

/** Returns the end of a stopped step. A closed or drained step is parked, and continues at its next execution. */
export const stoppedEnd = ({ kind }: StopReason): StepEnd =>
  kind === 'cancel' ? { status: 'cancelled' } : { status: 'parked', waits: [] }
