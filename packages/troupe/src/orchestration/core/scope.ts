/** Scopes end when their last branch has; what they end with goes to the barrier that waits for it. */
import type { StoredError } from '../../core/index.ts'
import { discardMeetings } from './barrier.ts'
import { type Deciding, failed } from './deciding.ts'
import { considerMeetings } from './meeting.ts'
import type { Result } from './model.ts'
import { loser, responseOf, standing } from './standing.ts'
import { must, type Scope } from './state.ts'

export function considerScope(d: Deciding, id: string): void {
  const scope = d.state.scopes.get(id)
  if (!scope) return
  const closing = Object.keys(scope.closing).filter((b) => scope.closing[b] && standing(d, d.barrier(b)).open === 0)
  if (closing.length > 0) {
    for (const barrier of closing) d.barriers.add(barrier)
    d.scopes.add(id)
    return
  }
  if (d.goesDown(scope)) {
    if (scope.live === 0) discardMeetings(d, scope, () => true, scope.failing ?? loser())
  } else if (scope.barriers > 0) considerMeetings(d, scope)
  if (scope.live > 0 || scope.barriers > 0 || scope.opens.kind !== 'call') return
  const barrier = d.barrier(scope.opens.barrier)
  const slot = must(barrier.slots[scope.opens.slot], 'slot')
  const result = endOf(d, scope, slot.agent)
  d.emit({
    type: 'barrier.arrived',
    barrier: barrier.id,
    slot: scope.opens.slot,
    order: [scope.opens.slot],
    depth: scope.depth,
    result: barrier.state === 'closing' && result.success ? failed(slot.agent, loser()) : result,
    ...(scope.fatal ? { fatal: true as const } : {}),
    ...(scope.forgiven && !scope.fatal ? { forgiven: true as const } : {}),
  })
}

/** One response, or the list of them in order of invocation; a failure where there is none, or where one is not forgiven. */
export function endOf(d: Deciding, scope: Scope, agent: string): Result {
  const value = responseOf(scope)
  if (scope.failing) return failed(agent, scope.failing)
  if (value !== undefined) return { agent, success: true, value }
  return failed(agent, d.state.recall?.error ?? must(scope.lost, 'a branch that was lost'))
}

/** Its branches are stopped and awaited; then it ends with this error. */
export function failScope(d: Deciding, id: string, error: StoredError, fatal: boolean): void {
  const scope = must(d.state.scopes.get(id), id)
  if (d.goesDown(scope)) return
  d.emit({ type: 'scope.failed', scope: scope.id, error, ...(fatal ? { fatal: true as const } : {}) })
  d.later({ do: 'scope.recall', scope: id, recall: { as: 'cancelled', error: loser() } })
}
