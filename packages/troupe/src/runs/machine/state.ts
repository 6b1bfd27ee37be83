/**
 * What a run is between two inputs: a fold of its events, updated in place by `evolve` alone. All of it but `graph` and `flows`
 * is plain data; counts are kept beside what they count so that no question costs more than O(log n).
 */

import type { CarriedHistory, Flow, Question } from '../../agents/index.ts'
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { BreakOn, FailurePolicy, Graph, Join } from '../../topology/index.ts'
import type { AgentPath } from './branches/agent-path.ts'
import { dict } from './dict.ts'
import type {
  Amounts,
  AnswerTo,
  BranchId,
  BranchOrigin,
  Breakpoint,
  Cancellation,
  Command,
  Guard,
  JoinId,
  Pinned,
  QuestionId,
  Result,
  StepEnding,
  StepId,
  StepUsage,
  WaitReason,
} from './machine-events.ts'
import type { RunReason } from './result.ts'

export type BranchStatus =
  | 'ready' // waits for its step to be started
  | 'delayed' // ready after a timer
  | 'running' // has an open step
  | 'routing' // between a step and what follows from it; never between two inputs
  | 'waiting' // for its fork to meet
  | 'asking' // for a person, without a step
  | 'completed'
  | 'failed'
  | 'cancelled'

export interface Branch {
  readonly id: BranchId
  readonly group: string
  readonly order: readonly number[]
  readonly depth: number
  /** The agent it began with. */
  readonly agent: string
  node: string
  status: BranchStatus
  input: Json
  results: readonly Result[] | undefined
  /** The input with which it came to its node. */
  request: Json
  /** What came with the hand-off that brought it to its node. */
  history: CarriedHistory | undefined
  from: string | undefined
  attempt: number
  substitute: boolean
  /** The timer that ends its delay. */
  after: string | undefined
  /** Its ticket in a queue. */
  ticket: number
  /** How many steps it has begun. */
  steps: number
  /** How many questions it has asked without a step. */
  asked: number
  step: StepId | undefined
  fork: JoinId | undefined
  question: QuestionId | undefined
  cancellation: Cancellation | undefined
  /** It waits for a person, a resolution, other code, or child runs that wait: nothing that can come by itself. */
  blocked: boolean
  /** The node before this one, and how often in a row the branch went straight back to where it came from. */
  before: string | undefined
  pingPongCount: number
  /** Turns taken along alternating edges, by pair; begun anew when the branch leaves the pair. */
  turns: number
  edgePair: string | undefined
  progressHashes: { [progressHash: string]: true }
  noProgressCount: number
  value: Json | undefined
  error: StoredError | undefined
}

export interface Group {
  readonly id: string
  readonly origin: BranchOrigin
  readonly depth: number
  /** All that it ever had, and those of them that are open. */
  readonly branches: BranchId[]
  open: Set<BranchId>
  live: number
  blocked: number
  /** Of each node where branches meet: how many live ones may still come there, and how many of them are away. */
  reachableCounts: { [node: string]: number }
  blockedReachableCounts: { [node: string]: number }
  /** The open meeting at a node, and how many there were. */
  openJoins: { [node: string]: JoinId | undefined }
  joinCounts: { [node: string]: number }
  readonly ends: { readonly order: readonly number[]; readonly value: Json }[]
  /** Meetings that are open or whose losers are awaited. */
  openJoinCount: number
  closing: { [joinId: JoinId]: true | undefined }
  failing: StoredError | undefined
  fatal: boolean
  /** The first failure of a branch, or why the first was stopped where none failed. */
  firstFailure: StoredError | undefined
  errorHandled: boolean
  closed: boolean
}

export interface Slot {
  readonly agent: string
  request: Json
  group: string | undefined
  result: Result | undefined
  blocked: boolean
}

export interface JoinState {
  readonly id: JoinId
  readonly kind: 'fork' | 'merge'
  readonly branch: BranchId | undefined
  readonly group: string
  readonly node: string
  readonly agent: string
  readonly join: Join
  readonly onFailure: FailurePolicy
  readonly slots: Slot[]
  readonly arrivals: { readonly order: readonly number[]; readonly depth: number; readonly result: Result }[]
  /** Slots without a result. */
  pending: number
  blocked: number
  successes: number
  failures: number
  /** The first failure to arrive. */
  failure: StoredError | undefined
  fatal: boolean
  state: 'open' | 'closing' | 'closed'
  satisfied: boolean
  error: StoredError | undefined
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
  status: 'ready' | 'running' | 'waiting'
  reason: WaitReason | undefined
  cancellation: Cancellation | undefined
  /** Of what it waits for: the effect nobody knows of, how its code no longer fits. */
  detail: Json | undefined
  /** How it failed, while a breakpoint holds that. */
  suspendedEnding: StepEnding | undefined
  /** Open questions, and the steps that serve its open requests. */
  questions: { [question: QuestionId]: true | undefined }
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

export interface AskedQuestion {
  readonly id: QuestionId
  readonly branch: BranchId
  readonly agent: string
  readonly step: StepId | undefined
  readonly wait: string | undefined
  readonly failed: StoredError | undefined
  readonly ask: Question
  readonly askedAt: number
  status: 'open' | 'answered' | 'expired' | 'withdrawn'
}

/** First in, first out; tickets tell stale entries from valid ones. */
export interface Queue {
  items: { readonly id: string; readonly ticket: number }[]
  head: number
}

export interface Timer {
  /** In run time (`limits/run-time.ts`); undefined while the timer is stopped. */
  due: number | undefined
  remainingMs: number | undefined
}

export interface Counts {
  /** Steps that are being carried out, recalled ones included. */
  executing: number
  delayed: number
  live: number
  steps: number
  tickets: number
  openQuestions: number
  uncertain: number
  changed: number
  /** Steps that wait for something outside of this run, and those of them whose child runs do not all wait. */
  outside: number
  movingOutside: number
  totalSteps: number
  hops: number
  /** Of these, what runs took that steps have started. */
  chargedSteps: number
  chargedHops: number
  /** Of those executing, the ones that count against maxParallelBranches: all but the serving ones. */
  parallel: number
}

export interface State {
  status: 'new' | 'running' | 'completed' | 'failed' | 'cancelled'
  pinned: Pinned
  task: Json
  startedAt: number
  now: number
  /** The sum of the gaps in which no process carried the run, ms. */
  offset: number
  /** How many events have led here. */
  seq: number
  pausedBy: string | undefined
  /** At which it stands. */
  breakpoint: Breakpoint | undefined
  /** The newest breakpoint: it is not stopped at twice. */
  lastBreakpoint: { readonly seq: number; readonly step: StepId | undefined }
  /** In place of what the run was started with. */
  breakOn: readonly BreakOn[] | undefined
  /** It stops before it has begun more steps. */
  until: number | undefined
  cancellation: Cancellation | undefined
  cancelRequestedBy: string | undefined
  guard: Guard | undefined
  attempt: number
  /** The timer after which the run begins anew. */
  retryTimer: string | undefined
  response: Json | undefined
  error: StoredError | undefined
  lastValue: Json | undefined
  /** The scopes that answer to nobody: of each attempt of the run, and of notifications. */
  readonly tops: string[]
  readonly branches: Map<BranchId, Branch>
  readonly groups: Map<string, Group>
  readonly joins: Map<JoinId, JoinState>
  readonly steps: Map<StepId, Step>
  readonly questions: Map<QuestionId, AskedQuestion>
  readonly timers: Map<string, Timer>
  readonly open: Map<string, Command>
  readonly waitingChildren: Map<string, WaitingChild>
  /** The ids of answers that a step has not settled with yet. */
  readonly answers: Map<StepId, string[]>
  /** Those that came while the run was paused. */
  deferredAnswers: Omit<AnswerTo, 'branch' | 'agent'>[]
  readonly queues: Map<string, Queue>
  readonly paths: Map<string, AgentPath>
  /** All that it was granted of a common budget; undefined while it draws from none. */
  granted: Amounts | undefined
  /** What it has asked for and was not granted yet. */
  requested: Amounts | undefined
  /** Of the task, the run, and each branch, scope, barrier and serving step that is tainted. */
  readonly taints: Map<string, readonly TaintLabel[]>
  readonly busy: { [node: string]: number }
  readonly edgeUses: { [edge: number]: number }
  /** Who asked whom by ctx.request and still waits, with how many requests. */
  readonly asks: { [agent: string]: { [other: string]: number } }
  readonly counts: Counts
  /** What waiting steps and child runs have used so far, by step or `childUsageKey`: not in `usage` before they end. */
  readonly openUsage: Map<string, StepUsage>
  readonly usage: { inputTokens: number; outputTokens: number; usd: number; unknown: { [model: string]: true } }
  graph: Graph | undefined
  /** Of nodes with no counted way out, by node and all else that it depends on: computed once, and not saved. */
  readonly flows: Map<string, Flow>
}

const nothing: Pinned = {
  topology: { version: 1, nodes: [], edges: [] },
  config: {
    budget: { steps: 0, depth: 0, hops: 0, branches: 0, time: 0 },
    timeouts: {},
    join: 'all',
    onFailure: 'failFast',
    onError: {},
    guards: { repetition: false, pingPong: false, noProgress: false },
    maxParallelBranches: 1,
    verbosity: 'normal',
    showAgentThoughts: false,
    showToolCalls: false,
    trace: false,
  },
  fingerprints: {},
}

/** Before its first event. */
export function createState(): State {
  return {
    status: 'new',
    pinned: nothing,
    task: null,
    startedAt: 0,
    now: 0,
    offset: 0,
    seq: 0,
    pausedBy: undefined,
    breakpoint: undefined,
    lastBreakpoint: { seq: 0, step: undefined },
    breakOn: undefined,
    until: undefined,
    cancellation: undefined,
    cancelRequestedBy: undefined,
    guard: undefined,
    attempt: 1,
    retryTimer: undefined,
    response: undefined,
    error: undefined,
    lastValue: undefined,
    tops: [],
    branches: new Map(),
    groups: new Map(),
    joins: new Map(),
    steps: new Map(),
    questions: new Map(),
    timers: new Map(),
    open: new Map(),
    waitingChildren: new Map(),
    answers: new Map(),
    deferredAnswers: [],
    queues: new Map(),
    paths: new Map(),
    granted: undefined,
    requested: undefined,
    taints: new Map(),
    busy: dict(),
    edgeUses: dict(),
    asks: dict(),
    counts: {
      executing: 0,
      delayed: 0,
      live: 0,
      steps: 0,
      tickets: 0,
      openQuestions: 0,
      uncertain: 0,
      changed: 0,
      outside: 0,
      movingOutside: 0,
      totalSteps: 0,
      hops: 0,
      chargedSteps: 0,
      chargedHops: 0,
      parallel: 0,
    },
    openUsage: new Map(),
    usage: { inputTokens: 0, outputTokens: 0, usd: 0, unknown: dict() },
    graph: undefined,
    flows: new Map(),
  }
}

export const hasEnded = (state: Readonly<State>): boolean =>
  state.status === 'completed' || state.status === 'failed' || state.status === 'cancelled'

/** What must exist if the events were made by `transition`. */
export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`unknown ${what}`)
  return value
}

export const byOrder = ({ order: a }: Pick<Branch, 'order'>, { order: b }: Pick<Branch, 'order'>): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  return a.length - b.length
}
