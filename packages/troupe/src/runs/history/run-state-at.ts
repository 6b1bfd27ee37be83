/** The state of a run at one of its events as plain data, folded from the events up to that one. */
import type { Json, StoredError } from '../../core/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import type { RunQuestion } from '../engine/run-result.ts'
import type { Branch } from '../machine/branches/branches-slice.ts'
import type { JoinState } from '../machine/joins/joins-slice.ts'
import type { Guard } from '../machine/machine-events.ts'
import { runAccountOf } from '../machine/run/run-account.ts'
import { type StateView, viewOf } from '../machine/state-view.ts'
import type { Step } from '../machine/steps/steps-slice.ts'
import type { PastRun } from './past-run.ts'

export interface BranchThen {
  readonly id: string
  readonly agent: string
  readonly node: string
  readonly status: Branch['status']
  readonly attempt: number
  /** The input of its node; absent once the branch has ended. */
  readonly input?: Json
  /** The open step. */
  readonly step?: string
  readonly value?: Json
  readonly error?: StoredError
}
export interface JoinStateAt {
  readonly id: string
  readonly kind: JoinState['kind']
  readonly agent: string
  readonly state: JoinState['state']
  readonly arrived: number
  /** Of a fan-out: the agents whose results are missing. */
  readonly missing: readonly string[]
}
export interface StepThen {
  readonly id: string
  readonly agent: string
  readonly branch: string
  readonly status: Step['status']
  readonly reason?: string
}

export interface RunStateAt {
  readonly run: string
  /** Of the newest event that counts, and that event. */
  readonly seq: number
  readonly event: NumberedEvent
  /** ISO text. */
  readonly at: string
  readonly status: string
  readonly reason?: string
  readonly branches: readonly BranchThen[]
  /** The branches that have not ended. */
  readonly joins: readonly JoinStateAt[]
  readonly steps: readonly StepThen[]
  readonly questions: readonly RunQuestion[]
  readonly totalSteps: number
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  readonly cost: { readonly usd: number; readonly unknown: readonly string[] }
  readonly durationMs: number
  readonly guard?: Guard
  readonly response?: Json
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
