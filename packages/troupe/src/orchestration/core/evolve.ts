/**
 * Folds an event into the state, in place. Takes no decision and is total: what it is given has happened. Everything
 * written goes through the ledger.
 */

import { pathSetBy } from './agent-path.ts'
import { evolveBarrier } from './evolve-barrier.ts'
import { evolveBranch } from './evolve-branch.ts'
import { evolvePeople } from './evolve-people.ts'
import { addUsage, evolveStep } from './evolve-step.ts'
import { evolveTaint } from './evolve-taint.ts'
import { graphOf } from './graph.ts'
import type { Event, EventOf } from './model.ts'
import type { State } from './state.ts'

/** @returns the same state */
export function evolve(state: State, event: Event): State {
  state.ledger.set(state, 'now', Math.max(state.now, event.at))
  state.ledger.add(state, 'seq', 1)
  const path = pathSetBy(state.paths, event)
  if (path) state.ledger.put(state.paths, ...path)
  evolveTaint(state, event)
  return fold(state, event)
}

function fold(state: State, event: Event): State {
  switch (event.type) {
    case 'run.started':
      return runStarted(state, event)
    case 'run.held':
    case 'run.charged':
    case 'run.recalled':
    case 'run.retried':
    case 'run.paused':
    case 'run.continued':
    case 'breakpoints.set':
    case 'guard.tripped':
      return evolveRun(state, event)
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return runEnded(state, event)
    case 'timer.set':
    case 'timer.cleared':
      return evolveTimer(state, event)
    case 'branch.started':
    case 'branch.moved':
    case 'branch.completed':
    case 'branch.failed':
    case 'branch.cancelled':
    case 'branch.recalled':
    case 'scope.failed':
      return evolveBranch(state, event)
    case 'step.started':
    case 'step.completed':
    case 'step.failed':
    case 'step.waiting':
    case 'step.resumed':
    case 'step.recalled':
      return evolveStep(state, event)
    case 'barrier.opened':
    case 'barrier.arrived':
    case 'barrier.fired':
    case 'barrier.closed':
      return evolveBarrier(state, event)
    default:
      return evolvePeople(state, event)
  }
}

function runStarted(state: State, event: EventOf<'run.started'>): State {
  const { ledger } = state
  ledger.set(state, 'status', 'running')
  ledger.set(state, 'task', event.task)
  ledger.set(state, 'startedAt', event.at)
  ledger.set(state, 'pinned', event.pinned)
  ledger.set(state, 'graph', graphOf(event.pinned.topology))
  return state
}

type RunEvent = EventOf<
  | 'run.held'
  | 'run.charged'
  | 'run.recalled'
  | 'run.retried'
  | 'run.paused'
  | 'run.continued'
  | 'breakpoints.set'
  | 'guard.tripped'
>

function evolveRun(state: State, event: RunEvent): State {
  const { ledger } = state
  switch (event.type) {
    case 'run.held':
      for (const run of [event.run, ...event.instead]) letGo(state, run)
      ledger.put(state.held, event.run, { step: event.step, steps: event.steps, hops: event.hops })
      ledger.add(state.counts, 'heldSteps', event.steps)
      ledger.add(state.counts, 'heldHops', event.hops)
      break
    case 'run.charged':
      letGo(state, event.held ?? event.run)
      ledger.add(state.counts, 'totalSteps', event.steps)
      ledger.add(state.counts, 'hops', event.hops ?? 0)
      addUsage(state, event.usage)
      break
    case 'run.recalled':
      ledger.set(state, 'recall', event.recall)
      ledger.set(state, 'recalledBy', event.by)
      break
    case 'run.retried':
      ledger.set(state, 'attempt', event.attempt)
      ledger.set(state, 'again', event.after)
      ledger.set(state, 'recall', undefined)
      break
    case 'run.paused':
      ledger.set(state, 'pausedBy', event.by)
      ledger.set(state, 'breakpoint', event.breakpoint)
      if (event.breakpoint && event.breakpoint.run === undefined)
        ledger.set(state, 'broken', { seq: state.seq, step: event.breakpoint.step })
      break
    case 'run.continued':
      ledger.set(state, 'pausedBy', undefined)
      ledger.set(state, 'kept', [])
      ledger.set(state, 'breakpoint', undefined)
      ledger.set(state, 'until', event.steps === undefined ? undefined : state.counts.totalSteps + event.steps)
      break
    case 'breakpoints.set':
      ledger.set(state, 'breakOn', event.breakOn)
      break
    case 'guard.tripped':
      ledger.set(state, 'guard', event.guard)
  }
  return state
}

function letGo(state: State, run: string): void {
  const { ledger, held, counts } = state
  const share = held.get(run)
  if (!share) return
  ledger.drop(held, run)
  ledger.add(counts, 'heldSteps', -share.steps)
  ledger.add(counts, 'heldHops', -share.hops)
}

function runEnded(state: State, event: EventOf<'run.completed' | 'run.failed' | 'run.cancelled'>): State {
  const { ledger } = state
  if (event.type === 'run.completed') {
    ledger.set(state, 'status', 'completed')
    ledger.set(state, 'response', event.value)
  } else {
    ledger.set(state, 'status', event.type === 'run.failed' ? 'failed' : 'cancelled')
    ledger.set(state, 'response', event.partial)
    if (event.type === 'run.failed') ledger.set(state, 'error', event.error)
  }
  for (const id of [...state.open.keys()]) ledger.drop(state.open, id)
  for (const name of [...state.timers.keys()]) ledger.drop(state.timers, name)
  return state
}

function evolveTimer(state: State, event: EventOf<'timer.set' | 'timer.cleared'>): State {
  const { ledger } = state
  const id = `timer ${event.name}`
  if (event.type === 'timer.set') {
    ledger.put(state.timers, event.name, { due: event.due, left: undefined })
    ledger.put(state.open, id, { id: `${id} ${event.due}`, type: 'timer.set', name: event.name, due: event.due })
  } else {
    if (event.left === undefined) ledger.drop(state.timers, event.name)
    else ledger.put(state.timers, event.name, { due: undefined, left: event.left })
    ledger.drop(state.open, id)
    if (event.name === state.again && event.left === undefined) ledger.set(state, 'again', undefined)
  }
  return state
}
