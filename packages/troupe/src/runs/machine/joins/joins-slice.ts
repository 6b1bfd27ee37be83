/** Joins that are not closed: where the branches of a fork, or of a group at a node, meet. */
import type { Json, StoredError } from '../../../core/index.ts'
import type { BranchId, Event, JoinId, Result } from '../machine-events.ts'
import type { StatusTransitions } from '../transition-to.ts'

/**
 * The status of a join. `closing`: it is decided, and the branches that it does not need are being cancelled. A closed
 * join is removed from the state.
 */
export type JoinStatus = 'open' | 'closing'

/** The allowed next statuses of a join, which completes once. */
export const joinTransitions: StatusTransitions<JoinStatus> = { open: ['closing'], closing: [] }

/** An invocation whose result a join awaits. */
export interface Slot {
  /** The name of the invoked agent. */
  readonly agent: string
  /** The input of the invocation. */
  request: Json
  /** The id of the group of its branches; undefined before its first branch. */
  group: string | undefined
  /** The result; undefined before it has arrived. */
  result: Result | undefined
  /** True if its branches wait for a person, a resolution, other code, or child runs that wait. */
  blocked: boolean
}

/** A join that is not closed. */
export interface JoinState
  extends Pick<
    Extract<Event, { readonly type: 'join.opened' }>,
    'kind' | 'group' | 'node' | 'agent' | 'join' | 'onFailure'
  > {
  /** The id, such as `1@D.1` (the first join at node `D` of group `1`). */
  readonly id: JoinId
  /** The branch that awaits its invocations; undefined for a `merge`. */
  readonly branch: BranchId | undefined
  /** The invocations of a `fork`, in their order; empty for a `merge`. */
  readonly slots: Slot[]
  /** The branches of a `merge` that have arrived; empty for a `fork`. */
  readonly arrivals: {
    /** The position of the branch among the others. */
    readonly order: readonly number[]
    /** The number of invocations above the branch. */
    readonly depth: number
    /** The result of the branch. */
    readonly result: Result
  }[]
  /** The number of slots without a result. */
  pending: number
  /** The number of slots whose branches wait for a person, a resolution, other code, or child runs that wait. */
  blocked: number
  /** The number of successful results. */
  successes: number
  /** The number of failed results without which a person decided to continue. */
  skipped: number
  /** The number of failed results. */
  failures: number
  /** The first failure that arrived; undefined for none. */
  failure: StoredError | undefined
  /** True if a person decided that the join fails with a branch. */
  fatal: boolean
  /** The status. */
  state: JoinStatus
  /** True if it completed because its condition was met. */
  satisfied: boolean
  /** The error with which it fails; undefined if it does not fail. */
  error: StoredError | undefined
}

export interface JoinsSlice {
  readonly open: Map<JoinId, JoinState>
}

export const createJoinsSlice = (): JoinsSlice => ({ open: new Map() })
