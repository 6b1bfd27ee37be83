/**
 * The transition of a run: computes events and commands from the state and an input, and reads nothing else. Each event is
 * folded into the state when it is decided. A broken invariant fails the run and not the process.
 */
import { failure, finishNow, storeError, type WorkInParts } from '../../core/index.ts'
import { considerGroup, failGroup } from './branches/branch-group.ts'
import { finishCancellation, requestBranchCancel, requestGroupCancel } from './branches/cancellation.ts'
import { handleBranchFailure } from './branches/fail-branch.ts'
import { onTimer } from './clocks/on-timer.ts'
import { updateClocks } from './clocks/update-clocks.ts'
import { type DecisionTask, RunDecision } from './decision.ts'
import { considerJoin } from './joins/consider-join.ts'
import { joinArrivals } from './joins/join-arrivals.ts'
import type { AgentPath } from './labels/agent-path.ts'
import type { Command, Event, Input } from './machine-events.ts'
import { editBranch } from './people/breakpoints.ts'
import { answerQuestion, askQuestion, passBreakpoints, requestAgent, sendDeferredAnswers } from './people/questions.ts'
import { deriveStatus } from './run/run-account.ts'
import { recordWaiting } from './run/run-waiting.ts'
import { applyStart, cancelRun, considerRun, pauseRun, requestRunCancel, resumeRun } from './run/start-and-cancel.ts'
import type { EndedStart } from './run/start-of-ended.ts'
import { hasEnded, type State } from './state.ts'
import { scheduleSteps } from './steps/schedule-steps.ts'
import {
  budgetRejected,
  childChanged,
  endStep,
  hashProgress,
  stepEdited,
  stepFailed,
  stepResumed,
  stepReturned,
  stepWaits,
} from './steps/step-results.ts'

export interface TransitionResult {
  /** The events; empty if the input is too late or does not fit. */
  readonly events: readonly Event[]
  /** The agent path of each event. */
  readonly paths: readonly AgentPath[]
  /** For each event that ends something, when that started. */
  readonly beginnings: readonly (EndedStart | undefined)[]
  /** The commands that the shell must execute after the transition. */
  readonly commands: readonly Command[]
}

/**
 * Decides about an input, and updates the state in place with the returned events.
 * @throws the error of a fold; the state is then invalid and must be dropped
 */
export const transition = (state: State, input: Input): TransitionResult => finishNow(transitionInParts(state, input))

/**
 * The same in parts: a decision about thousands of branches takes longer than other work may wait. Between two parts the
 * state is the fold of the events so far.
 */
export function* transitionInParts(state: State, input: Input): WorkInParts<TransitionResult> {
  if (hasEnded(state) || (state.run.status === 'new') !== (input.type === 'start'))
    return { events: [], paths: [], beginnings: [], commands: [] }
  const decision = new RunDecision(state, Math.max(input.at, state.clocks.lastAt))
  try {
    yield* decide(decision, input)
  } catch (error) {
    if (decision.isFolding) throw error
    return failRun(decision, input, error)
  }
  return resultOf(decision, decision.commands())
}

function* decide(d: RunDecision, input: Input): WorkInParts<void> {
  const before = deriveStatus(d.state)
  if (input.type === 'step.returned' || input.type === 'step.edited') yield* hashProgress(d, input)
  applyInput(d, input)
  yield* processTasks(d)
  if (hasEnded(d.state)) return
  yield* updateClocks(d)
  recordWaiting(d, before)
}

/** Fails the run after a broken invariant, with the decisions so far, and cancels all executing steps. */
function failRun(d: RunDecision, input: Input, thrown: unknown): TransitionResult {
  const error = storeError(isBroken(thrown) ? thrown : failure('invariant.broken', { rule: String(thrown) }))
  const ended = input.type === 'step.returned' || input.type === 'step.failed' ? input.step : undefined
  for (const { id: step, status, cancellation, branch, agent } of d.state.steps.open.values())
    if (step !== ended && status !== 'ready' && !cancellation)
      d.emit({ type: 'step.cancel-requested', step, branch, agent, cancellation: { as: 'cancelled', error } })
  const cancels = d.commands().filter(({ type }) => type === 'step.cancel')
  d.emit({ type: 'run.failed', error })
  // The end of a run closes all that is outstanding, and these steps execute still.
  return resultOf(d, [...cancels, ...d.commands()])
}

const resultOf = ({ events, paths, beginnings }: RunDecision, commands: readonly Command[]): TransitionResult => ({
  events,
  paths,
  beginnings,
  commands,
})

const isBroken = (thrown: unknown): thrown is Error =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'invariant.broken'

function applyInput(d: RunDecision, input: Input) {
  switch (input.type) {
    case 'start':
      return applyStart(d, input)
    case 'step.returned':
      return stepReturned(d, input)
    case 'step.failed':
      return stepFailed(d, input)
    case 'step.waiting':
      return stepWaits(d, input)
    case 'step.resumed':
      return stepResumed(d, input.step)
    case 'question.asked':
      return askQuestion(d, input)
    case 'question.answered':
      return answerQuestion(d, input)
    case 'request.made':
      return requestAgent(d, input)
    case 'timer':
      return onTimer(d, input.name)
    case 'cancel':
      return cancelRun(d, input.by)
    case 'pause':
      return pauseRun(d, input.by, input.breakpoint)
    case 'break':
      return d.emit({ type: 'run.breakpoints-set', breakOn: input.breakOn, by: input.by })
    case 'resume': {
      const { deferred } = d.state.questions
      resumeRun(d, input.by, input.steps)
      sendDeferredAnswers(d, deferred)
      return passBreakpoints(d, input.by)
    }
    case 'step.edited':
      return stepEdited(d, input)
    case 'branch.edited':
      return editBranch(d, input.branch, input.input)
    case 'budget.rejected':
      return budgetRejected(d, input)
    case 'run.claimed':
      return d.emit({ type: 'run.claimed', gap: d.at - d.state.clocks.lastAt })
    case 'clock.jumped':
      return d.emit({ type: 'clock.jumped', gap: Math.min(input.gap, d.at - d.state.clocks.lastAt) })
    case 'child.waiting':
    case 'child.resumed':
      return childChanged(d, input)
    case 'children.cancelled':
      return d.state.run.childrenCancelledAt !== undefined ? d.emit({ type: 'children.cancelled' }) : undefined
    case 'run.charged':
    case 'budget.granted': {
      const { at: _, ...fields } = input
      return d.emit(fields)
    }
  }
}

function carryOut(d: RunDecision, task: DecisionTask) {
  switch (task.do) {
    case 'branch.fail':
      return handleBranchFailure(d, d.branch(task.branch), task.error, task.fatal)
    case 'branch.cancel':
      return requestBranchCancel(d, d.branch(task.branch), task.cancellation)
    case 'branch.stop':
      return finishCancellation(d, d.branch(task.branch))
    case 'scope.fail':
      return failGroup(d, task.group, task.error, task.fatal)
    case 'scope.cancel':
      return requestGroupCancel(d, task.group, task.cancellation)
    case 'run.cancel':
      return requestRunCancel(d, task.cancellation, task)
    case 'step.end': {
      const step = d.state.steps.open.get(task.step)
      return step && endStep(d, step, task.ending)
    }
  }
}

/** Processes all consequences of the input, in an order that depends on the state alone. */
function* processTasks(d: RunDecision): WorkInParts<void> {
  for (;;) {
    yield* d.finishRest()
    if (hasEnded(d.state)) return
    const task = d.nextTask()
    const [joinId] = d.joins
    const [group] = d.groups
    if (task) carryOut(d, task)
    else if (d.arrivals.length > 0) joinArrivals(d)
    else if (joinId !== undefined) {
      d.joins.delete(joinId)
      considerJoin(d, joinId)
    } else if (group !== undefined) {
      d.groups.delete(group)
      considerGroup(d, group)
    } else if (!considerRun(d) && !scheduleSteps(d)) break
    yield
  }
}
