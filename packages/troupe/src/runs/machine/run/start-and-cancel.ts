/** Decides about the complete run: start, pause, cancellation, retry and end. */
import { failure, type Json, type StoredError, storeError, taintField } from '../../../core/index.ts'
import { groupFailure } from '../branches/branch-group.ts'
import { requestGroupCancel } from '../branches/cancellation.ts'
import { delayBefore, exhausted } from '../branches/fail-branch.ts'
import { graphIn } from '../branches/flow.ts'
import { startBranch } from '../branches/route-result.ts'
import { clearClock } from '../clocks/update-clocks.ts'
import type { RunDecision } from '../decision.ts'
import { responseOf } from '../joins/join-progress.ts'
import { branchesAllowed } from '../limits/guards.ts'
import type { Breakpoint, Cancellation, Guard, InputOf } from '../machine-events.ts'

export function applyStart(d: RunDecision, { task, pinned, taint }: InputOf<'start'>): void {
  d.emit({ type: 'run.started', task, pinned, ...taintField(taint) })
  const { timeouts } = pinned.config
  if (timeouts.run !== undefined) d.emit({ type: 'timer.set', name: 'run', due: d.at + timeouts.run })
  beginAttempt(d)
}

const groupId = (attempt: number) => (attempt === 1 ? 'run' : `run~${attempt}`)

/** Starts a branch for each entry. The ids of a later attempt contain its number. */
export function beginAttempt(d: RunDecision): void {
  const { attempt, task } = d.state.run
  const prefix = attempt === 1 ? '' : `${attempt}~`
  const { entries } = graphIn(d.state)
  if (!branchesAllowed(d, entries.length)) return
  for (const [i, edge] of entries.entries())
    startBranch(d, {
      branch: `${prefix}${i + 1}`,
      group: groupId(attempt),
      origin: { kind: 'run' },
      node: edge.to,
      depth: 0,
      order: [i + 1],
      input: task,
    })
}

export function requestRunCancel(
  d: RunDecision,
  cancellation: Cancellation,
  { guard, by }: { readonly guard?: Guard | undefined; readonly by?: string | undefined } = {},
): void {
  const { cancellation: earlier } = d.state.run
  // The clean-up after a failed attempt neither delays nor drops what ends the run.
  if (earlier && !isRetried(d, earlier)) return
  d.arrivals.length = 0
  d.emit({
    type: 'run.cancel-requested',
    cancellation,
    ...(guard ? { guard } : {}),
    ...(by === undefined ? {} : { by }),
  })
  const { retryTimer } = d.state.run
  if (retryTimer !== undefined) clearClock(d, retryTimer)
  for (const id of d.state.branches.rootGroups) {
    requestGroupCancel(d, id, { as: 'cancelled', error: cancellation.error })
    d.groups.add(id)
  }
}

export function cancelRun(d: RunDecision, by: string): void {
  requestRunCancel(d, { as: 'cancelled', error: storeError(failure('cancelled', { what: 'The run' })) }, { by })
}

export function pauseRun(d: RunDecision, by: string, breakpoint?: Breakpoint): void {
  const { pausedBy, cancellation } = d.state.run
  if (pausedBy !== undefined) return
  // A pause before the next attempt applies to it. A breakpoint belongs to the attempt that has failed.
  if (cancellation && (breakpoint || !isRetried(d, cancellation))) return
  d.emit({ type: 'run.paused', by, ...(breakpoint ? { breakpoint } : {}) })
}

/** Resumes a paused run. @param steps the number of steps that start before the run stops again; absent for no limit */
export function resumeRun(d: RunDecision, by: string, steps?: number): void {
  const { pausedBy, breakpoint } = d.state.run
  // A run that a person has paused stays paused when its parent resumes. A breakpoint pauses both, and both resume.
  if (pausedBy === undefined || (by === 'parent' && pausedBy !== 'parent' && !breakpoint)) return
  d.emit({ type: 'run.resumed', by, ...(steps === undefined ? {} : { steps }) })
  for (const { id, suspendedEnding } of d.state.steps.open.values())
    if (suspendedEnding) d.later({ do: 'step.end', step: id, ending: suspendedEnding })
}

const isIdle = ({ state: { run, branches, steps, joins } }: RunDecision) =>
  branches.openCount + steps.open.size + joins.open.size === 0 && run.childrenCancelledAt === undefined

/** @returns true where something was decided */
export function considerRun(d: RunDecision): boolean {
  const { state } = d
  if (state.run.retryTimer !== undefined) return false
  if (state.run.cancellation) return isIdle(d) && endCancelled(d, state.run.cancellation)
  const group = state.branches.groups.get(groupId(state.run.attempt))
  if (!group || group.live > 0 || group.openJoinCount > 0) return false
  const error = groupFailure(d, group)
  if (error) {
    requestRunCancel(d, { as: 'failed', error })
    return true
  }
  if (!isIdle(d)) return false
  d.emit({ type: 'run.completed', value: responseOf(group) ?? null })
  return true
}

/** Returns the responses so far, or else the last value with which a branch ended. */
function partial(d: RunDecision): { readonly partial?: Json } {
  const group = d.state.branches.groups.get(groupId(d.state.run.attempt))
  const value = (group && responseOf(group)) ?? d.state.run.lastValue
  return value === undefined ? {} : { partial: value }
}

function endCancelled(d: RunDecision, cancellation: Cancellation): true {
  const { guard, attempt } = d.state.run
  const { retry } = d.config
  if (cancellation.as === 'cancelled')
    d.emit({ type: 'run.cancelled', by: d.state.run.cancelRequestedBy as string, ...partial(d) })
  else if (isRetried(d, cancellation)) retryRun(d, cancellation.error)
  else {
    const isUsedUp = retry !== undefined && attempt > 1 && !guard && isRetryable(cancellation.error)
    const error = isUsedUp ? exhausted(cancellation.error, attempt) : cancellation.error
    d.emit({ type: 'run.failed', error, ...(guard ? { guard } : {}), ...partial(d) })
  }
  return true
}

/** Returns whether another attempt of the run follows its failure. */
function isRetried({ config: { retry }, state: { run } }: RunDecision, { as, error }: Cancellation): boolean {
  return as === 'failed' && retry !== undefined && !run.guard && run.attempt < retry.attempts && isRetryable(error)
}

const isRetryable = ({ name, details }: StoredError) =>
  name !== 'CriticalError' &&
  !(name === 'TimeoutError' && (details as { readonly kind?: Json } | undefined)?.kind === 'run')

function retryRun(d: RunDecision, error: StoredError): void {
  const attempt = d.state.run.attempt + 1
  const delay = delayBefore(d.config.retry as NonNullable<typeof d.config.retry>, attempt, 'run')
  const after = `run-retry:${attempt}`
  d.emit({ type: 'run.retried', attempt, after, error })
  d.emit({ type: 'timer.set', name: after, due: d.at + delay })
}
