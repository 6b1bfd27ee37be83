/** The triggers of a step. The table of the machine has a row for each. */
import type { Json, TroupeError } from '../../core/index.ts'
import type { InboxRow } from '../inbox-port.ts'
import type { JournalContent } from '../journal-port.ts'
import type { StepSpec } from '../steps-port.ts'
import type { StepPart } from '../turns/commit-buffer.ts'
import type { Rejection } from '../turns/own-journal.ts'
import type { StopReason } from './stop-reason.ts'

/** The end of the code of a step. `text` is the value as JSON; present if the value is long and was copied. */
export type ProgramEnd = { readonly value: Json; readonly text?: string } | { readonly thrown: unknown }

/** A trigger of the code of an execution or of its effects. */
export type ExecutionTrigger =
  | { readonly on: 'called' }
  | { readonly on: 'programEnded'; readonly end: ProgramEnd }
  /** A call cannot be answered: the step fails, or its code does not fit the record. */
  | { readonly on: 'callFailed'; readonly reason: StopReason }
  /** The journal, or the run of the step, belongs to another process. */
  | { readonly on: 'headLost'; readonly part?: StepPart }
  | { readonly on: 'broken'; readonly error: unknown }

/** A trigger of the end of an I/O operation. */
export type IoTrigger =
  | {
      readonly on: 'loaded'
      readonly content: JournalContent | undefined
      /** The error of a step that was restarted too often. */
      readonly crashed?: TroupeError
    }
  | { readonly on: 'committed'; readonly part: StepPart }
  | { readonly on: 'rejected'; readonly part: StepPart; readonly rejection: Rejection & { readonly part: number } }
  /** A staged write did not create its statements, or the storage rejects a part of the change at each attempt. */
  | { readonly on: 'invalid'; readonly part: StepPart; readonly error: unknown }
  /** The head of a journal that this process has lost. */
  | { readonly on: 'headRead'; readonly isFenced: boolean; readonly canRecord: boolean }
  | { readonly on: 'recorded'; readonly part?: StepPart }
  | { readonly on: 'recordRejected'; readonly part: StepPart; readonly rejection: Rejection }
  | { readonly on: 'inboxRead'; readonly rows: readonly InboxRow[] }
  | Extract<ExecutionTrigger, { readonly on: 'headLost' | 'broken' }>

export type Trigger =
  | ExecutionTrigger
  | IoTrigger
  /** The inbox may have rows. */
  | { readonly on: 'arrival' }
  | { readonly on: 'execute'; readonly spec: StepSpec }
  /** A macrotask of the step. Only in these macrotasks its code is answered and its changes are cut. */
  | { readonly on: 'tick' }
  | { readonly on: 'timer'; readonly timer: 'stall' | 'deadline' | 'backoff' }
  | { readonly on: 'stop'; readonly reason: Extract<StopReason, { readonly kind: 'close' | 'cancel' }> }
  | { readonly on: 'drain' }
  /** Drops the retained code of a parked step. */
  | { readonly on: 'drop' }
  /** The user is erased, so nothing of the step is written any more. */
  | { readonly on: 'forget' }

export type TriggerName = Trigger['on']
export type TriggerOf<Name extends TriggerName> = Extract<Trigger, { readonly on: Name }>
