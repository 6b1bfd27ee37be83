/** Everything that can make a step move. The list is closed: the table of the machine has a row for each. */
import type { Json, TroupeError } from '../../core/index.ts'
import type { InboxRow } from '../inbox-port.ts'
import type { JournalContent } from '../journal-port.ts'
import type { StepSpec } from '../steps-port.ts'
import type { StepPart } from '../turns/commit-buffer.ts'
import type { Rejection } from '../turns/own-journal.ts'
import type { StopReason } from './stop-reason.ts'

/** How the code of a step ended. `text` is the value as JSON, if it was long and is therefore a copy. */
export type ProgramEnd = { readonly value: Json; readonly text?: string } | { readonly thrown: unknown }

/** Raised by the code of an execution and by its effects. */
export type ExecutionTrigger =
  | { readonly on: 'called' }
  | { readonly on: 'programEnded'; readonly end: ProgramEnd }
  /** A call cannot be answered: the step fails, or its code does not fit the record. */
  | { readonly on: 'callFailed'; readonly reason: StopReason }
  /** The journal, or the run of the step, belongs to another process. */
  | { readonly on: 'headLost'; readonly part?: StepPart }
  | { readonly on: 'broken'; readonly error: unknown }

/** What I/O brought. */
export type IoTrigger =
  | {
      readonly on: 'loaded'
      readonly content: JournalContent | undefined
      /** The step was restarted too often: it fails with this. */
      readonly crashed?: TroupeError
    }
  | { readonly on: 'committed'; readonly part: StepPart }
  | { readonly on: 'rejected'; readonly part: StepPart; readonly rejection: Rejection & { readonly part: number } }
  /** A staged write could not say what it writes, or storage takes something of the change at no attempt. */
  | { readonly on: 'invalid'; readonly part: StepPart; readonly error: unknown }
  /** Of a journal that was lost. */
  | { readonly on: 'headRead'; readonly isFenced: boolean; readonly canRecord: boolean }
  | { readonly on: 'recorded'; readonly part?: StepPart }
  | { readonly on: 'recordRejected'; readonly part: StepPart; readonly rejection: Rejection }
  | { readonly on: 'inboxRead'; readonly rows: readonly InboxRow[] }
  | Extract<ExecutionTrigger, { readonly on: 'headLost' | 'broken' }>

export type Trigger =
  | ExecutionTrigger
  | IoTrigger
  /** Something may be in the inbox. */
  | { readonly on: 'arrival' }
  | { readonly on: 'execute'; readonly spec: StepSpec }
  /** A macrotask of the step's own: the only one in which its code is answered and its changes are cut. */
  | { readonly on: 'tick' }
  | { readonly on: 'timer'; readonly timer: 'stall' | 'deadline' | 'backoff' }
  | { readonly on: 'stop'; readonly reason: Extract<StopReason, { readonly kind: 'close' | 'cancel' }> }
  | { readonly on: 'drain' }
  /** The retained code of a parked step is dropped. */
  | { readonly on: 'drop' }
  /** Its user is erased: nothing more of the step is written. */
  | { readonly on: 'forget' }

export type TriggerName = Trigger['on']
export type TriggerOf<Name extends TriggerName> = Extract<Trigger, { readonly on: Name }>
