/** Open steps: what they wait for, what they have asked of other agents and of child runs, and how many execute. */
import type { Flow } from '../../../agents/index.ts'
import type { Json, TaintLabel } from '../../../core/index.ts'
import { dict, emptyDict } from '../dict.ts'
import type { BranchId, Cancellation, QuestionId, StepEnding, StepId, WaitReason } from '../machine-events.ts'
import type { QuestionStatus } from '../people/questions-slice.ts'
import type { RunReason, StepAnswer } from '../result.ts'
import type { StatusTransitions } from '../transition-to.ts'

export type StepStatus =
  | 'ready' // serves a request and was not started yet
  | 'running' // is carried out, or is being stopped
  | 'waiting' // for what its reason says

/** A step that ends leaves the state. */
export const stepTransitions: StatusTransitions<StepStatus> = {
  ready: ['running'],
  running: ['waiting'],
  waiting: ['running', 'waiting'],
}

export interface Step {
  readonly id: StepId
  readonly branch: BranchId
  readonly node: string
  readonly agent: string
  readonly depth: number
  readonly serve:
    | {
        readonly from: StepId
        readonly fromAgent: string
        readonly wait: string
        readonly message: string
        readonly payload: Json
        /** How long the asking step waits for the reply; undefined: for ever. */
        readonly timeoutMs: number | undefined
      }
    | undefined
  status: StepStatus
  /** What was open to it, and the taint of its input, when it was started: it is executed again with the same. */
  flow: Flow | undefined
  taint: readonly TaintLabel[]
  reason: WaitReason | undefined
  cancellation: Cancellation | undefined
  /** Of what it waits for: the effect nobody knows of, how its code no longer fits. */
  detail: Json | undefined
  /** How it failed, while a breakpoint holds that. */
  suspendedEnding: StepEnding | undefined
  /** All that it has asked: no question of a step is asked twice. */
  questions: { [question: QuestionId]: QuestionStatus | undefined }
  /** The steps that serve its open requests. */
  requests: { [step: StepId]: true | undefined }
  openQuestions: number
  openRequests: number
  /** Requests whose serving steps are blocked. */
  blockedRequests: number
  /** Child runs that it waits for, and how many of them wait themselves. */
  children: { readonly [run: string]: true }
  childCount: number
  waitingChildCount: number
  /** It waits for a person, a resolution, other code, or child runs that wait: nothing that can come by itself. */
  blocked: boolean
}

/** A child run that waits, as it reported. */
export interface WaitingChild {
  readonly step: StepId
  readonly reason: RunReason
  /** The ids of its open questions. */
  readonly questions: readonly string[]
}

export interface StepsSlice {
  readonly open: Map<StepId, Step>
  readonly waitingChildren: Map<string, WaitingChild>
  /** Those that a step may not have taken yet. */
  readonly answers: Map<StepId, StepAnswer[]>
  /** Which agent asked which by `ctx.request` and still waits, with how many requests. */
  readonly requestEdges: { [agent: string]: { [other: string]: number } }
  /** Steps that are carried out, those that are being stopped included. */
  executing: number
  /** Of these, all but the serving ones: they count against maxParallelBranches. */
  parallel: number
  uncertain: number
  codeChanged: number
  /** Steps that wait for something outside of this run, and those of them whose child runs do not all wait. */
  external: number
  movingExternal: number
}

export const createStepsSlice = (): StepsSlice => ({
  open: new Map(),
  waitingChildren: new Map(),
  answers: new Map(),
  requestEdges: dict(),
  executing: 0,
  parallel: 0,
  uncertain: 0,
  codeChanged: 0,
  external: 0,
  movingExternal: 0,
})

/** A step that has asked for nothing yet. */
export const createStep = (
  fields: Pick<Step, 'id' | 'branch' | 'node' | 'agent' | 'depth' | 'serve' | 'status'>,
): Step => ({
  id: fields.id,
  branch: fields.branch,
  node: fields.node,
  agent: fields.agent,
  depth: fields.depth,
  serve: fields.serve,
  status: fields.status,
  flow: undefined,
  taint: [],
  reason: undefined,
  cancellation: undefined,
  detail: undefined,
  suspendedEnding: undefined,
  questions: emptyDict(),
  requests: emptyDict(),
  openQuestions: 0,
  openRequests: 0,
  blockedRequests: 0,
  children: emptyDict(),
  childCount: 0,
  waitingChildCount: 0,
  blocked: false,
})
