/** Branches, the groups in which they count and end together, and the queues in which they wait for their steps. */
import type { CarriedHistory } from '../../../agents/index.ts'
import type { Json, StoredError } from '../../../core/index.ts'
import type { BranchId, BranchOrigin, Cancellation, JoinId, QuestionId, Result, StepId } from '../machine-events.ts'
import type { StatusTransitions } from '../transition-to.ts'

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

export const branchTransitions: StatusTransitions<BranchStatus> = {
  ready: ['running', 'routing', 'asking', 'failed', 'cancelled'],
  delayed: ['routing', 'asking', 'failed', 'cancelled'],
  running: ['routing'],
  routing: ['routing', 'ready', 'delayed', 'waiting', 'asking', 'completed', 'failed', 'cancelled'],
  waiting: ['routing', 'asking', 'failed', 'cancelled'],
  // Where `User` has no way on, the value that came there is the response of the branch.
  asking: ['asking', 'routing', 'completed'],
  completed: [],
  failed: [],
  cancelled: [],
}

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
}

/** First in, first out; tickets tell stale entries from valid ones. */
export interface Queue {
  items: { readonly id: string; readonly ticket: number }[]
  head: number
}

export interface BranchesSlice {
  readonly all: Map<BranchId, Branch>
  readonly groups: Map<string, Group>
  /** The groups without a caller: of each attempt of the run, and of notifications. */
  readonly rootGroups: string[]
  readonly queues: Map<string, Queue>
  lastTicket: number
  openCount: number
  delayedCount: number
}

export const createBranchesSlice = (): BranchesSlice => ({
  all: new Map(),
  groups: new Map(),
  rootGroups: [],
  queues: new Map(),
  lastTicket: 0,
  openCount: 0,
  delayedCount: 0,
})

export const isBranchEnded = ({ status }: Pick<Branch, 'status'>): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

export const byOrder = ({ order: a }: Pick<Branch, 'order'>, { order: b }: Pick<Branch, 'order'>): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  return a.length - b.length
}
