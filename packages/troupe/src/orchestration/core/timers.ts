/** What follows when a timer has come. */
import { fire } from './barrier.ts'
import { deadlineOf, idOf, kindOf, limitOf } from './clocks.ts'
import type { Deciding } from './deciding.ts'
import { moveInPlace, routeError, timedOut } from './failing.ts'
import { trip } from './guards.ts'
import type { Recall } from './model.ts'
import { expire } from './people.ts'
import { recallBranch, recallStep } from './recall.ts'
import { beginAttempt, recallRun } from './run.ts'
import { standing } from './standing.ts'
import { must } from './state.ts'
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
      return recallRun(d, { as: 'failed', error: timedOut('run', 'The run', timeouts.run as number) })
    case 'time':
      return trip(d, { name: 'time', limit: budget.time as number, used: d.at - d.state.startedAt })
    case 'branch':
      return branchTimeout(d, id, timeouts.branch as number)
    case 'step':
      return stepTimeout(d, id, 'step', timeouts.step as number)
    case 'request':
      return stepTimeout(d, id, 'request', due - d.state.startedAt)
    case 'grace':
      return abandon(d, id)
    case 'barrier':
      return deadline(d, id)
    case 'acquire':
      return acquisitionTimeout(d, id, timeouts.acquisition as number)
    case 'question':
      return expire(
        d,
        id,
        timedOut('human', 'An answer', limitOf(d.state.questions.get(id)?.ask) ?? (timeouts.human as number)),
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
  const step = must(d.state.steps.get(id), id)
  recallStep(d, step, { as: 'failed', error: timedOut(kind, `Step ${id} (${step.agent})`, limit) })
}

function abandon(d: Deciding, id: string): void {
  const step = must(d.state.steps.get(id), id)
  endStep(d, step, { error: (step.recall as Recall).error })
}

/** What has arrived goes on; who has not, has failed. */
function deadline(d: Deciding, id: string): void {
  const barrier = d.barrier(id)
  const late = timedOut('convergence', `The meeting at ${barrier.agent}`, deadlineOf(d, barrier.node))
  const { successes } = standing(d, barrier)
  fire(d, barrier, late, successes === 0 && barrier.onFailure === 'failFast' ? late : undefined)
}

function acquisitionTimeout(d: Deciding, id: string, limit: number): void {
  const branch = d.branch(id)
  routeError(d, branch, timedOut('acquisition', `Waiting for an instance of ${d.label(branch)}`, limit))
}

function delayOver(d: Deciding, id: string): void {
  const branch = d.branch(id)
  moveInPlace(d, branch, branch.attempt)
}
