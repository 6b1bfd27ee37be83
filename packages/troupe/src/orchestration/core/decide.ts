/**
 * What follows from an input: events, and nothing else. The state is left as it was. A rule of ours that turns out
 * broken fails the run, never the process.
 */
import { failure, storeError } from '../../core/index.ts'
import { considerBarrier } from './barrier.ts'
import { keepClocks } from './clocks.ts'
import { editBranch } from './debug.ts'
import { Deciding, type Task } from './deciding.ts'
import { failBranch } from './failing.ts'
import { placeArrivals } from './meeting.ts'
import type { Event, Input } from './model.ts'
import { answered, asked, passBreakpoints, requested, sendKept } from './people.ts'
import { finishRecall, recallBranch, recallScope } from './recall.ts'
import { cancelRun, considerRun, continueRun, pauseRun, recallRun, startRun } from './run.ts'
import { schedule } from './scheduling.ts'
import { considerScope, failScope } from './scope.ts'
import { hasEnded, type State } from './state.ts'
import { budgetRefused, endStep, stepEdited, stepFailed, stepResumed, stepSettled, stepWaits } from './steps.ts'
import { onTimer } from './timers.ts'

/** @returns no events where the input has come too late, or does not fit */
export function decide(state: State, input: Input): readonly Event[] {
  if (hasEnded(state) || (state.status === 'new') !== (input.type === 'start')) return []
  const deciding = new Deciding(state, Math.max(input.at, state.now))
  state.ledger.open()
  try {
    take(deciding, input)
    settle(deciding)
    return deciding.events
  } catch (thrown) {
    const rule = thrown instanceof Error ? thrown.message : String(thrown)
    return [{ type: 'run.failed', at: deciding.at, error: storeError(failure('invariant.broken', { rule })) }]
  } finally {
    state.ledger.rollback()
  }
}

function take(d: Deciding, input: Input) {
  switch (input.type) {
    case 'start':
      return startRun(d, input)
    case 'step.settled':
      return stepSettled(d, input)
    case 'step.failed':
      return stepFailed(d, input)
    case 'step.waiting':
      return stepWaits(d, input)
    case 'step.resumed':
      return stepResumed(d, input.step)
    case 'question.asked':
      return asked(d, input)
    case 'question.answered':
      return answered(d, input)
    case 'request.made':
      return requested(d, input)
    case 'timer':
      return onTimer(d, input.name)
    case 'cancel':
      return cancelRun(d, input.by)
    case 'pause':
      return pauseRun(d, input.by, input.breakpoint)
    case 'break':
      return d.emit({ type: 'breakpoints.set', breakOn: input.breakOn, by: input.by })
    case 'continue': {
      const { kept } = d.state
      continueRun(d, input.by, input.steps)
      sendKept(d, kept)
      return passBreakpoints(d, input.by)
    }
    case 'step.edited':
      return stepEdited(d, input)
    case 'branch.edited':
      return editBranch(d, input.branch, input.input)
    case 'budget.refused':
      return budgetRefused(d, input)
    case 'run.charged':
    case 'run.held': {
      const { at: _, ...said } = input
      return d.emit(said)
    }
  }
}

function carryOut(d: Deciding, task: Task) {
  switch (task.do) {
    case 'branch.fail':
      return failBranch(d, d.branch(task.branch), task.error, task.fatal)
    case 'branch.recall':
      return recallBranch(d, d.branch(task.branch), task.recall)
    case 'branch.stop':
      return finishRecall(d, d.branch(task.branch))
    case 'scope.fail':
      return failScope(d, task.scope, task.error, task.fatal)
    case 'scope.recall':
      return recallScope(d, task.scope, task.recall)
    case 'run.recall':
      return recallRun(d, task.recall, task)
    case 'step.end': {
      const step = d.state.steps.get(task.step)
      return step && endStep(d, step, task.ending)
    }
  }
}

/** Everything that follows, in an order that depends on nothing but the state. */
function settle(d: Deciding): void {
  for (;;) {
    if (hasEnded(d.state)) return
    const task = d.tasks.shift()
    const [barrier] = d.barriers
    const [scope] = d.scopes
    if (task) carryOut(d, task)
    else if (d.arrivals.length > 0) placeArrivals(d)
    else if (barrier !== undefined) {
      d.barriers.delete(barrier)
      considerBarrier(d, barrier)
    } else if (scope !== undefined) {
      d.scopes.delete(scope)
      considerScope(d, scope)
    } else if (!considerRun(d) && !schedule(d)) break
  }
  keepClocks(d)
}
