/** What the core asks of the shell. */
import type { CarriedHistory, Flow } from '../../agents/index.ts'
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { BreakOn } from '../../topology/index.ts'
import type { Amounts, Breakpoint, Result } from './result.ts'

/** What child runs are told: `seq` breakpoints are of one journal, and are none of theirs. */
export type ChildMessage =
  | { readonly type: 'pause' | 'cancel' }
  | { readonly type: 'resume'; readonly steps?: number }
  | { readonly type: 'break'; readonly breakOn: readonly BreakOn[] }

/** What the shell carries out; an id that it already carries out is dropped. */
export type Command = { readonly id: string } & (
  | {
      readonly type: 'step.execute'
      readonly step: string
      readonly branch: string
      readonly node: string
      readonly agent: string
      readonly input: Json
      readonly results?: readonly Result[]
      /** What the agent was asked when the branch came to it, before anything it invoked has met. */
      readonly request: Json
      readonly flow: Flow
      /** What came with the hand-off that brought the branch here. */
      readonly history?: CarriedHistory
      /** Of this agent in this branch. */
      readonly thread: string
      /** The step answers a request: its plain value is the reply. */
      readonly serve?: { readonly type: string; readonly from: string }
      /** Its live parts go on to these agents: the edges are of type stream. */
      readonly streamTo?: readonly string[]
      /** What the input came with, and all that the branch had gone through before. */
      readonly taint?: readonly TaintLabel[]
    }
  /** Abort the step and await it; `step.failed` or `step.returned` follows. */
  | { readonly type: 'step.cancel'; readonly step: string; readonly reason: StoredError }
  /** `due` in run time: `wallTimeOf` converts it. */
  | { readonly type: 'timer.set'; readonly name: string; readonly due: number }
  | { readonly type: 'timer.clear'; readonly name: string }
  /** Move all timers that count run time by so many ms, before any timer is set. */
  | { readonly type: 'timers.shift'; readonly gap: number }
  /** Enter steps again that something came for while the run was paused; `step.resumed` follows for each. */
  | { readonly type: 'parked.resume' }
  | { readonly type: 'children.notify'; readonly message: ChildMessage }
  /** The run stopped at a breakpoint: the run whose step started it stops too. */
  | { readonly type: 'parent.notify'; readonly breakpoint: Breakpoint }
  /** Report to the run whose step started this one that it waits, and for what. */
  | { readonly type: 'parent.report' }
  /** Cancel all child runs and await their end; `children.cancelled` follows. */
  | { readonly type: 'children.cancel' }
  /** Take so much, or more, of the common budget; `budget.granted` or `budget.rejected` follows. */
  | ({ readonly type: 'budget.draw' } & Amounts)
  | {
      readonly type: 'answer.deliver'
      readonly step: string
      readonly wait: string
      readonly answer: { readonly value: Json } | { readonly error: StoredError }
      readonly taint?: readonly TaintLabel[]
    }
)
