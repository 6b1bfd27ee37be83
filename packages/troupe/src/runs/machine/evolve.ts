/**
 * Folds an event into the state, in place. Takes no decision and is total: what it is given has happened.
 */

import { graphOf } from '../../topology/index.ts'
import { pathSetBy } from './branches/agent-path.ts'
import { evolveBranch } from './branches/evolve-branch.ts'
import { evolveTaint } from './branches/evolve-taint.ts'
import { childrenKey } from './commands-of.ts'
import { evolveJoin } from './joins/evolve-join.ts'
import { evolveGrants } from './limits/grants.ts'
import { runTimeOf } from './limits/run-time.ts'
import type { Event, EventOf } from './machine-events.ts'
import { evolvePeople } from './people/evolve-people.ts'
import type { State } from './state.ts'
import { childMoves, evolveChild, resumeChildren } from './steps/evolve-child.ts'
import { addUsage, evolveStep } from './steps/evolve-step.ts'
import { childUsageKey } from './steps/total-usage.ts'

/** @returns the same state */
export function evolve(state: State, event: Event): State {
  state.now = Math.max(state.now, event.at)
  state.seq += 1
  const path = pathSetBy(state.paths, event)
  if (path) state.paths.set(...path)
  evolveTaint(state, event)
  return fold(state, event)
}

function fold(state: State, event: Event): State {
  switch (event.type) {
    case 'run.started':
      return runStarted(state, event)
    case 'budget.requested':
    case 'budget.granted':
      return evolveGrants(state, event)
    case 'run.charged':
    case 'run.cancel-requested':
    case 'run.retried':
    case 'run.paused':
    case 'run.resumed':
    case 'run.breakpoints-set':
    case 'guard.tripped':
      return evolveRun(state, event)
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return runEnded(state, event)
    case 'run.waiting':
      return state
    case 'run.claimed':
    case 'clock.jumped':
      state.offset += event.gap
      return state
    case 'child.waiting':
    case 'child.resumed':
      return evolveChild(state, event)
    case 'children.cancelled':
      state.open.delete(childrenKey)
      return state
    case 'timer.set':
    case 'timer.cleared':
      return evolveTimer(state, event)
    case 'branch.started':
    case 'branch.moved':
    case 'branch.completed':
    case 'branch.failed':
    case 'branch.cancelled':
    case 'branch.cancel-requested':
    case 'group.failed':
      return evolveBranch(state, event)
    case 'step.started':
    case 'step.completed':
    case 'step.failed':
    case 'step.waiting':
    case 'step.resumed':
    case 'step.cancel-requested':
      return evolveStep(state, event)
    case 'join.opened':
    case 'join.arrived':
    case 'join.completed':
    case 'join.closed':
      return evolveJoin(state, event)
    default:
      return evolvePeople(state, event)
  }
}

function runStarted(state: State, event: EventOf<'run.started'>): State {
  state.status = 'running'
  state.task = event.task
  state.startedAt = event.at
  state.pinned = event.pinned
  state.graph = graphOf(event.pinned.topology)
  return state
}

type RunEvent = EventOf<
  | 'run.charged'
  | 'run.cancel-requested'
  | 'run.retried'
  | 'run.paused'
  | 'run.resumed'
  | 'run.breakpoints-set'
  | 'guard.tripped'
>

function evolveRun(state: State, event: RunEvent): State {
  switch (event.type) {
    case 'run.charged':
      for (const key of ['totalSteps', 'chargedSteps'] as const) state.counts[key] += event.steps
      for (const key of ['hops', 'chargedHops'] as const) state.counts[key] += event.hops ?? 0
      addUsage(state, event.usage)
      state.openUsage.delete(childUsageKey(event.run))
      childMoves(state, event.run)
      break
    case 'run.cancel-requested':
      state.cancellation = event.cancellation
      state.cancelRequestedBy = event.by
      // A run that draws from a common budget may have child runs.
      if (state.granted) state.open.set(childrenKey, { id: `${childrenKey} ${state.seq}`, type: 'children.cancel' })
      break
    case 'run.retried':
      state.attempt = event.attempt
      state.retryTimer = event.after
      state.cancellation = undefined
      break
    case 'run.paused':
      state.pausedBy = event.by
      state.breakpoint = event.breakpoint
      if (event.breakpoint && event.breakpoint.run === undefined)
        state.lastBreakpoint = { seq: state.seq, step: event.breakpoint.step }
      break
    case 'run.resumed':
      state.pausedBy = undefined
      state.deferredAnswers = []
      resumeChildren(state)
      state.breakpoint = undefined
      state.until = event.steps === undefined ? undefined : state.counts.totalSteps + event.steps
      break
    case 'run.breakpoints-set':
      state.breakOn = event.breakOn
      break
    case 'guard.tripped':
      state.guard = event.guard
  }
  return state
}

function runEnded(state: State, event: EventOf<'run.completed' | 'run.failed' | 'run.cancelled'>): State {
  if (event.type === 'run.completed') {
    state.status = 'completed'
    state.response = event.value
  } else {
    state.status = event.type === 'run.failed' ? 'failed' : 'cancelled'
    state.response = event.partial
    if (event.type === 'run.failed') state.error = event.error
  }
  state.open.clear()
  state.timers.clear()
  return state
}

function evolveTimer(state: State, event: EventOf<'timer.set' | 'timer.cleared'>): State {
  const id = `timer ${event.name}`
  if (event.type === 'timer.set') {
    const due = runTimeOf(state, event.name, event.due)
    state.timers.set(event.name, { due, remainingMs: undefined })
    state.open.set(id, { id: `${id} ${event.due}`, type: 'timer.set', name: event.name, due })
  } else {
    if (event.remainingMs === undefined) state.timers.delete(event.name)
    else state.timers.set(event.name, { due: undefined, remainingMs: event.remainingMs })
    state.open.delete(id)
    if (event.name === state.retryTimer && event.remainingMs === undefined) state.retryTimer = undefined
  }
  return state
}
