/** The commands of the core to the shell. */
import type { CarriedHistory, Flow } from '../../agents/index.ts'
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { BreakOn } from '../../topology/index.ts'
import type { Amounts, Breakpoint, Result } from './result.ts'

/** A message to child runs. Breakpoints by `seq` apply to one journal and are not passed on. */
export type ChildMessage =
  | { readonly type: 'pause' | 'cancel' }
  | { readonly type: 'resume'; readonly steps?: number }
  | { readonly type: 'break'; readonly breakOn: readonly BreakOn[] }

/** A command that the shell executes. A command whose id is already in execution is dropped. */
export type Command = { readonly id: string } & (
  | {
      readonly type: 'step.execute'
      readonly step: string
      readonly branch: string
      readonly node: string
      readonly agent: string
      readonly input: Json
      readonly results?: readonly Result[]
      /** The input with which the branch reached the agent, before any join of agents that it invoked. */
      readonly request: Json
      readonly flow: Flow
      /** The history that came with the hand-off to this agent. */
      readonly history?: CarriedHistory
      /** The number of this agent's steps in this branch. */
      readonly thread: string
      /** The step answers a request: its plain value is the reply. */
      readonly serve?: { readonly type: string; readonly from: string }
      /** The agents that receive its live parts, by edges of type stream. */
      readonly streamTo?: readonly string[]
      /** The taint labels of the input and of the branch so far. */
      readonly taint?: readonly TaintLabel[]
    }
  /** Abort the step and await it; `step.failed` or `step.returned` follows. */
  | { readonly type: 'step.cancel'; readonly step: string; readonly reason: StoredError }
  /** `due` in run time: `wallTimeOf` converts it. */
  | { readonly type: 'timer.set'; readonly name: string; readonly due: number }
  | { readonly type: 'timer.clear'; readonly name: string }
  /** Moves all timers that count run time by this many ms, before any timer is set. */
  | { readonly type: 'timers.shift'; readonly gap: number }
  /** Executes steps again for which input arrived while the run was paused; `step.resumed` follows for each. */
  | { readonly type: 'parked.resume' }
  | { readonly type: 'children.notify'; readonly message: ChildMessage }
  /** Reports to the parent run that this run stopped at a breakpoint, so that the parent stops too. */
  | { readonly type: 'parent.notify'; readonly breakpoint: Breakpoint }
  /** Reports to the parent run that this run waits, and for what. */
  | { readonly type: 'parent.report' }
  /** Cancels all child runs and awaits their end; `children.cancelled` follows. */
  | { readonly type: 'children.cancel' }
  /** Draws at least this amount from the shared budget; `budget.granted` or `budget.rejected` follows. */
  | ({ readonly type: 'budget.draw' } & Amounts)
  | {
      readonly type: 'answer.deliver'
      readonly step: string
      readonly wait: string
      readonly answer: { readonly value: Json } | { readonly error: StoredError }
      readonly taint?: readonly TaintLabel[]
    }
)
