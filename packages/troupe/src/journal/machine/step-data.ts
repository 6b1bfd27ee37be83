/**
 * The data of a step in this process: its state and the owners of its parts. It has no clock, no callbacks and no I/O.
 */
import type { Execution, StepPort } from '../steps/execution.ts'
import type { StepsContext } from '../steps/steps-context.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
import { CommitBuffer } from '../turns/commit-buffer.ts'
import type { Turn } from '../turns/turn.ts'
import type { Io } from './step-executor.ts'
import type { StepTimers } from './step-timers.ts'
import type { Stop } from './stop-reason.ts'
import type { ProgramEnd, Trigger } from './trigger.ts'

/**
 * `loading`: the journal is read, and taken over where it exists; no code runs. `running`: the code runs, its calls are
 * answered from the record or carried out. `completing`: the code has ended, or an error was decided, and the end is being
 * committed. `stopping`: no call is answered or staged any more; outcomes of effects are awaited and recorded. `backoff`:
 * between a rejected turn and its next attempt; nothing is in progress, all is recorded. `parked`: every open call is a
 * wait or an uncertain effect; the code is retained in memory. `ended`: nothing changes any more.
 */
export type StepState = 'loading' | 'running' | 'completing' | 'stopping' | 'backoff' | 'parked' | 'ended'

export class StepData {
  spec: StepSpec
  state: StepState = 'loading'
  readonly buffer = new CommitBuffer()
  /** The stop in progress. In `loading`: a stop that was requested meanwhile. */
  stop: Stop | undefined
  execution: Execution | undefined
  turn: Turn | undefined
  /** The state of the code of the current execution; `waiting` for rows that are in the inbox already. */
  code: 'waiting' | 'running' | 'ended' = 'waiting'
  /** The end of the step, in `completing`; it is decided when nothing prevents it. */
  ending: { readonly end: ProgramEnd; isDecided: boolean; readonly isFailure: boolean } | undefined
  /** `claimed`: rows in the buffer whose removal is not durable yet. */
  readonly inbox = { isReading: false, isDirty: false, claimed: new Set<number>() }
  end = Promise.withResolvers<StepEnd>()

  constructor(spec: StepSpec) {
    this.spec = spec
    this.renewEnd()
  }

  renewEnd(): void {
    this.end = Promise.withResolvers<StepEnd>()
    this.end.promise.catch(() => {})
  }
}

/** The object on which actions work. */
export interface StepControl {
  readonly data: StepData
  readonly context: StepsContext
  readonly timers: StepTimers
  readonly port: StepPort
  /** Asserts that the transition is in the table. */
  enter(state: StepState): void
  perform(io: Io): void
  /** Queues a trigger, which is dispatched after the present one. */
  raise(trigger: Trigger): void
  /** Runs the code of the current execution. */
  startCode(): void
  /** Notes whether the code of the step is retained while it is parked. */
  setParked(isParked: boolean): void
  listen(): void
  /** Releases the resources of a step that has ended. */
  release(): void
}

export const executionOf = ({ data }: StepControl): Execution => data.execution as Execution

export const stopOf = ({ data }: StepControl): Stop => data.stop as Stop
