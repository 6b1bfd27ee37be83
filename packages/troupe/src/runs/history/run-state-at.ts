/** The state of a run at one of its events as plain data, folded from the events up to that one. */
import type { Json, StoredError } from '../../core/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import type { RunResult } from '../engine/run-result.ts'
import type { Branch } from '../machine/branches/branches-slice.ts'
import type { JoinState } from '../machine/joins/joins-slice.ts'
import type { Guard } from '../machine/machine-events.ts'
import { runAccountOf } from '../machine/run/run-account.ts'
import { type StateView, viewOf } from '../machine/state-view.ts'
import type { Step } from '../machine/steps/steps-slice.ts'
import type { PastRun } from './past-run.ts'

/** A branch at one event of its run. */
export interface BranchThen {
  /** The id of the branch. */
  readonly id: string
  /** The name of the agent at its node. */
  readonly agent: string
  /** The name of its node. */
  readonly node: string
  /** The status of the branch. */
  readonly status: Branch['status']
  /** The number of the attempt at this node, from 1. */
  readonly attempt: number
  /** The input of its node; absent once the branch has ended. */
  readonly input?: Json
  /** The id of its open step; absent without one. */
  readonly step?: string
  /** The value with which it completed; absent otherwise. */
  readonly value?: Json
  /** The error with which it failed or was cancelled; absent otherwise. */
  readonly error?: StoredError
}
/** A join that was not closed at one event of its run. */
export interface JoinStateAt {
  /** The id of the join. */
  readonly id: string
  /** `fork` for the invocations of one branch, `merge` for the branches of a group that meet at a node. */
  readonly kind: JoinState['kind']
  /** The name of the agent that gets the results. */
  readonly agent: string
  /** The status of the join. */
  readonly state: JoinState['state']
  /** The number of results that had arrived. */
  readonly arrived: number
  /** The agents whose results were missing, for a `fork`; empty for a `merge`. */
  readonly missing: readonly string[]
}
/** A step that was open at one event of its run. */
export interface StepThen {
  /** The id of the step. */
  readonly id: string
  /** The name of the agent. */
  readonly agent: string
  /** The id of the branch. */
  readonly branch: string
  /** The status of the step. */
  readonly status: Step['status']
  /** Why it waited; absent if it did not wait. */
  readonly reason?: string
}

/** The state of a run at one of its events, with what the run had used by then. */
export interface RunStateAt extends Pick<RunResult, 'questions' | 'totalSteps' | 'usage' | 'cost'> {
  /** The id of the run. */
  readonly run: string
  /** The `seq` of the event. */
  readonly seq: number
  /** The event. */
  readonly event: NumberedEvent
  /** The time of the event, as ISO 8601 text. */
  readonly at: string
  /** The status of the run. */
  readonly status: string
  /** Why the run waited; absent otherwise. */
  readonly reason?: string
  /** All branches, in the order of their start. */
  readonly branches: readonly BranchThen[]
  /** The joins that were not closed. */
  readonly joins: readonly JoinStateAt[]
  /** The open steps. */
  readonly steps: readonly StepThen[]
  /** The time in ms from the start to the event. */
  readonly durationMs: number
  /** The guard or budget that ended the run; absent if none did. */
  readonly guard?: Guard
  /** The response; absent before the end. */
  readonly response?: Json
  /** The error with which the run failed; absent if it did not fail. */
  readonly error?: StoredError
}

/** @throws ValidationError if the run has no event `seq` */
export function runStateAt(past: PastRun, seq: number): RunStateAt {
  const state = past.stateAt(seq)
  const view = viewOf(state)
  const event = past.events[seq - 1] as NumberedEvent
  const { branchResults: _, success: __, ...account } = runAccountOf(state, event.at)
  return {
    run: past.run,
    seq,
    event,
    at: new Date(event.at).toISOString(),
    branches: [...view.branches()].map((branch) => branchThen(view, branch)),
    joins: [...view.joins()].map(joinStateAt),
    steps: [...view.steps()].map(stepThen),
    ...account,
  }
}

function branchThen(view: StateView, branch: Readonly<Branch>): BranchThen {
  const { id, node, status, attempt, value, error, step, input } = branch
  const isOver = status === 'completed' || status === 'failed' || status === 'cancelled'
  return {
    id,
    agent: view.agentAt(node),
    node,
    status,
    attempt,
    ...(isOver ? {} : { input }),
    ...(step === undefined ? {} : { step }),
    ...(value === undefined ? {} : { value }),
    ...(error === undefined ? {} : { error }),
  }
}

const joinStateAt = ({ id, kind, agent, state, slots, arrivals }: Readonly<JoinState>): JoinStateAt => {
  const missing = slots.filter(({ result }) => result === undefined)
  const arrived = kind === 'fork' ? slots.length - missing.length : arrivals.length
  return { id, kind, agent, state, arrived, missing: missing.map((slot) => slot.agent) }
}

const stepThen = ({ id, agent, branch, status, reason }: Readonly<Step>): StepThen => ({
  id,
  agent,
  branch,
  status,
  ...(reason === undefined ? {} : { reason }),
})
