/** The commands of the core to the shell. */
import type { CarriedHistory, Flow } from '../../agents/index.ts'
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { BreakOn } from '../../topology/index.ts'
import type { Amounts, Breakpoint, Result, StepAnswer } from './result.ts'

/** A message to child runs. Breakpoints by `seq` apply to one journal and are not passed on. */
export type ChildMessage =
  | {
      /** `pause` pauses the child runs, `cancel` cancels them. */
      readonly type: 'pause' | 'cancel'
    }
  | {
      readonly type: 'resume'
      /** The number of steps after which the child runs pause again; absent for no limit. */
      readonly steps?: number
    }
  | {
      readonly type: 'break'
      /** The breakpoints. */
      readonly breakOn: readonly BreakOn[]
    }

/** A command that the shell executes. A command whose id is already in execution is dropped. */
export type Command = {
  /** The id, derived from the state, so that a repeated command is recognised. */
  readonly id: string
} & (
  | {
      readonly type: 'step.execute'
      /** The id of the step. */
      readonly step: string
      /** The id of its branch. */
      readonly branch: string
      /** The name of the node. */
      readonly node: string
      /** The name of the agent. */
      readonly agent: string
      /** The input of the step. */
      readonly input: Json
      /** The results of the join that is the input; absent for a plain input. */
      readonly results?: readonly Result[]
      /** The first agent that the agent invoked, if these are the results of its invocations. */
      readonly invoked?: string
      /** The input with which the branch reached the agent, before any join of agents that it invoked. */
      readonly request: Json
      /** The edges that the agent may use. */
      readonly flow: Flow
      /** The history that came with the hand-off to this agent. */
      readonly history?: CarriedHistory
      /** The name of the thread that the step continues. */
      readonly thread: string
      /** No step before this one has continued the thread. */
      readonly isFirstOfThread: boolean
      /** The step answers a request: its plain value is the reply. */
      readonly serve?: {
        /** The name of the message type. */
        readonly type: string
        /** The name of the agent that requests. */
        readonly from: string
      }
      /** The agents that receive its live parts, by edges of type stream. */
      readonly streamTo?: readonly string[]
      /** The taint labels of the input and of the branch so far. */
      readonly taint?: readonly TaintLabel[]
    }
  /** Abort the step and await it; `step.failed` or `step.returned` follows. */
  | {
      readonly type: 'step.cancel'
      /** The id of the step. */
      readonly step: string
      /** The error with which the signal of the step aborts. */
      readonly reason: StoredError
    }
  /** `due` in run time: `wallTimeOf` converts it. */
  | {
      readonly type: 'timer.set'
      /** The name of the timer. */
      readonly name: string
      /** The time in run time in ms; `wallTimeOf` converts it. */
      readonly due: number
    }
  | {
      readonly type: 'timer.clear'
      /** The name of the timer. */
      readonly name: string
    }
  /** Moves all timers that count run time by this many ms, before any timer is set. */
  | {
      readonly type: 'timers.shift'
      /** The number of ms. */
      readonly gap: number
    }
  /** Executes steps again for which input arrived while the run was paused; `step.resumed` follows for each. */
  | { readonly type: 'parked.resume' }
  | {
      readonly type: 'children.notify'
      /** The message. */
      readonly message: ChildMessage
    }
  /** Reports to the parent run that this run stopped at a breakpoint, so that the parent stops too. */
  | {
      readonly type: 'parent.notify'
      /** The breakpoint. */
      readonly breakpoint: Breakpoint
    }
  /** Reports to the parent run that this run waits, and for what. */
  | { readonly type: 'parent.report' }
  /** Cancels all child runs and awaits their end; `children.cancelled` follows. */
  | { readonly type: 'children.cancel' }
  /** Draws at least this amount from the shared budget; `budget.granted` or `budget.rejected` follows. */
  | ({ readonly type: 'budget.draw' } & Amounts)
  | ({ readonly type: 'answer.deliver' } & StepAnswer)
)
