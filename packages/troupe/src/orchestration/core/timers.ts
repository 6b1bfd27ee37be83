/** What follows when a timer has come. */
import { fire } from './barrier.ts'
import { deadlineOf, idOf, kindOf } from './clocks.ts'
import type { Deciding } from './deciding.ts'
import { moveInPlace, routeError, timedOut } from './failing.ts'
import { trip } from './guards.ts'
import { expire } from './people.ts'
import { waitsForRoom } from './queue.ts'
import { recallBranch, recallStep } from './recall.ts'
import { beginAttempt, recallRun } from './run.ts'
import { standing } from './standing.ts'
import { endStep } from './steps.ts'

export function onTimer(d: Deciding, name: string) {
  const due = d.state.timers.get(name)?.due
  if (due === undefined) return
  // A node whose clock goes behind may bring it early: it is set again.
  if (due > d.at) return d.emit({ type: 'timer.set', name, due })
  d.emit({ type: 'timer.cleared', name })
  const id = idOf(name)
  const { timeouts, budget } = d.config
  switch (kindOf(name)) {
    case 'run':
      return recallRun(d, { as: 'failed', error: timedOut('run', 'The run', timeouts.run ?? 0) })
    case 'time':
      return trip(d, { name: 'time', limit: budget.time ?? 0, used: d.at - d.state.startedAt })
    case 'branch':
      return branchTimeout(d, id, timeouts.branch ?? 0)
    case 'step':
      return stepTimeout(d, id, 'step', timeouts.step ?? 0)
    case 'request':
      return stepTimeout(d, id, 'request', due - d.state.startedAt)
    case 'grace':
      return abandon(d, id)
    case 'barrier':
      return deadline(d, id)
    case 'acquire':
      return acquisitionTimeout(d, id, timeouts.acquisition ?? 0)
    case 'question':
      return expire(
        d,
        id,
        timedOut('human', 'An answer', d.state.questions.get(id)?.ask.timeoutMs ?? timeouts.human ?? 0),
      )
    case 'again':
      return delayOver(d, id)
    default:
      return beginAttempt(d)
  }
}

function branchTimeout(d: Deciding, id: string, limit: number): void {
  const branch = d.branch(id)
  recallBranch(d, branch, { as: 'failed', error: timedOut('branch', `Branch ${id} (${branch.agent})`, limit) })
}

function stepTimeout(d: Deciding, id: string, kind: string, limit: number): void {
  const step = d.state.steps.get(id)
  if (step) recallStep(d, step, { as: 'failed', error: timedOut(kind, `Step ${id} (${step.agent})`, limit) })
}

function abandon(d: Deciding, id: string): void {
  const step = d.state.steps.get(id)
  if (step?.recall) endStep(d, step, { error: step.recall.error })
}

/** What has arrived goes on; who has not, has failed. */
function deadline(d: Deciding, id: string): void {
  const barrier = d.state.barriers.get(id)
  if (barrier?.state !== 'open') return
  const late = timedOut('convergence', `The meeting at ${barrier.agent}`, deadlineOf(d, barrier.node) ?? 0)
  const { successes } = standing(d, barrier)
  fire(d, barrier, late, successes === 0 && barrier.onFailure === 'failFast' ? late : undefined)
}

function acquisitionTimeout(d: Deciding, id: string, limit: number): void {
  const branch = d.branch(id)
  if (waitsForRoom(d.state, branch))
    routeError(d, branch, timedOut('acquisition', `Waiting for an instance of ${d.label(branch)}`, limit))
}

function delayOver(d: Deciding, id: string): void {
  const branch = d.branch(id)
  if (branch.status === 'delayed') moveInPlace(d, branch, branch.attempt)
}
