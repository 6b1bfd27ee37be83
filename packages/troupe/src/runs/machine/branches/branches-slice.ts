/** Branches, the groups in which they are counted and end, and the queues in which they wait for their steps. */
import type { CarriedHistory } from '../../../agents/index.ts'
import type { Json, StoredError } from '../../../core/index.ts'
import type { BranchId, BranchOrigin, Cancellation, JoinId, QuestionId, Result, StepId } from '../machine-events.ts'
import type { StatusTransitions } from '../transition-to.ts'

/**
 * The status of a branch. `ready`: it waits for the start of its step. `delayed`: it is ready after a timer. `running`:
 * it has an open step. `routing`: between a step and its consequences, never between two inputs. `waiting`: it waits
 * for the results of its invocations. `asking`: it waits for a person, without a step.
 */
export type BranchStatus =
  | 'ready'
  | 'delayed'
  | 'running'
  | 'routing'
  | 'waiting'
  | 'asking'
  | 'completed'
  | 'failed'
  | 'cancelled'

export const branchTransitions: StatusTransitions<BranchStatus> = {
  // A rule of onError may give a value to a branch that has waited too long for its step.
  ready: ['running', 'routing', 'waiting', 'asking', 'completed', 'failed', 'cancelled'],
  delayed: ['routing', 'asking', 'failed', 'cancelled'],
  running: ['routing'],
  routing: ['routing', 'ready', 'delayed', 'waiting', 'asking', 'completed', 'failed', 'cancelled'],
  waiting: ['routing', 'asking', 'failed', 'cancelled'],
  // If `User` has no outgoing edge, the value that reaches it is the response of the branch.
  asking: ['asking', 'routing', 'completed'],
  completed: [],
  failed: [],
  cancelled: [],
}

/** A branch of a run: the line of control from its start to its end. */
export interface Branch {
  /** The id, such as `1` or `1/3.2` (the second target of the third step of branch `1`). */
  readonly id: BranchId
  /** The id of its group: the branches that count together and end together. */
  readonly group: string
  /** The id of the branch that started it; undefined for entries. */
  readonly parent: BranchId | undefined
  /** The time of its start in ms since 1970. */
  readonly startedAt: number
  /** The position among other branches: the order of invocation. */
  readonly order: readonly number[]
  /** The number of invocations above it. */
  readonly depth: number
  /** The name of the agent with which it started. */
  readonly agent: string
  /** The name of its node. */
  node: string
  /** The status. */
  status: BranchStatus
  /** The input of its next or open step. */
  input: Json
  /** The results of the join that is its input; undefined for a plain input. */
  results: readonly Result[] | undefined
  /** The first agent that it invoked, if these are the results of its own invocations, and not of branches that met. */
  invoked: string | undefined
  /** The input with which it reached its node. */
  request: Json
  /** The history that came with the hand-off to its node. */
  history: CarriedHistory | undefined
  /**
   * The name of the node whose value was sent to `User`, or whose agent has failed and is substituted; undefined
   * otherwise.
   */
  from: string | undefined
  /** The number of the attempt at this node, from 1. */
  attempt: number
  /** True if its agent substitutes a failed one. */
  substitute: boolean
  /** The timer that ends its delay. */
  after: string | undefined
  /** The ticket of its entry in a queue. */
  ticket: number
  /** The number of steps that it has started. */
  steps: number
  /** The number of questions that it has asked without a step. */
  asked: number
  /** The id of its open step; undefined without one. */
  step: StepId | undefined
  /** The id of the join of its invocations; undefined without one. */
  fork: JoinId | undefined
  /** The id of the question that it asks without a step; undefined without one. */
  question: QuestionId | undefined
  /** Why it is being stopped; undefined if it is not. */
  cancellation: Cancellation | undefined
  /** True if it waits for a person, a resolution, other code, or child runs that wait. */
  blocked: boolean
  /** The name of the node before this one; undefined at the first one. */
  before: string | undefined
  /** The number of times in a row that it returned to the node before. */
  pingPongCount: number
  /** The turns along alternating edges, by pair of agents. They restart when the branch leaves the pair. */
  turns: number
  /** The pair of agents of the alternating edge that it used last; undefined for none. */
  edgePair: string | undefined
  /** The hashes of node, input and outcome of its earlier steps. */
  progressHashes: { [progressHash: string]: true }
  /** The number of steps in a row whose hash was among the earlier ones. */
  noProgressCount: number
  /** The value with which it completed; undefined before, and if it has none. */
  value: Json | undefined
  /** The error with which it failed or was cancelled; undefined otherwise. */
  error: StoredError | undefined
}

export interface Group {
  readonly id: string
  readonly origin: BranchOrigin
  /** The node that waits for the result of the group; undefined if none does. */
  readonly caller: string | undefined
  readonly depth: number
  /** The number of all its branches, and of those that are open. */
  readonly branches: BranchId[]
  open: Set<BranchId>
  live: number
  blocked: number
  /** For each join node: how many live branches can still reach it, and how many of them wait elsewhere. */
  reachableCounts: { [node: string]: number }
  blockedReachableCounts: { [node: string]: number }
  /** The open join at a node, and the number of joins so far. */
  openJoins: { [node: string]: JoinId | undefined }
  joinCounts: { [node: string]: number }
  readonly ends: { readonly order: readonly number[]; readonly value: Json }[]
  /** Joins that are open, or whose cancelled branches are awaited. */
  openJoinCount: number
  closing: { [joinId: JoinId]: true | undefined }
  /** The uses of each edge with `perPass`, since a branch of the group left the node of the edge along another one. */
  passUses: { [edge: number]: number }
  failing: StoredError | undefined
  fatal: boolean
  /** The first failure of a branch; if none failed, the reason of the first cancellation. */
  firstFailure: StoredError | undefined
  errorHandled: boolean
}

/** First in, first out. Tickets distinguish stale entries from valid ones. */
export interface Queue {
  items: { readonly id: string; readonly ticket: number }[]
  head: number
}

export interface BranchesSlice {
  readonly all: Map<BranchId, Branch>
  readonly groups: Map<string, Group>
  /** The groups without a caller: those of each attempt of the run, and of notifications. */
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
