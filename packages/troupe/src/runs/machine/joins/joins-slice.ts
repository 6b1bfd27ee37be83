/** Joins that are not closed: where the branches of a fork, or of a group at a node, meet. */
import type { Json, StoredError } from '../../../core/index.ts'
import type { FailurePolicy, Join } from '../../../topology/index.ts'
import type { BranchId, JoinId, Result } from '../machine-events.ts'
import type { StatusTransitions } from '../transition-to.ts'

/** closing: the join is decided, and the branches that it does not need are being cancelled. A closed join leaves the state. */
export type JoinStatus = 'open' | 'closing'

/** Each join completes once. */
export const joinTransitions: StatusTransitions<JoinStatus> = { open: ['closing'], closing: [] }

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
  state: JoinStatus
  satisfied: boolean
  error: StoredError | undefined
}

export interface JoinsSlice {
  readonly open: Map<JoinId, JoinState>
}

export const createJoinsSlice = (): JoinsSlice => ({ open: new Map() })
