/** A run as it stood with one of its events: a fold of the events up to there, told in plain data. */
import type { Json, StoredError } from '../../core/index.ts'
import type { NumberedEvent } from '../engine/run-event.ts'
import type { RunQuestion } from '../engine/run-result.ts'
import type { Guard } from '../machine/machine-events.ts'
import { runAccountOf } from '../machine/run-account.ts'
import type { Branch, JoinState, State, Step } from '../machine/state.ts'
import type { PastRun } from './past-run.ts'

export interface BranchThen {
  readonly id: string
  readonly agent: string
  readonly node: string
  readonly status: Branch['status']
  readonly attempt: number
  /** What its node was given; absent once it is over. */
  readonly input?: Json
  /** The open one. */
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
  /** Of a fork: the agents whose results are missing. */
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
  /** Those that are not over. */
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

/** @throws ValidationError for a `seq` that the run does not have */
export function runStateAt(past: PastRun, seq: number): RunStateAt {
  const state = past.stateAt(seq)
  const event = past.events[seq - 1] as NumberedEvent
  const { branchResults: _, success: __, ...account } = runAccountOf(state, event.at)
  return {
    run: past.run,
    seq,
    event,
    at: new Date(event.at).toISOString(),
    branches: [...state.branches.values()].map((branch) => branchThen(state, branch)),
    joins: [...state.joins.values()].filter(({ state: is }) => is !== 'closed').map(joinStateAt),
    steps: [...state.steps.values()].map(stepThen),
    ...account,
  }
}

function branchThen(state: State, branch: Branch): BranchThen {
  const { id, node, status, attempt, value, error, step, input } = branch
  const isOver = status === 'completed' || status === 'failed' || status === 'cancelled'
  return {
    id,
    agent: state.graph?.nodes.get(node)?.label ?? node,
    node,
    status,
    attempt,
    ...(isOver ? {} : { input }),
    ...(step === undefined ? {} : { step }),
    ...(value === undefined ? {} : { value }),
    ...(error === undefined ? {} : { error }),
  }
}

const joinStateAt = ({ id, kind, agent, state, slots, arrivals }: JoinState): JoinStateAt => {
  const missing = slots.filter(({ result }) => result === undefined)
  const arrived = kind === 'fork' ? slots.length - missing.length : arrivals.length
  return { id, kind, agent, state, arrived, missing: missing.map((slot) => slot.agent) }
}

const stepThen = ({ id, agent, branch, status, reason }: Step): StepThen => ({
  id,
  agent,
  branch,
  status,
  ...(reason === undefined ? {} : { reason }),
})
