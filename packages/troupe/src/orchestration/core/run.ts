/** The run as a whole: begun, paused, stopped, begun anew, ended. */
import { failure, type Json, type StoredError, storeError, taintField } from '../../core/index.ts'
import { clearClock, standClocks, startClocks } from './clocks.ts'
import type { Deciding } from './deciding.ts'
import { delayBefore } from './failing.ts'
import { startBranch } from './follow.ts'
import type { Breakpoint, Guard, InputOf, Recall } from './model.ts'
import { recallScope } from './recall.ts'
import { endOf } from './scope.ts'
import { responseOf } from './standing.ts'
import { graphIn } from './ways.ts'

export function startRun(d: Deciding, { task, pinned, taint }: InputOf<'start'>): void {
  d.emit({ type: 'run.started', task, pinned, ...taintField(taint) })
  const { timeouts, budget } = pinned.config
  if (timeouts.run !== undefined) d.emit({ type: 'timer.set', name: 'run', due: d.at + timeouts.run })
  if (budget.time !== undefined) d.emit({ type: 'timer.set', name: 'time', due: d.at + budget.time })
  beginAttempt(d)
}

const scopeId = (attempt: number) => (attempt === 1 ? 'run' : `run~${attempt}`)

/** A branch for each entry; those of a later attempt are told apart by it. */
export function beginAttempt(d: Deciding): void {
  const { attempt, task } = d.state
  const prefix = attempt === 1 ? '' : `${attempt}~`
  for (const [i, edge] of graphIn(d.state).entries.entries())
    startBranch(d, {
      branch: `${prefix}${i + 1}`,
      scope: scopeId(attempt),
      opens: { kind: 'run' },
      node: edge.to,
      depth: 0,
      order: [i + 1],
      input: task,
    })
}

export function recallRun(
  d: Deciding,
  recall: Recall,
  { guard, by }: { readonly guard?: Guard | undefined; readonly by?: string | undefined } = {},
): void {
  if (d.state.recall) return
  d.arrivals.length = 0
  d.emit({ type: 'run.recalled', recall, ...(guard ? { guard } : {}), ...(by === undefined ? {} : { by }) })
  const { again } = d.state
  if (again !== undefined) clearClock(d, again)
  for (const id of d.state.tops) {
    recallScope(d, id, { as: 'cancelled', error: recall.error })
    d.scopes.add(id)
  }
}

export function cancelRun(d: Deciding, by: string): void {
  recallRun(d, { as: 'cancelled', error: storeError(failure('cancelled', { what: 'The run' })) }, { by })
}

export function pauseRun(d: Deciding, by: string, breakpoint?: Breakpoint): void {
  if (d.state.pausedBy !== undefined || d.state.recall) return
  d.emit({ type: 'run.paused', by, ...(breakpoint ? { breakpoint } : {}) })
  standClocks(d)
}

/** @param steps so many are begun before it stops again */
export function continueRun(d: Deciding, by: string, steps?: number): void {
  const { pausedBy, breakpoint } = d.state
  // Who was paused by somebody stays so when the run above goes on; a breakpoint stops both, and both go on.
  if (pausedBy === undefined || (by === 'parent' && pausedBy !== 'parent' && !breakpoint)) return
  d.emit({ type: 'run.continued', by, ...(steps === undefined ? {} : { steps }) })
  startClocks(d)
  for (const { id, held } of d.state.steps.values()) if (held) d.later({ do: 'step.end', step: id, ending: held })
}

const isIdle = (d: Deciding) => d.state.counts.live === 0 && d.state.counts.steps === 0 && d.state.barriers.size === 0

/** @returns true where something was decided */
export function considerRun(d: Deciding): boolean {
  const { state } = d
  if (state.again !== undefined) return false
  if (state.recall) return isIdle(d) && endRecalled(d, state.recall)
  const scope = state.scopes.get(scopeId(state.attempt))
  if (!scope || scope.live > 0 || scope.barriers > 0) return false
  const end = endOf(d, scope, '')
  if (!end.success) {
    recallRun(d, { as: 'failed', error: end.error as StoredError })
    return true
  }
  if (!isIdle(d)) return false
  d.emit({ type: 'run.completed', value: end.value ?? null })
  return true
}

/** What it has: the responses so far, else the last value that any branch ended with. */
function partial(d: Deciding): { readonly partial?: Json } {
  const scope = d.state.scopes.get(scopeId(d.state.attempt))
  const value = (scope && responseOf(scope)) ?? d.state.lastValue
  return value === undefined ? {} : { partial: value }
}

function endRecalled(d: Deciding, recall: Recall): true {
  const { guard, attempt } = d.state
  const { retry } = d.config
  if (recall.as === 'cancelled') d.emit({ type: 'run.cancelled', by: d.state.recalledBy as string, ...partial(d) })
  else if (retry && !guard && attempt < retry.attempts && mayTryAgain(recall.error)) retryRun(d, recall.error)
  else d.emit({ type: 'run.failed', error: recall.error, ...(guard ? { guard } : {}), ...partial(d) })
  return true
}

const mayTryAgain = ({ name, details }: StoredError) =>
  name !== 'CriticalError' &&
  !(name === 'TimeoutError' && (details as { readonly kind?: Json } | undefined)?.kind === 'run')

function retryRun(d: Deciding, error: StoredError): void {
  const attempt = d.state.attempt + 1
  const delay = delayBefore(d.config.retry as NonNullable<typeof d.config.retry>, attempt, 'run')
  const after = `anew:${attempt}`
  d.emit({ type: 'run.retried', attempt, after, error })
  d.emit({ type: 'timer.set', name: after, due: d.at + delay })
}
