/**
 * The machine of a step: the action of each trigger in each state. The machine dispatches on this table only.
 *
 * A cell is `ignored`, `impossible` (the step ends with `invariant.broken`), or an action with the states that it may lead
 * to besides the present one. `ended` ignores each trigger.
 */
import { failure } from '../../core/index.ts'
import { tickStep } from './advance-step.ts'
import { applyCommit, failTurn, loseHead, requeueInvalid, requeueRejected, retryTurn } from './apply-commit.ts'
import {
  beginExecution,
  checkStall,
  completeParked,
  completeStep,
  noteProgramEnd,
  recheck,
  resumeParked,
  retryStep,
} from './begin-execution.ts'
import { breakOff, dropParked, endErased, endLost, endStopped } from './close-step.ts'
import { wakeParked } from './create-execution.ts'
import { drainInbox, drainParkedInbox, noteArrival, noteArrivalParked } from './drain-inbox.ts'
import { finishStop } from './finish-stop.ts'
import type { StepControl, StepState } from './step-data.ts'
import {
  drainStep,
  noteHead,
  passDeadline,
  rejectRecord,
  rememberStop,
  replaceStop,
  stopForReason,
  stopParked,
} from './stop-step.ts'
import type { TriggerName, TriggerOf } from './trigger.ts'

const ignored = 'ignored'
const impossible = 'impossible'

export interface StepTransition<Name extends TriggerName> {
  readonly run: (step: StepControl, trigger: TriggerOf<Name>) => void
  readonly to: readonly StepState[]
}
type StepCell<Name extends TriggerName> = typeof ignored | typeof impossible | StepTransition<Name>
type LiveState = Exclude<StepState, 'ended'>
type Row<Name extends TriggerName> = { readonly [State in LiveState]: StepCell<Name> }

const go = <Name extends TriggerName>(run: StepTransition<Name>['run'], ...to: StepState[]): StepTransition<Name> => ({
  run,
  to,
})
const everywhere = <Name extends TriggerName>(cell: StepCell<Name>): Row<Name> => ({
  loading: cell,
  running: cell,
  completing: cell,
  stopping: cell,
  backoff: cell,
  parked: cell,
})

// biome-ignore format: a table is read in columns
export const stepTable: { readonly [Name in TriggerName]: Row<Name> } = {
  loaded: {
    loading: go(beginExecution, 'running', 'completing', 'ended'),
    running: impossible, completing: impossible, stopping: impossible, backoff: impossible, parked: impossible,
  },
  called: {
    loading: ignored,
    running: go(recheck), completing: go(recheck),
    stopping: ignored, backoff: ignored,
    parked: go(wakeParked, 'running'),
  },
  programEnded: {
    loading: ignored,
    running: go(completeStep, 'completing'),
    completing: ignored,
    stopping: go(noteProgramEnd),
    backoff: ignored,
    parked: go(completeParked, 'running', 'completing'),
  },
  callFailed: {
    loading: ignored,
    running: go(stopForReason, 'stopping'), completing: go(stopForReason, 'stopping'),
    stopping: ignored, backoff: ignored,
    parked: go(stopParked, 'running', 'stopping'),
  },
  committed: {
    loading: impossible,
    running: go(applyCommit), completing: go(applyCommit, 'ended'), stopping: go(applyCommit, 'ended'),
    backoff: impossible, parked: impossible,
  },
  rejected: {
    loading: impossible,
    running: go(retryTurn, 'stopping'), completing: go(retryTurn, 'stopping'),
    stopping: go(requeueRejected),
    backoff: impossible, parked: impossible,
  },
  invalid: {
    loading: impossible,
    running: go(failTurn, 'stopping'), completing: go(failTurn, 'stopping'),
    stopping: go(requeueInvalid),
    backoff: impossible, parked: impossible,
  },
  headLost: {
    loading: go(endLost, 'ended'),
    running: go(loseHead, 'stopping'), completing: go(loseHead, 'stopping'), stopping: go(loseHead),
    backoff: ignored, parked: ignored,
  },
  headRead: {
    loading: impossible, running: impossible, completing: impossible,
    stopping: go(noteHead, 'ended'),
    backoff: impossible, parked: impossible,
  },
  recorded: {
    loading: impossible, running: impossible, completing: impossible,
    stopping: go(finishStop, 'backoff', 'completing', 'ended'),
    backoff: impossible, parked: impossible,
  },
  recordRejected: {
    loading: impossible, running: impossible, completing: impossible,
    stopping: go(rejectRecord, 'ended'),
    backoff: impossible, parked: impossible,
  },
  inboxRead: {
    loading: ignored,
    running: go(drainInbox),
    completing: ignored, stopping: ignored, backoff: ignored,
    parked: go(drainParkedInbox, 'running'),
  },
  arrival: {
    loading: go(noteArrival), running: go(noteArrival),
    completing: ignored, stopping: ignored, backoff: ignored,
    parked: go(noteArrivalParked),
  },
  execute: {
    loading: ignored, running: ignored, completing: ignored, stopping: ignored, backoff: ignored,
    parked: go(resumeParked, 'running'),
  },
  tick: {
    loading: ignored,
    running: go(tickStep, 'parked'), completing: go(tickStep),
    stopping: ignored, backoff: ignored, parked: ignored,
  },
  timer: {
    loading: ignored,
    running: go(checkStall, 'stopping'), completing: go(checkStall, 'stopping'),
    stopping: go(passDeadline),
    backoff: go(retryStep, 'loading'),
    parked: ignored,
  },
  stop: {
    loading: go(rememberStop),
    running: go(stopForReason, 'stopping'), completing: go(stopForReason, 'stopping'),
    stopping: go(replaceStop),
    backoff: go(endStopped, 'ended'), parked: go(stopParked, 'running', 'stopping'),
  },
  drain: {
    loading: go(drainStep),
    running: go(drainStep, 'stopping'), completing: go(drainStep, 'stopping'),
    stopping: go(drainStep),
    backoff: go(drainStep, 'ended'), parked: go(dropParked, 'ended'),
  },
  drop: {
    loading: ignored, running: ignored, completing: ignored, stopping: ignored, backoff: ignored,
    parked: go(dropParked, 'ended'),
  },
  forget: everywhere(go(endErased, 'ended')),
  broken: everywhere(go(breakOff, 'ended')),
}

/**
 * @returns the action of the trigger in the state; undefined if the trigger is ignored
 * @throws TroupeError `invariant.broken` for a trigger that is impossible in the state
 */
export function transitionOf<Name extends TriggerName>(state: StepState, on: Name): StepTransition<Name> | undefined {
  const cell: StepCell<Name> = state === 'ended' ? ignored : stepTable[on][state]
  if (cell === impossible) throw failure('invariant.broken', { rule: `a step that is ${state} gets no trigger ${on}` })
  return cell === ignored ? undefined : cell
}
